import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/gnupg/config-grammar.ts';
import { type OptionTable, parseOptionTable } from '../../src/gnupg/option-table.ts';
import { relocateScdaemon } from './real-scdaemon.ts';

const real = relocateScdaemon();
afterAll(() => real.remove());
const table = parseOptionTable(real.optionTable) as OptionTable;

interface Files {
  global: string | null;
  user: string | null;
}

function ours({ global, user }: Files) {
  const files = [
    ...(global === null ? [] : [{ path: 'global', text: global, global: true }]),
    ...(user === null ? [] : [{ path: 'user', text: user, global: false }]),
  ];
  return parseConfig(files, table, process.env['USER'] ?? 'root');
}

/** Values of the options gpgconf can show, in its notation: flags count, strings have a quotation mark in front. */
const SHOWN = ['disable-ccid', 'disable-pinpad', 'enable-pinpad-varlen', 'reader-port', 'ctapi-driver', 'pcsc-driver', 'card-timeout', 'verbose'];
function inGpgconfsWords(files: Files): { rejected: string[]; values: Record<string, string> } {
  const { lines, problems } = ours(files);
  const values: Record<string, string> = {};
  for (const { option, value } of lines) {
    if (!SHOWN.includes(option)) continue;
    if (value !== null) values[option] = option === 'card-timeout' ? value : `"${value.replaceAll('%', '%25').replaceAll(':', '%3a')}`;
    else values[option] = option === 'verbose' ? String(Number(values[option] ?? 0) + 1) : '1';
  }
  const rejected = problems.filter(({ effect }) => effect === 'rejected').map(({ file, line, message }) => `${file}:${line} ${message}`);
  return { rejected, values };
}

function theirs(files: Files) {
  const { rejected, values } = real.judge(files);
  return { rejected, values: Object.fromEntries(Object.entries(values).filter(([option]) => SHOWN.includes(option))) };
}

it('comes to an end with a megabyte of blanks', () => {
  const { problems } = ours({ global: null, user: `wrong${' '.repeat(1_000_000)}x\n` });
  expect(problems).toMatchObject([{ effect: 'rejected', message: 'invalid option' }]);
});

describe('the grammar of scdaemon.conf, against the installed scdaemon', () => {
  const same = (files: Files) => expect(inGpgconfsWords(files)).toEqual(theirs(files));

  it.each([
    'disable-ccid\n',
    '  \tdisable-ccid \t \r\n',
    '\uFEFFdisable-ccid\r\nreader-port x\r\n',
    '# disable-ccid\n   # more\ndisable-ccid\n',
    'disable-ccid # why\n',
    'disable-ccid yes\ndisable-ccid 1\n',
    'disable-ccid#x\n--disable-ccid\n-disable-ccid\nDISABLE-CCID\ndisable_ccid\ndisable-cc\nno-disable-ccid\ndisable-ccid=1\n',
    'reader-port=X\nreader-port: X\nreader-port Yubico # c\n',
    'reader-port "Yubico Yubi"\n',
    'reader-port "a b" c\n',
    'reader-port "a\n',
    "reader-port 'a b'\n",
    'reader-port \tx\ty\t\n',
    'reader-port\nreader-port \nreader-port a\nreader-port b\n',
    'card-timeout abc\n',
    'card-timeout 5 minutes\n',
    'card-timeout 0x10\n',
    'card-timeout 99999999999999999999999\ncard-timeout -5\n',
    'shared-access\ndisable-ccid\n',
    'ignore-invalid-option shared-access foo\nshared-access\nfoo x y\nbar\n',
    'shared-access\nignore-invalid-option shared-access\n',
    'ignore-invalid-option\nignore-invalid-option \n',
    `${'k'.repeat(99)}\n${'k'.repeat(100)}\n${'k'.repeat(99)} x\n${'k'.repeat(100)} x\ndisable-ccid\n`,
    `reader-port ${'p'.repeat(300)}\n`,
    'disable-keypad\ndisable-keypad \ndisable-keypad x\n',
    'help\nversion\ndump-options\nwarranty\n',
    '[force]\n[ignore]\n[user root]\ndisable-ccid\n',
    '[verbose]\n[-verbose]\n[let x y]\n[let]\n[verbose x]\n[unknown]\n[]\n[ ]\n[verbose\n[verbose] x\n[verbose] # x\ndisable-ccid\n',
    '[if a = b]\ndisable-ccid\n[else]\nreader-port x\n[fi]\nverbose\n',
    '[if a = a]\ndisable-ccid\n[else]\nreader-port x\n[fi]\nverbose\n',
    '[if a]\n[if b -z]\ndisable-ccid\n[fi]\nverbose\n[fi]\nreader-port x\n',
    '[if a = a b]\n[fi]\n[if a -n b]\n[if a =]\n[if a ?? b]\ndisable-ccid\n',
    '[if 9 < 10]\ndisable-ccid\n[fi]\n[if 0x10 == 16]\nverbose\n[fi]\n',
    '[fi]\n[else]\ndisable-ccid\n',
    'alias foo bar\nalias\nalias \ndisable-ccid\n',
    'disable-ccid\0x\nreader-port a\0b\n',
    'disable-ccid\rreader-port b\n',
    '\v\fdisable-ccid\v\f\n',
    '',
    '\n\n\n',
  ])('reads %j as a user file', (user) => same({ global: null, user }));

  it.each<[string, string]>([
    ['disable-ccid\n', 'reader-port x\n'],
    ['reader-port a\n', 'reader-port b\n'],
    ['[force]\nreader-port a\n', 'reader-port b\ndisable-ccid\n'],
    ['[force]\nreader-port a\n[-force]\ndisable-ccid\n', 'reader-port b\n'],
    ['shared-access\n', 'disable-ccid # x\n'],
    ['[user nobody-of-that-name]\ndisable-ccid\n[user *]\nverbose\n', ''],
    ['[user *]\ndisable-ccid\n[user root]\nverbose\n', ''],
    ['[user nobody-of-that-name]\n[force]\n[foo]\nshared-access\n', 'disable-ccid\n'],
    ['ignore-invalid-option foo\nfoo\n', 'foo\n'],
  ])('reads %j as the global file and %j as the user\'s', (global, user) => same({ global, user }));

  // gpgconf shows ignored options nevertheless, with a flag; the messages are scdaemon's own.
  it.each<[string, string]>([
    ['[ignore]\nreader-port\n[-ignore]\n', 'reader-port\n'],
    ['[ignore-all]\n', 'disable-ccid yes\nreader-port\nshared-access\n'],
    ['[ignore-all]\n[-ignore]\nverbose\n', 'disable-ccid yes\nverbose yes\n'],
    ['[force]\ndisable-ccid\n', 'disable-ccid yes\n'],
    ['[force]\nreader-port x\n[ignore]\n[ignore-all]\n', 'reader-port\ndisable-ccid yes\n'],
  ])('rejects the same lines of %j and %j', (global, user) => expect(inGpgconfsWords({ global, user }).rejected).toEqual(real.judge({ global, user }).rejected));

  const keyword = fc.constantFrom(...SHOWN, 'pcsc-shared', 'shared-access', 'ignore-invalid-option', 'disable-cc', 'allow-admin', 'disable-application', 'alias', 'disable-keypad', 'Disable-ccid', '--verbose', '"verbose"', 'k'.repeat(98));
  const blank = fc.constantFrom(' ', '  ', '\t', ' \t', '\v', '\f', '\r');
  const rest = fc.constantFrom('', 'x', '1', '-7', '010', '# c', '"a b"', '"a', 'shared-access', 'a:b%', 'x"', '2147483648', 'é', 'q'.repeat(120));
  const meta = fc.constantFrom('[verbose]', '[info x]', '[if a]', '[if a -z]', '[if 1 > 2]', '[else]', '[fi]', '[x]', '[let a b]', '[if a = ]', '[ fi ] # end', '[fi');
  // Not [force]: gpgconf goes on to show what the user's file says of a forced option, so it is no judge of that.
  const globalMeta = fc.constantFrom('[-force]', '[user root]', '[user x]', '[user *]', '[user]');
  const option = fc.tuple(fc.constantFrom('', ' ', '\t'), keyword, fc.option(fc.tuple(blank, rest)), fc.constantFrom('', ' ', '\r')).map(([lead, word, more, trail]) => `${lead}${word}${more === null ? '' : more.join('')}${trail}`);
  const file = (line: fc.Arbitrary<string>) => fc.array(line, { maxLength: 8 }).map((lines) => lines.map((each) => `${each}\n`).join(''));
  const userLine = fc.oneof({ weight: 6, arbitrary: option }, { weight: 2, arbitrary: meta }, { weight: 1, arbitrary: fc.constantFrom('', '#', '  # x') });
  const globalLine = fc.oneof({ weight: 4, arbitrary: userLine }, { weight: 1, arbitrary: globalMeta });

  it('agrees on generated files', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(fc.option(file(globalLine)), file(userLine), (global, user) => {
        same({ global, user });
      }),
      { numRuns: 400 },
    );
  });
});

describe('what scdaemon cannot tell us', () => {
  it('leaves lines in a condition on a variable out and says so', () => {
    const { lines, problems } = ours({ global: null, user: '[if $HOME = /root]\ndisable-ccid\n[fi]\npcsc-shared\n' });
    expect(lines.map(({ option }) => option)).toEqual(['pcsc-shared']);
    expect(problems).toMatchObject([{ line: 2, effect: 'unevaluated' }]);
  });

  it('names the file that forces or ignores an option', () => {
    const { lines, problems } = ours({ global: '[force]\nreader-port a\n[ignore-all]\n', user: 'disable-ccid\nreader-port b\n' });
    expect(lines).toMatchObject([{ file: 'global', line: 2, value: 'a' }]);
    expect(problems).toMatchObject([
      { file: 'user', line: 1, effect: 'overridden' },
      { file: 'user', line: 2, effect: 'overridden', message: expect.stringContaining('global') },
    ]);
  });

  it('survives anything', () => {
    const whatever = fc.oneof(fc.string({ unit: 'binary' }), fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('utf8')));
    fc.assert(fc.property(whatever, whatever, (global, user) => void ours({ global, user })));
  });

  it('counts a last line without a newline by its own number', () => {
    expect(ours({ global: null, user: 'disable-ccid\nfoo' }).problems).toMatchObject([{ line: 2, text: 'foo' }]);
  });
});
