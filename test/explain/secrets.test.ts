import { describe, expect, it } from 'vitest';
import { withoutSecrets } from '../../src/explain/secrets.ts';

describe('an answer to reset', () => {
  it.each([
    'Card ATR: 3B DA 18 FF 81 B1 FE 75 1F 03 00 31 C5 73 C0 01 80 05 90 00 C9',
    'ATR: 3bfd1300008131fe158073c021c057597562694b657940',
    'ATR: 3B 00',
    'ATR: 3B FD 13 00 00 81 31 FE 15',
  ])('stays as it is: %s', (line) => {
    expect(withoutSecrets(line)).toBe(line);
  });

  it.each([
    ['ATR: 3B 00 20 00 82 08 31 32 33 34 35 36 37 38', 'ATR: 3B 00 [12 bytes hidden]'],
    ['ATR: 3B 02 14 50 00 20 00 82 06 31 32 33 34 35 36', 'ATR: 3B 02 14 50 [11 bytes hidden]'],
    ['3b02145000200082063132333435360a', '3b021450 [12 bytes hidden]'],
  ])('does not shield a command behind it: %s', (line, said) => {
    expect(withoutSecrets(line)).toBe(said);
  });
});
