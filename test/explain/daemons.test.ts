import { describe, expect, it } from 'vitest';
import { explainText } from '../../src/explain/explain.ts';

const named = (...lines: string[]) => explainText(lines.join('\n')).causes.map(({ id }) => id);

describe('what gpg, gpg-agent and scdaemon say of one another', () => {
  it.each([
    ['scdaemon-stale', ["gpg: WARNING: server 'scdaemon' is older than us (2.2.20 < 2.2.41)"]],
    ['scdaemon-stale', ["gpg: WARNUNG: Der Server 'gpg-agent' is älter als wir selbst (Version 2.2.20 < 2.4.1)"]],
    ['agent-socket-taken', ['gpg: selecting card failed: Unknown IPC command']],
    ['scdaemon-not-installed', ["gpg-agent[7]: can't connect to the daemon /usr/libexec/scdaemon: IPC connect call failed"]],
    ['gnupg-version-bug', ['gpg: KEYTOCARD failed: Invalid time']],
    ['gnupg-version-bug', ["scdaemon[9]: detected reader 'Yubico YubiKey FIDO+CCID 0'", 'scdaemon[9]: pcsc_transmit failed: invalid parameter (0x80100004)']],
    ['token-configuration', ['Seit dem Firmware-Update: „Bitte legen Sie die Karte mit der folgenden Seriennummer ein“']],
    ['other-client-blocks-scdaemon', ['On macOS Ventura, scdaemon.conf:', 'shared-access']],
  ])('%s: %j', (cause, lines) => {
    expect(named(...lines)[0]).toBe(cause);
  });

  it('is no word of the card where the agent does without scdaemon', () => {
    expect(named("gpg: error getting version from 'scdaemon': Not supported", 'gpg: OpenPGP card not available: Not supported')).not.toContain('not-an-openpgp-card');
  });

  it('tells a daemon of another maker from an old one', () => {
    expect(named("gpg: WARNING: server 'scdaemon' is older than us (0.9.2 < 2.2.9)")).not.toContain('scdaemon-stale');
  });

  it('is no trouble where only the rights of the home directory are wide', () => {
    expect(named("gpg: WARNING: unsafe permissions on homedir '/home/me/.gnupg'")).not.toContain('gnupg-home-unusable');
  });

  it('suspects the socket that an agent is forwarded to', () => {
    expect(named('RemoteForward /run/user/1000/gnupg/S.gpg-agent /home/me/.gnupg/S.gpg-agent.extra', "gpg: can't connect to the agent: IPC connect call failed").slice(0, 3)).toContain('agent-socket-taken');
  });

  it("does not take a word to gpg-agent for a command to scdaemon", () => {
    expect(named('gpg-connect-agent updatestartuptty /bye', 'Error: Failed to connect to the YubiKey.')).toEqual(named('Error: Failed to connect to the YubiKey.'));
  });
});

describe("scdaemon's own driver", () => {
  it('tells a mute card in the words of the CCID specification', () => {
    expect(named('scdaemon[5]: DBG: ccid-driver: CCID command failed: CCID timed out while talking to the ICC')[0]).toBe('card-defect');
  });
});

describe('another system', () => {
  it('is not where it fails, if it works there', () => {
    const complaint = 'gpg: selecting card failed: No such device';
    expect(named(complaint, 'It works fine on my Mac, not on Debian.')).not.toContain('macos-ctk-holds-card');
    expect(named(complaint, 'It works on Debian but not on macOS.')).toContain('macos-ctk-holds-card');
  });
});

describe('scdaemon and a lock', () => {
  it('is not said to be stale where another program is said to take the card alone', () => {
    const lines = ['gpg: selecting openpgp failed: Card error', 'I kill scdaemon and re-insert the key'];
    expect(explainText([...lines, 'The other program opens the card with exclusive access'].join('\n')).causes.every(({ id, certainty }) => id !== 'scdaemon-stale' || certainty === 'possible')).toBe(true);
  });
});
