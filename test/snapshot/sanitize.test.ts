import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sanitize, visible } from '../../src/snapshot/sanitize.ts';

/** What no output may contain: what a terminal obeys, reorders by, or hides. */
const FORBIDDEN = /[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\u061c\ufeff\ud800-\udfff]/u;

describe('visible', () => {
  test.each([
    ['Yubico YubiKey OTP+FIDO+CCID 00 00', 'Yubico YubiKey OTP+FIDO+CCID 00 00'],
    ['Lesegerät 読み取り機 🔑', 'Lesegerät 読み取り機 🔑'],
    ['\x1b]52;c;ZXZpbA==\x07', '␛]52;c;ZXZpbA==␇'],
    ['two\r\nlines', 'two␍␊lines'],
    ['\x7f\x9b2J', '␡\\u{9b}2J'],
    ['user\u202eexe.txt', 'user\\u{202e}exe.txt'],
    ['zero\u200bwidth\ufeff', 'zero\\u{200b}width\\u{feff}'],
    ['half \ud83d of it', 'half \\u{d83d} of it'],
    ['\u{e0041}tag', '\\u{e0041}tag'],
  ])('%j', (raw, shown) => expect(visible(raw)).toBe(shown));

  test('cuts what is absurdly long and says how much', () => {
    const shown = visible('x'.repeat(1_000_000));
    expect(shown.length).toBeLessThanOrEqual(4096);
    const [, cut] = /…\[(\d+) characters cut\]$/.exec(shown) ?? [];
    expect(Number(cut) + shown.indexOf('…')).toBe(1_000_000);
  });

  test('nothing forbidden survives, and what is visible stays as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 6000 }), (text) => {
        const shown = visible(text);
        expect(shown).not.toMatch(FORBIDDEN);
        expect(visible(shown)).toBe(shown);
      }),
    );
  });
});

test('sanitize reaches every string and every key', () => {
  const dirty = { 'k\x1b': ['a\x07', { deep: 'b\u202e' }], n: 1, none: null, yes: true };
  expect(sanitize(dirty)).toEqual({ 'k␛': ['a␇', { deep: 'b\\u{202e}' }], n: 1, none: null, yes: true });
});
