import { describe, expect, it } from 'vitest';
import { clientPrograms, identifyProgram } from '../../src/data/client-programs.ts';

const identify = (comm: string, argv: string[] = [comm], exe: string | null = null) => identifyProgram({ comm: comm.slice(0, 15), argv, exe })?.id ?? null;

describe('which program a process is', () => {
  it.each<[string | null, string | null]>([
    [identify('scdaemon', ['scdaemon', '--multi-server']), 'scdaemon'],
    // The kernel's name alone, cut after 15 characters.
    [identify('gnupg-pkcs11-scd', []), 'gnupg-pkcs11-scd'],
    [identify('openpgp-card-ssh-agent', []), 'openpgp-card'],
    [identify('age-plugin-yubikey', []), 'age-plugin-yubikey'],
    [identify('authenticator-helper', []), 'yubico-authenticator'],
    // Scripts: with and without env in the first line.
    [identify('ykman', ['/usr/bin/python3', '/usr/bin/ykman', 'info'], '/usr/bin/python3.11'), 'ykman'],
    [identify('python3', ['python3', '/usr/local/bin/ykman', 'info'], '/usr/bin/python3.11'), 'ykman'],
    // Wrapped by a launcher whose main thread has a name of its own.
    [identify('GeckoMain', ['/usr/lib/firefox/firefox'], '/usr/lib/firefox/firefox'), 'firefox'],
    [identify('qemu-system-x86', ['/usr/bin/qemu-system-x86_64', '-usb'], null), 'virtual-machine'],
    [identify('my-scdaemon'), null],
    [identify('python3', ['python3', '-c', 'print("ykman")']), null],
    [identify('authenticator-x'), null],
    [identify('', [], null), null],
  ])('%s', (given, expected) => expect(given).toBe(expected));
});

describe('the table', () => {
  it('has each id and each name once', () => {
    const names = clientPrograms.flatMap((program) => program.names);
    expect(new Set(names).size).toBe(names.length);
    expect(new Set(clientPrograms.map(({ id }) => id)).size).toBe(clientPrograms.length);
  });

  it('calls harmless only what never connects to a card', () => {
    for (const { id, harmless, connects } of clientPrograms) expect([id, harmless]).toEqual([id, connects === 'none']);
  });

  it('names the price of every remedy that lasts', () => {
    for (const { remedies } of clientPrograms) for (const { kind, price } of remedies) if (kind === 'lasting') expect(price).not.toBeNull();
  });
});
