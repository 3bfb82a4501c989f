import { describe, expect, it } from 'vitest';
import { parseComponents, parseListDirs } from '../../src/gnupg/gpgconf.ts';
import { assumeOptionTable, parseOptionTable } from '../../src/gnupg/option-table.ts';
import { configMessages } from '../../src/gnupg/verdict.ts';
import { compareVersions, type GnupgVersion, parseVersion, rejectedLineIsFatal, versionInBanner } from '../../src/gnupg/version.ts';

describe('versions', () => {
  it('are compared number by number', () => {
    const sorted = ['2.2.9', '2.2.28', '2.2.50', '2.3.0', '2.4.8', '2.10.0'].map((text) => parseVersion(text) as GnupgVersion);
    expect([...sorted].reverse().sort(compareVersions)).toEqual(sorted);
  });

  it.each([
    ['2.2.19', true],
    ['2.2.25', true],
    ['2.2.26', false],
    ['2.2.50-unknown', false],
    ['2.3.0', true],
    ['2.5.12-beta3', true],
  ])('%s refuses a bad line: %s', (text, fatal) => expect(rejectedLineIsFatal(parseVersion(text) as GnupgVersion)).toBe(fatal));

  it('are found in banners of all distributions', () => {
    expect(versionInBanner('gpg (GnuPG/MacGPG2) 2.2.42\nlibgcrypt')).toBe('2.2.42');
    expect(versionInBanner('scdaemon (GnuPG) 2.4.7-unknown\n')).toBe('2.4.7-unknown');
    expect(versionInBanner('no such thing 1.2')).toBeNull();
  });
});

describe('what gpgconf prints', () => {
  it('is unescaped', () => {
    expect(parseListDirs('homedir:/home/M%c3%bcller%25/x%3ay\nbogus\n').get('homedir')).toBe('/home/Müller%/x:y');
    expect(parseComponents('gpg:OpenPGP:/usr/bin/gpg\nscdaemon:Smartcards:\n')).toEqual(new Map([['gpg', '/usr/bin/gpg']]));
  });
});

describe('the option table', () => {
  it('is none where scdaemon does not know the command', () => expect(parseOptionTable('invalid option "--dump-option-table"\n')).toBeNull());
  it('leaves headings and gpgrt\'s own commands out', () => {
    expect([...(parseOptionTable('Monitor:1:512:Options:\nverbose:118:0:verbose:\nhelp:32768:0:@:\n') ?? []).keys()]).toEqual(['verbose']);
  });
  it('is assumed from the names alone for older ones', () => {
    const table = assumeOptionTable('--verbose\n--reader-port\n--version\n');
    expect([...(table ?? [])].map(([name, { argument }]) => [name, argument])).toEqual([['verbose', 'none'], ['reader-port', 'string']]);
  });
});

it('takes from scdaemon\'s messages those about its files, with and without the program\'s name', () => {
  const text = 'scdaemon[12]: /h/a: b/scdaemon.conf:3: invalid option\n/etc/gnupg/scdaemon.conf:0: missing argument\nscdaemon[12]: unknown debug flag\n/h/other:1: x\n';
  expect(configMessages(text, ['/h/a: b/scdaemon.conf', '/etc/gnupg/scdaemon.conf'])).toEqual([
    { file: '/h/a: b/scdaemon.conf', line: 3, text: null, message: 'invalid option' },
    { file: '/etc/gnupg/scdaemon.conf', line: 0, text: null, message: 'missing argument' },
  ]);
});
