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
});
