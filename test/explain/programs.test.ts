import { describe, expect, it } from 'vitest';
import { explainText } from '../../src/explain/explain.ts';

const causesOf = (...lines: string[]) => explainText(lines.join('\n')).causes;
const named = (...lines: string[]) => causesOf(...lines).map(({ id }) => id);

describe('what programs print of a card that failed', () => {
  it.each([
    // GnuPG
    ['pin-locked', ['gpg: error setting forced signature PIN flag: Bad PIN']],
    ['shared-applet-switched', ['gpg-agent[3]: ssh sign request failed: Card error <SCD>']],
    ['scdaemon-config-invalid', ["gpg-agent[3]: can't connect to the daemon /usr/lib/gnupg/scdaemon: End of file"]],
    ['scdaemon-stale', ["gpg-agent[3]: SCdaemon is running but won't accept further connections"]],
    ['scdaemon-stale', ['scdaemon[3]: apdu_send_simple(0) failed: no reader']],
    ['wrong-reader-chosen', ['scdaemon[3]: pcsc_connect failed: no smartcard (0x8010000c)']],
    ['wrong-reader-chosen', ['[GNUPG:] CARDCTRL 5']],
    ['scdaemon-not-installed', ['[GNUPG:] ERROR card-status 67108983']],
    ['pin-locked', ['gpg: Karte ist dauerhaft gesperrt!']],
    ['not-an-openpgp-card', ['gpg: OpenPGP karta není dostupná: Nepodporováno']],
    // ykman, yubico-piv-tool
    ['token-configuration', ["Error: The OpenPGP application can't be found on this YubiKey."]],
    ['token-configuration', ['Failed selecting application: No PIV application found']],
    ['pcscd-not-running', ['WARNING: Unable to list readers']],
    ['usb-permission', ['$ ykman list', 'Error: No YubiKey detected!', '$ sudo ykman list', 'YubiKey 5 NFC (5.4.3) [OTP+FIDO+CCID] Serial: 123']],
    // bindings
    ['token-configuration', ['selecting piv applet: smart card error 6a82: data object or application not found']],
    ['client-leaks-connection', ['scard: Not enough memory.']],
    ['polkit-denied', ['scard: Access denied.']],
    ['wrong-reader-chosen', ['Error: Pcsc(NoSmartcard)']],
    ['pcscd-not-running', ['PCSC.Exceptions.NoServiceException: …']],
    ['wrong-reader-chosen', ['javax.smartcardio.CardNotPresentException: No card present']],
    ['libpcsclite-missing', ['System.DllNotFoundException: Unable to load shared library \'libpcsclite.so.1\'']],
    ['libpcsclite-missing', ['java -Dsun.security.smartcardio.library=/usr/lib/libpcsclite.so.1 -jar gp.jar']],
    ['macos-system-driver-stuck', ['Error: The Crypto Token Kit service is not running.']],
    ['pin-locked', ['PKCS#11 login failed: PIN locked']],
    // programs with a window
    ['pcscd-not-running', ['card_pcsc Not started: Cannot establish context']],
    ['usb-permission', ['A USB error occurred when accessing the hardware key: Access denied (insufficient permissions)']],
    ['not-pcsc-but-hid', ['Key enrollment failed: device not found']],
  ])('%s: %j', (cause, lines) => {
    expect(named(...lines)[0]).toBe(cause);
  });

  it('counts the numbers that ssh prints of PKCS#11 as failures', () => {
    expect(named('C_GetTokenInfo for provider /usr/lib/opensc-pkcs11.so slot 0 failed: 224')).toContain('scdaemon-holds-card');
    expect(named('C_GetAttributeValue failed: 18')).toEqual([]);
  });

  it('takes no function of PKCS#11 for a reader that pcscd could not start', () => {
    expect(explainText('C_SignInit failed: 48').recognised.map(({ kind }) => kind)).not.toContain('pcscd log');
  });

  it('sees no reader in a list of none', () => {
    expect(named('  File "card.py", line 4, in <module>', '    connection = readers()[0].createConnection()', 'IndexError: list index out of range')).toContain('ccid-driver-missing');
    expect(named('    first = rows[0]', 'IndexError: list index out of range')).toEqual([]);
  });
});

describe('a terminal or a server that is not there', () => {
  it.each([["gpg: cannot open '/dev/tty': No such device or address"], ["gpg: kann '/dev/tty' nicht öffnen: Kein passendes Gerät bzw. keine passende Adresse gefunden"], ['gpg: 无法打开 ‘/dev/tty’： 没有那个设备或地址'], ["gpg: impossible d'ouvrir « /dev/tty » : Aucun périphérique ou adresse de ce type"], ['gpg: signing failed: No such device or address'], ['gpg: error searching keyserver: Forbidden']])('is no card: %s', (line) => {
    expect(named(line)).toEqual([]);
  });
});

describe('tries that are left', () => {
  it.each([['scdaemon[1]: 3 Admin PIN attempts remaining before card is permanently locked'], ['Pin verification failed, 2 tries left before pin is blocked.'], ['Invalid PIN (2 tries remaining before it is blocked)']])('lock no PIN: %s', (line) => {
    expect(named(line)).not.toContain('pin-locked');
  });
});

describe('what gpg advises', () => {
  it('is not what a tool did', () => {
    const warning = ["gpg: WARNING: server 'scdaemon' is older than us (2.2.27 < 2.4.4)", 'gpg: Note: Use the command "gpgconf --kill all" to restart them.'];
    expect(named(...warning)).not.toContain('other-tool-kills-scdaemon');
    expect(named(...warning)[0]).toBe('scdaemon-stale');
  });
});

describe("scdaemon's service", () => {
  it('is missing where it asks for a context, and lost where it had one', () => {
    expect(named('scdaemon[3]: pcsc_establish_context failed: no service (0x8010001d)')[0]).toBe('pcscd-not-running');
    expect(named('scdaemon[3]: pcsc_get_status_change failed: no service (0x8010001d)')[0]).toBe('scdaemon-stale');
  });

  it('answered where it gave a list of no readers', () => {
    expect(named('scdaemon[3]: pcsc_list_readers failed: no readers available (0x8010002e)')).not.toContain('pcscd-not-running');
  });

  it('is one thing, its library another', () => {
    expect(named("scdaemon[3]: apdu_open_reader: failed to open driver 'libpcsclite.so.1': cannot open shared object file")).toEqual(['libpcsclite-missing']);
  });
});

describe('an answer with nothing behind it', () => {
  it.each([['gpg: selecting card failed: Timeout'], ['javax.smartcardio.CardException: connect() failed'], ['gpg: OpenPGP card not available: Invalid ID']])('leaves it open: %s', (line) => {
    const causes = causesOf(line);
    expect(causes.length).toBeGreaterThan(1);
    expect(causes.every(({ certainty }) => certainty === 'possible')).toBe(true);
  });

  it('is no lock where the message is that of a vendor', () => {
    expect(causesOf('yubikit.core.smartcard.ApduError: APDU error: SW=0x6d00').every(({ certainty }) => certainty === 'possible')).toBe(true);
  });
});
