import { describe, expect, it } from 'vitest';
import { countNewlines } from '../../src/explain/lines.ts';
import { Needles } from '../../src/explain/needles.ts';

const literals = ['sharing violation', 'shared', 'violation', 'no such device', 'device not found', 'a b c d e', 'aaaaaaaaa'];
const text = 'Sharing Violation, no such DEVICE not found: a b c d e aaaaaaaaaaa shared device';

/** Where each literal is, by comparing at every place. */
function expected(within: string, words: readonly (string | null)[]): string[] {
  const lower = within.toLowerCase();
  return words.flatMap((word, id) => [...lower].flatMap((_, at) => (word !== null && lower.startsWith(word, at) ? [`${id} at ${at}`] : [])));
}

describe.each([6, 7, 9])('literals of at least %i bytes', (shortest) => {
  const words = literals.map((literal) => (literal.length >= shortest ? literal : null));
  const needles = new Needles(words, shortest, text);

  it('are found wherever they are in memory, up to the last byte', () => {
    for (let before = 0; before < 9; before++) {
      for (let length = 0; length <= text.length; length++) {
        const memory = new Uint8Array(before + length);
        memory.set(Buffer.from(text.slice(text.length - length)), before);
        const bytes = memory.subarray(before);
        const found: string[] = [];
        needles.search(bytes, 0, bytes.length, (id, at) => void found.push(`${id} at ${at}`));
        expect(found.sort()).toEqual(expected(text.slice(text.length - length), words).sort());
      }
    }
  });

  it('are not found where they reach out of what is searched', () => {
    const bytes = Buffer.from(text);
    for (let from = 0; from < bytes.length; from++) {
      for (const to of [from, from + 9, from + 20, bytes.length].filter((end) => end <= bytes.length)) {
        const found: string[] = [];
        needles.search(bytes, from, to, (id, at) => void found.push(`${id} at ${at - from}`));
        expect(found.sort()).toEqual(expected(text.slice(from, to), words).sort());
      }
    }
  });
});

describe('newlines', () => {
  it('are counted from any byte to any, whatever the others are', () => {
    const bytes = Uint8Array.from({ length: 5000 }, (_, at) => [0x0a, 0x0b, 0x8a, 0x00, 0x41, 0x0a, 0xff][(at * at + at) % 7] as number);
    for (let from = 0; from < 9; from++) {
      for (const to of [from, from + 5, from + 77, 1023, 1024, 4999, 5000]) {
        expect(countNewlines(bytes, from, to)).toBe(bytes.subarray(from, to).filter((byte) => byte === 0x0a).length);
      }
    }
  });

  it('are counted where there is nothing else', () => {
    expect(countNewlines(Buffer.alloc(10_000, '\n'), 3, 9_999)).toBe(9_996);
  });
});
