import { describe, expect, test } from 'vitest';
import { cells, layout, prose, token, verbatim } from '../../src/report/layout.ts';
import { paint, spellAscii, styleFor } from '../../src/report/style.ts';

const lines = (width: number, ...blocks: Parameters<typeof layout>[0]) => layout(blocks, { width, ascii: false }).map((line) => line.map((part) => part.text).join(''));

describe('layout', () => {
  test('wraps prose at the width and hangs what follows', () => {
    expect(lines(31, prose(2, ['- one two three four five six seven'], 4))).toEqual(['  - one two three four five six', '    seven']);
  });
  test('never wraps what is to be copied', () => {
    const command = `echo ${'x'.repeat(200)} y`;
    expect(lines(40, verbatim(4, command))).toEqual([`    ${command}`]);
  });
  test('cuts a word no line could hold, after finishing the line before it', () => {
    const out = lines(40, prose(2, ['see', ` /very/${'long/'.repeat(20)}path`, ' for more']));
    expect(out.every((line) => cells(line) <= 40)).toBe(true);
    expect(out.join('').replaceAll(' ', '')).toBe(`see/very/${'long/'.repeat(20)}pathformore`);
  });
  test('counts wide characters as two columns and combining ones as none', () => {
    expect(cells('読取')).toBe(4);
    expect(cells('é')).toBe(1);
    expect(lines(24, prose(0, ['読取読取読取 読取読取読取']))).toEqual(['読取読取読取', '読取読取読取']);
  });
  test('keeps tones inside a wrapped line', () => {
    const [line] = layout([prose(0, [token('✗ error', 'error'), '  ', token('CC101', 'strong')])], { width: 80, ascii: false });
    expect(line?.map((part) => paint(part, true)).join('')).toBe('\x1b[31m✗\x1b[39m\x1b[31m \x1b[39m\x1b[31merror\x1b[39m  \x1b[1mCC101\x1b[22m');
  });
});

test('ASCII spells marks and punctuation and gives other characters by number', () => {
  expect(spellAscii('✗ error … → „é“ ␛')).toBe('x error ... -> "\\u{e9}" \\x1b');
});

describe('style', () => {
  const style = (over: Partial<Parameters<typeof styleFor>[0]>) => styleFor({ color: null, width: null, isTTY: true, columns: 120, env: { LANG: 'C.UTF-8' }, ...over });
  test.each([
    ['a terminal', {}, true],
    ['a pipe', { isTTY: false }, false],
    ['NO_COLOR', { env: { NO_COLOR: '1' } }, false],
    ['an empty NO_COLOR', { env: { NO_COLOR: '' } }, true],
    ['FORCE_COLOR wins over NO_COLOR', { isTTY: false, env: { NO_COLOR: '1', FORCE_COLOR: '1' } }, true],
    ['TERM=dumb', { env: { TERM: 'dumb' } }, false],
    ['--no-color wins over FORCE_COLOR', { color: false, env: { FORCE_COLOR: '1' } }, false],
    ['--color wins over all', { color: true, isTTY: false, env: { NO_COLOR: '1', TERM: 'dumb' } }, true],
  ] as const)('colours: %s', (_, over, colors) => expect(style(over).colors).toBe(colors));

  test.each([
    ['a wide terminal', {}, 100],
    ['a terminal of 90 columns', { columns: 90 }, 90],
    ['a pipe', { isTTY: false }, 80],
    ['--width', { width: 60 }, 60],
  ] as const)('width: %s', (_, over, width) => expect(style(over).width).toBe(width));

  test.each([
    [{ LANG: 'en_US.UTF-8' }, false],
    [{ LANG: 'de_DE.utf8', LC_ALL: '' }, false],
    [{ LANG: 'en_US.UTF-8', LC_ALL: 'C' }, true],
    [{}, true],
  ] as const)('ASCII by locale: %j', (env, ascii) => expect(style({ env }).ascii).toBe(ascii));
});
