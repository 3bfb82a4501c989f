/**
 * Whether a name matches a shell-like pattern: `*` any characters, `?` one; upper and lower case alike, because reader
 * names are spelled both ways. Takes at most as many steps as both lengths multiplied; a regular expression of as many
 * `.*` would not end.
 */
export function matchesGlob(pattern: string, name: string): boolean {
  const [wanted, given] = [pattern, name].map((text) => Array.from(text, (character) => character.toLowerCase())) as [string[], string[]];
  let at = 0;
  /** Behind the last star, and how much of the name that star takes so far. */
  let star: { next: number; taken: number } | null = null;
  for (let index = 0; index < given.length; ) {
    if (wanted[at] === '*') {
      star = { next: ++at, taken: index };
    } else if (wanted[at] === '?' || wanted[at] === given[index]) {
      at++;
      index++;
    } else if (star !== null) {
      at = star.next;
      index = ++star.taken;
    } else {
      return false;
    }
  }
  return wanted.slice(at).every((character) => character === '*');
}
