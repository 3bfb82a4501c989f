/**
 * Reader names, process names and file contents come from outside: a USB device can name itself
 * `\x1b]52;c;…` and a terminal would obey. Everything is made visible once, where it enters a snapshot.
 */

/**
 * What a terminal obeys or does not show: control characters, line separators, bidi marks and overrides, tag
 * characters, zero-width and filler characters, surrogates without a partner (they are not valid UTF-8 either).
 */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/gu;
const HARMLESS = /^[\x20-\x7e]*$/;

/** In characters. A snapshot's longest honest string is a path (PATH_MAX, 4096). */
const LONGEST = 4096;

/** First code point of the Unicode block "Control Pictures": ␀ for U+0000 and so on up to ␟. */
const CONTROL_PICTURES = 0x2400;

function picture(character: string): string {
  const code = character.codePointAt(0) as number;
  if (code < 0x20) return String.fromCodePoint(CONTROL_PICTURES + code);
  if (code === 0x7f) return '␡';
  return `\\u{${code.toString(16)}}`;
}

/** The text with everything invisible shown (ESC as ␛, U+202E as \u{202e}) and, beyond 4096 characters, cut with a mark that counts the rest. */
export function visible(text: string): string {
  // Cut before and after: before, so that a gigabyte is not searched; after, because pictures are longer than what they show.
  const kept = text.length <= LONGEST ? text : text.slice(0, LONGEST);
  const shown = HARMLESS.test(kept) ? kept : kept.replace(INVISIBLE, picture);
  if (text.length <= LONGEST && shown.length <= LONGEST) return shown;
  const mark = (cut: number) => `…[${cut} characters cut]`;
  const room = LONGEST - mark(text.length + shown.length).length;
  return withoutHalf(shown.slice(0, room)) + mark(shown.length - room + text.length - kept.length);
}

/** Without the first half of a character whose second half was cut off. */
function withoutHalf(text: string): string {
  return text.replace(/[\ud800-\udbff]$/, '');
}

/** A copy in which every string and every key, however deep, is `visible`. */
export function sanitize<T>(value: T): T {
  return clean(value) as T;
}

function clean(value: unknown): unknown {
  if (typeof value === 'string') return visible(value);
  if (Array.isArray(value)) return value.map(clean);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [visible(key), clean(inner)]));
}
