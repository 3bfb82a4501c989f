import { describe, expect, it } from 'vitest';
import { explainText } from '../../src/explain/explain.ts';

const named = (...lines: string[]) => explainText(lines.join('\n')).causes.map(({ id }) => id);
const complaint = 'gpg: selecting card failed: No such device';

describe('more than one gpg', () => {
  it.each(['A second scdaemon for the system account is there, too.', 'I set GNUPGHOME to a directory in /dev/shm for this.', 'Then a new scdaemon cannot get at the card.'])('means one scdaemon each: %s', (told) => {
    expect(named(complaint, told)[0]).toBe('multiple-scdaemon');
  });
});

describe('a cure', () => {
  it('that lasts until the next session speaks of what starts with one', () => {
    const cure = 'sudo systemctl restart pcscd && pkill gpg-agent';
    expect(named(complaint, `${cure} helps`)[0]).toBe('scdaemon-stale');
    expect(named(complaint, `${cure} helps, but I have to do it after every login`)[0]).toBe('other-client-blocks-scdaemon');
  });
});

describe('a certificate for PIV', () => {
  it('makes macOS open the card', () => {
    const onMac = 'gpg: selecting card failed: Operation not supported by device';
    expect(named(onMac, 'Last week I imported a certificate to slot 9a.').slice(0, 2)).toContain('macos-ctk-holds-card');
  });
});

describe('old releases of gpg', () => {
  it('call every reader that cannot be opened a card error, by number, too', () => {
    expect(named('gpg: selecting openpgp failed: ec=6.108')[0]).toBe('ccid-vs-pcscd');
    expect(named('gpg (GnuPG) 2.2.12', 'gpg: selecting openpgp failed: Card error')).not.toContain('ccid-vs-pcscd');
  });

  it("read the answer of GNOME's agent as a number of their own", () => {
    expect(named('gpg: selecting openpgp failed: Unsupported certificate')[0]).toBe('agent-socket-taken');
  });
});

describe('pcscd over ssh', () => {
  it('is refused by polkit rather than gone', () => {
    expect(named('Over ssh: gpg: selecting card failed: Service is not running')[0]).toBe('polkit-denied');
  });
});

describe('gpg 1', () => {
  it('is kept from the card by the scdaemon of GnuPG 2', () => {
    expect(named("gpg: detected reader `Nitrokey Nitrokey Pro 00 00'", 'gpg: pcsc_connect failed: sharing violation (0x8010000b)')[0]).toBe('scdaemon-holds-card');
    expect(named("scdaemon[9]: detected reader 'Nitrokey Nitrokey Pro 00 00'", 'scdaemon[9]: pcsc_connect failed: sharing violation (0x8010000b)')[0]).toBe('other-client-blocks-scdaemon');
  });
});

describe('a message quoted in a sentence', () => {
  it('is read up to its end', () => {
    expect(named("The log has 'pcsc_connect failed: sharing violation' in every second line.")[0]).toBe('other-client-blocks-scdaemon');
  });
});

describe('scdaemon', () => {
  it('may be told to be stuck', () => {
    expect(named('Now and then scdaemon gets stuck: gpg: signing failed: Card error')[0]).toBe('scdaemon-stale');
  });
});

describe('gpg 1 without a reader', () => {
  it('asks a pcscd that the scdaemon of GnuPG 2 leaves none', () => {
    expect(named('gpg: pcsc_list_readers failed: unknown PC/SC error code (0x8010002e)')[0]).toBe('ccid-vs-pcscd');
    expect(named('scdaemon[9]: pcsc_list_readers failed: no readers available (0x8010002e)')[0]).not.toBe('ccid-vs-pcscd');
  });
});

describe("libgpg-error's general error", () => {
  it('is a PC/SC code that gpg has no word for, and not the missing library of gpg 1', () => {
    expect(named('gpg: OpenPGP card not available: General error')[0]).toBe('scdaemon-stale');
    expect(named('gpg: OpenPGP card not available: general error')).toContain('libpcsclite-missing');
  });

  it('is not a wait for a lock where gpg is stuck in a state', () => {
    expect(named('Now gpg gets stuck in a state where it keeps asking for a certain token to be inserted.', 'gpg: OpenPGP card not available: General error')[0]).toBe('scdaemon-stale');
  });
});

describe('a reset of the OpenPGP application', () => {
  it('leaves one that refuses everything until it is activated', () => {
    expect(named('scd apdu 00 e6 00 00', 'gpg: selecting openpgp failed: Card error')[0]).toBe('token-configuration');
  });
});

describe('a forbidden card command', () => {
  it('is that of a forwarded agent, whatever forwards it', () => {
    expect(named('gpg-agent of the Windows host is bridged over ssh with gpg-bridge', 'gpg: OpenPGP card not available: Forbidden')[0]).toBe('remote-session');
  });
});
