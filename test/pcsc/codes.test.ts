import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describeCode, findCode, formatCode, hexOf, outcomeOf, parseCode, pcscCodes } from '../../src/pcsc/codes.ts';

const SHARING_VIOLATION = 0x8010000b;

describe('a PC/SC code', () => {
  test.each([
    ['0x8010000B'],
    ['0X8010000b'],
    ['8010000B'],
    ['0xFFFFFFFF8010000B'],
    ['ffffffff8010000b'],
    ['2148532235'],
    ['-2146435061'],
    ['-0x7feffff5'],
    ['18446744071563116555'],
    ['SCARD_E_SHARING_VIOLATION'],
    [' scard_e_sharing_violation\n'],
  ])('is read from %j', (text) => {
    expect(parseCode(text)).toBe(SHARING_VIOLATION);
  });

  test.each([['80100009', 0x80100009], ['80100017', 0x80100017], ['0', 0], ['0x00000000', 0]])('is read from digits alone: %s', (text, number) => {
    expect(parseCode(text)).toBe(number);
  });

  test.each([[''], ['violation'], ['0x'], ['0x1234567890'], ['0x8010000B0'], ['-'], ['1.5'], ['99999999999999999999'], ['SCARD_E_NOTHING']])('is not read from %j', (text) => {
    expect(parseCode(text)).toBeNull();
  });

  test('survives being printed as C programs on any platform print it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), (rv) => {
        const signed = BigInt.asIntN(32, BigInt(rv));
        const spellings = [hexOf(rv), `${rv}`, `${signed}`, `0x${BigInt.asUintN(64, signed).toString(16)}`];
        // Decimal numbers that look like a hex code are read as one; none of them is a code.
        for (const text of spellings) if (!/^8010\d{4}$/.test(text)) expect(parseCode(text)).toBe(rv);
      }),
    );
  });

  test('no text makes the reader of codes throw', () => {
    fc.assert(fc.property(fc.string(), (text) => {
      const number = parseCode(text);
      expect(number === null || (number >= 0 && number <= 0xffffffff)).toBe(true);
    }));
  });

  test('is named with its number', () => {
    expect(describeCode(SHARING_VIOLATION)).toEqual({ code: 'SCARD_E_SHARING_VIOLATION', hex: '0x8010000B' });
    expect(describeCode(-2146435061)).toEqual({ code: 'SCARD_E_SHARING_VIOLATION', hex: '0x8010000B' });
    expect(formatCode(0x80100067)).toBe('SCARD_W_UNPOWERED_CARD (0x80100067)');
  });

  test('that PC/SC does not define gets no name', () => {
    expect(describeCode(0x53204253)).toEqual({ code: null, hex: '0x53204253' });
    expect(formatCode(0x53204253)).toBe('unknown PC/SC code (0x53204253)');
  });

  test('has one row per number, found by number and by name', () => {
    expect(new Set(pcscCodes.map(({ number }) => number)).size).toBe(pcscCodes.length);
    for (const { number, name, text } of pcscCodes) {
      expect(findCode(number)?.name).toBe(name);
      expect(name).toMatch(/^SCARD_[SFEWP]_[A-Z_]+$/);
      expect(text).toMatch(/\.$/);
    }
    // pcsc-lite and Windows disagree on this one; on the systems cardcheck runs on it is pcsc-lite's.
    expect(parseCode('SCARD_E_UNSUPPORTED_FEATURE')).toBe(0x8010001f);
  });
});

test.each([
  [0x00000000, 'ok'],
  [0x8010000b, 'sharing-violation'],
  [0x8010000c, 'no-card'],
  [0x80100067, 'unpowered'],
  [0x80100066, 'unresponsive'],
  [0x8010000f, 'proto-mismatch'],
  [0x8010006a, 'access-denied'],
  [0x8010001d, 'no-service'],
  [0x8010001e, 'protocol-mismatch'],
  [0x80100017, 'error'],
  [0x53204253, 'error'],
])('a connect that returns %i has the outcome %s', (rv, outcome) => {
  expect(outcomeOf(rv)).toBe(outcome);
});
