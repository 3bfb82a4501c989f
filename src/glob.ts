/** Whether a name matches a shell-like pattern: `*` any characters, `?` one; upper and lower case alike, because reader names are spelled both ways. */
export function matchesGlob(pattern: string, name: string): boolean {
  const source = pattern.replace(/[\\^$.|+()[\]{}]/g, '\\$&').replace(/\*+/g, '.*').replace(/\?/g, '.');
  return new RegExp(`^${source}$`, 'isu').test(name);
}
