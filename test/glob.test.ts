import { describe, expect, test } from 'vitest';
import { matchesGlob } from '../src/glob.ts';

describe('a pattern over names', () => {
  test.each([
    ['Yubi*', 'Yubico YubiKey OTP+FIDO+CCID 00 00', true],
    ['yubi*ccid*', 'Yubico YubiKey OTP+FIDO+CCID 00 00', true],
    ['*01 00', 'Alcor AU9540 01 00', true],
    ['*01 00', 'Alcor AU9540 01 00 00', false],
    ['Alcor ?U9540*', 'Alcor AU9540 01 00', true],
    ['?', '🔑', true],
    ['Lesegerät', 'LESEGERÄT', true],
    ['a.c', 'abc', false],
    ['(x)[y]', '(x)[y]', true],
    ['', '', true],
    ['**', '', true],
    ['', 'x', false],
    ['a*b*c', 'a b b c', true],
    ['two*lines', 'two\nlines', true],
  ])('%j and %j: %j', (pattern, name, matches) => expect(matchesGlob(pattern, name)).toBe(matches));

  test('with many stars ends', () => expect(matchesGlob(`${'*a'.repeat(40)}b`, 'a'.repeat(4000))).toBe(false));
});
