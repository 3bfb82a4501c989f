/** Text of the kinds that break parsers. */
import fc from 'fast-check';

/** What terminals obey or hide, what parsers and JavaScript treat specially. */
const awkward = [
  '\u001b[2J', '\u001b]52;c;ZXZpbA==\u0007', '\u009b31m', '\u202e', '\u2066', '\u200b', '\ufeff', '\u{e0041}', '\ud83d', '\udc00', '\u2028', '\0', '\r', '\n', '\t', '\u007f', '',
  '__proto__', 'constructor', 'toString', 'hasOwnProperty', '$&', '$1', '\\', '%00', '%s', '../../etc/passwd', '<script>', '| --- |', '```', '\u0130', 'ß', 'e\u0301',
  '-1', '0', '99999999999999999999', '1e999', 'NaN', '0x8010000B', '4294967295',
];

/** @param words of the grammar under test */
export const textOf = (words: readonly string[]): fc.Arbitrary<string> => {
  const word = fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...words) }, { weight: 2, arbitrary: fc.constantFrom(...awkward) }, { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) });
  // Long runs of one word show work that grows faster than the text.
  const run = fc.tuple(word, fc.constantFrom(1, 1, 1, 1, 1, 1, 1, 1, 40, 3000)).map(([text, times]) => text.repeat(times));
  return fc.array(fc.tuple(run, fc.constantFrom('', ' ', ' ', '\n', '\n')).map((parts) => parts.join('')), { maxLength: 30 }).map((parts) => parts.join(''));
};

/** One place of a text changed: cut off, cut out, doubled, replaced. */
export interface Change {
  at: number;
  length: number;
  kind: 'truncate' | 'remove' | 'repeat' | 'replace' | 'insert';
  with: string;
}

export const changes: fc.Arbitrary<Change[]> = fc.array(
  fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), length: fc.nat(60), kind: fc.constantFrom('truncate', 'remove', 'repeat', 'replace', 'insert'), with: fc.oneof(fc.constantFrom(...awkward), fc.string({ unit: 'binary', maxLength: 12 })) }),
  { minLength: 1, maxLength: 4 },
);

export function changed(text: string, list: readonly Change[]): string {
  return list.reduce((old, { at: share, length, kind, with: other }) => {
    const at = Math.floor(share * old.length);
    const [before, middle, after] = [old.slice(0, at), old.slice(at, at + length), old.slice(at + length)];
    return { truncate: before, remove: before + after, repeat: before + middle + middle + middle + after, replace: before + other + after, insert: before + other + middle + after }[kind];
  }, text);
}
