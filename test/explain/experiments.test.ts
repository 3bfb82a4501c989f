import { describe, expect, it } from 'vitest';
import { explainText } from '../../src/explain/explain.ts';

const first = (...lines: readonly string[]) => explainText(lines.join('\n')).causes[0]?.id;
const named = (...lines: readonly string[]) => explainText(lines.join('\n')).causes.map(({ id }) => id);

/** What somebody tried, and what came of it, tells more than the message: each in words of its own. */
describe('what somebody tried', () => {
  it.each([
    ['ccid-vs-pcscd', ['gpg: OpenPGP card not available: No such device', 'It works fine as long as the pcscd service is stopped.']],
    ['ccid-vs-pcscd', ['gpg: selecting card failed: No such device', 'after I set disable-ccid everything worked again']],
    ['other-client-blocks-scdaemon', ['gpg: selecting card failed: No such device', 'with pcsc-shared in the file it works now']],
    ['other-client-blocks-scdaemon', ['gpg: selecting card failed: No such device', 'As soon as I quit Thunderbird it works.']],
    ['wrong-reader-chosen', ['gpg: selecting card failed: No such device', "gpg tries the laptop's internal reader instead of the key"]],
    ['scdaemon-holds-card', ['yubico-piv-tool: Failed to connect to yubikey.', 'If I end it by hand with `pkill scdaemon` the tool works.']],
    ['other-client-holds-card', ['ERROR: Failed to connect to YubiKey.', 'yubikey-agent keeps the key locked']],
    ['kernel-driver-claims-reader', ['nfc-list: error libnfc.driver.acr122_usb Unable to claim USB interface (Device or resource busy)', 'pn533_usb              20480  0']],
    ['driver-does-not-know-device', ['pcsc_scan: No readers found', 'its product number is missing from Info.plist']],
    ['shared-applet-switched', ['reader-pcsc.c:701:pcsc_lock: SCardBeginTransaction returned: 0x80100068', 'it asks for the PIN again and again']],
    ['vm-took-device', ['pcsc_scan: No readers found', 'the key is handed to a VM by USB pass-through']],
  ])('%s', (cause, lines) => {
    expect(first(...lines)).toBe(cause);
  });

  it('does not take a condition for a failure', () => {
    expect(named('gpg: selecting card failed: No such device', 'make sure that pcscd is not running')).not.toContain('pcscd-not-running');
  });

  it('tells a kill that was tried from one that a tool makes each time', () => {
    expect(named('ykman: Failed to connect to YubiKey', 'killall scdaemon && ykman oath list')).toContain('other-tool-kills-scdaemon');
    expect(named('ykman: Failed to connect to YubiKey', 'nothing helped; then killall scdaemon did, and ykman works')).not.toContain('other-tool-kills-scdaemon');
  });
});

describe('who holds and who complains', () => {
  const refused = 'yubikey-agent[77]: agent 11: could not reach YubiKey: connecting to smart card: the smart card cannot be accessed because of other connections outstanding';

  it('does not blame the program that complains', () => {
    expect(named(refused)[0]).not.toBe('other-client-holds-card');
  });

  it('finds the program itself, where it lost its connection or is the only one connected', () => {
    expect(first('yubikey-agent[77]: transmitting request: an attempt was made to end a non-existent transaction', refused)).toBe('client-leaks-connection');
    expect(first(refused, 'yubikey-a     77 eve    9u  unix 0x0000000000000000      0t0 5551 type=STREAM ->INO=5550 900,pcscd,10u')).toBe('client-leaks-connection');
  });

  it('blames another one that is connected', () => {
    expect(named(refused, 'scdaemon     78 eve    9u  unix 0x0000000000000000      0t0 5551 type=STREAM ->INO=5550 900,pcscd,10u')).not.toContain('client-leaks-connection');
  });
});

describe('two daemons', () => {
  it('are two in one listing', () => {
    expect(first('SCardListReaders: no readers', 'root   900  0.0  0.0 2365 44 ?  Ssl 08:10 0:00 /usr/sbin/pcscd --foreground', 'root  1377  0.0  0.0 1709 33 ?  Sl  08:09 0:01 /snap/keys/11/usr/sbin/pcscd')).toBe('second-pcscd');
  });

  it('are not one that systemd showed twice', () => {
    expect(named('SCardListReaders: no readers', '             └─900 /usr/sbin/pcscd --foreground', '             └─1377 /usr/sbin/pcscd --foreground')).not.toContain('second-pcscd');
  });
});

describe('a reader that lets programs in', () => {
  it('but is empty is not held by anybody: the key is in another', () => {
    expect(first('Error: PC/SC error: The operation requires a Smart Card, but no Smart Card is currently in the device', 'Reader 0: Alcor Micro AU9540 00 00')).toBe('wrong-reader-chosen');
  });

  it('is not seen where pcsc_scan waits for one: then no driver knows the device', () => {
    expect(first('gpg: selecting card failed: No such device', '$ pcsc_scan', "Waiting for the first reader... |")).toBe('driver-does-not-know-device');
    expect(first('gpg: selecting card failed: No such device', '$ pcsc_scan', 'Waiting for the first reader...found one', ' Reader 0: Some Key 00 00')).toBe('ccid-vs-pcscd');
  });
});

describe('a PC/SC service a program could not use', () => {
  const unusable = 'WARNING: PC/SC not available. Smart card (CCID) protocols will not function.';

  it('leaves open why', () => {
    expect(named(unusable)).toEqual(expect.arrayContaining(['pcscd-not-running', 'polkit-denied', 'protocol-mismatch']));
  });

  it('runs and refuses, where root is let in', () => {
    expect(first(unusable, 'The daemon pcscd is installed and running here.', 'As a normal user it fails, with sudo it works.')).toBe('polkit-denied');
  });

  it('speaks another version, where the program is an AppImage', () => {
    expect(first('My AppImage cannot open the smart card, the package of the distribution can.')).toBe('protocol-mismatch');
  });
});

describe('what a line does not say', () => {
  it.each([
    ['systemctl status is no restart', 'hotplug-not-seen', ['SCardListReaders: no readers available', '$ systemctl status pcscd']],
    ['an agent with a PKCS#11 library is the one that was meant', 'agent-not-used', ['Could not add card "/usr/lib/opensc-pkcs11.so": agent refused operation']],
    ['counters read at the wrong place block no PIN', 'pin-locked', ['Max. PIN lengths .: 8 -3 0', 'PIN retry counter : 0 0 0', 'gpg (GnuPG) 2.3.7']],
  ])('%s', (_, cause, lines) => {
    expect(named(...lines).slice(0, 1)).not.toContain(cause);
  });

  it('a transfer that failed is not yet the reader\'s limit', () => {
    expect(explainText('winscard.c:1612:SCardTransmit() Card not transacted: 0x80100016').causes.filter(({ certainty }) => certainty !== 'possible')).toEqual([]);
  });
});

describe('a complaint without any message', () => {
  it('names what it leaves open, and is sure of nothing', () => {
    const { causes } = explainText('Since yesterday my smartcard reader does not work any more');
    expect(causes.length).toBeGreaterThan(2);
    expect(causes.every(({ certainty }) => certainty === 'possible')).toBe(true);
  });
});

describe('told in a sentence', () => {
  it.each([
    ['ccid-vs-pcscd', ['pcscd: Can\'t claim interface 4/2: LIBUSB_ERROR_BUSY', 'ykman finds the key again when I have run gpgconf --kill scdaemon']],
    ['scdaemon-stale', ['gpg: selecting card failed: No such device', 'I had restarted pcscd; gpgconf --kill scdaemon was needed on top']],
    ['scdaemon-config-invalid', ["gpg-agent[7]: can't connect to the daemon scdaemon: End of file", 'gpg: OpenPGP card not available: No SmartCard daemon']],
    ['scdaemon-config-ineffective', ['gpg (GnuPG) 2.4.4', 'gpg: selecting card failed: No such device', 'although I have pcsc-shared in my file']],
    ['polkit-error-hidepid', ['proc /proc proc rw,hidepid=2 0 0', 'auth.c:143:IsClientAuthorized() Process 44 (user: 1000) is NOT authorized for action: access_pcsc']],
    ['driver-outdated', ['auth.c:166:IsClientAuthorized() Process 44 (user: 65534) is NOT authorized for action: access_pcsc']],
    ['driver-outdated', ['the new token is not found by pcscd, with ccid 1.5.0 it works']],
    ['hotplug-not-seen', ['in podman the reader is there only if it was plugged in before pcscd started']],
    ['no-usb-in-environment', ['in our WSL2 distribution lsusb is empty', 'SCardListReaders: no readers']],
    ['client-leaks-connection', ['SCardConnect: 0x8010000B', 'no other program uses the reader, and our code never calls SCardDisconnect']],
    ['reader-limit', ['of the 20 readers only 16 appear in the list']],
    ['protocol-mismatch', ['SCardEstablishContext: Service not available.', 'pcscdaemon.c:662:main() pcsc-lite 1.8.25 daemon ready.', 'Parsing conf file: /usr/local/etc/reader.conf.d']],
    ['reader-limit-abi-mismatch', ['Fedora 36: the flatpak crashes while it lists the readers']],
    ['pcscd-driver-dir-missing', ['No bundle files in pcsc drivers directory: /usr/local/lib/pcsc/drivers']],
    ['remote-session', ['RemoteForward /run/user/1000/gnupg/S.gpg-agent /run/user/1000/gnupg/S.gpg-agent.extra', 'gpg: selecting card failed: Forbidden']],
    ['hotplug-not-seen', ['this machine has no udev; a reader that is plugged in later never appears in pcscd']],
    ['hotplug-not-seen', ['after I took the reader out and plugged it back in: WriteUSB() write failed (1/9): LIBUSB_ERROR_NO_DEVICE']],
    ['usb-permission', ['the udev rule for this token was missing']],
    ['ccid-vs-pcscd', ['GPG acts as if no key was there, though pcsc_scan sees it']],
    ['ccid-vs-pcscd', ['scdaemon 2.3 has no fallback to pcscd any more']],
    ['shared-applet-switched', ['ssh-add -s /usr/lib/libykcs11.so', 'sign_and_send_pubkey: signing failed: agent refused operation', 'it happens after ykman was used']],
    ['shared-applet-switched', ['pcsc-shared works, but not really: whenever the applet changes I have to give my PIN']],
    ['macos-ctk-holds-card', ['a tokend grabs the card on macOS before gpg can']],
    ['driver-outdated', ['CCID_Receive Procedure byte conflict', 'the card works in one reader, but not in the other one', 'use ccid 1.5.2 or newer']],
    ['pcscd-not-running', ['The PC/SC service is not working on this computer']],
    ['scdaemon-not-installed', ['gpg: OpenPGP card not available: No such device', 'installing gnupg2-scdaemon solved it']],
    ['pcscd-not-running', ['The viewer finds no card reader, because it needs the pcscd service to be installed']],
    ['usb-power-management', ['ReadUSB() read failed (1/4): -7 LIBUSB_ERROR_TIMEOUT', 'with a shorter cable it does not happen']],
    ['gnupg-version-bug', ['gpg: selecting openpgp failed: No such device', 'gpg 2.2.28 no longer works with this key, 2.2.27 did']],
    ['pcscd-not-running', ['After I started pcscd.socket it worked']],
    ['other-client-holds-transaction', ['its module locks the card and no other process can use it']],
    ['driver-outdated', ['WriteUSB() write failed (3/2): -7 Success', 'I have changed the ccid version and now it is fixed']],
    ['token-configuration', ['gpg finds the card since I ran ykman config usb --enable openpgp']],
    ['ccid-driver-missing', ['Error: Failed connecting to the YubiKey.', 'pcscd is running here, and plugging the key in again changes nothing', 'Packages (2) ccid-1.5.5-1  flex-2.6.4-5']],
    ['polkit-denied', ['error fetching identities: agent refused operation', 'yubikey-agent needs a polkit rule here']],
    ['ccid-vs-pcscd', ['+      disable-ccid = true;']],
    ['ccid-vs-pcscd', ['scdaemon and pcscd race for the token, and only one of them gets it']],
    ['sandbox-blocks-pcsc', ['The Firefox snap does not find my smart card']],
    ['remote-session', ['$ opensc-tool -l', 'No smart card readers found.', 'that is in a shell over ssh; at the screen of the same machine the reader is there']],
    ['no-usb-in-environment', ['Error: No YubiKey detected!', 'this is Windows in a VM on Hyper-V']],
    ['no-usb-in-environment', ['Microsoft Windows [Version 10.0.17134.1]', 'gpg: pcsc_establish_context failed: no service (0x8010001d)']],
    ['other-tool-kills-scdaemon', ['While Yubico Authenticator runs, gpg asks for the PIN again at each signature']],
    ['scdaemon-holds-card', ['I cannot use gpg and the piv application of my key at the same time']],
    ['scdaemon-stale', ['When the key is taken out and comes back, scdaemon does not work until it gets a killall -9 scdaemon']],
    ['driver-does-not-know-device', ['+ <key>ifdVendorID</key>']],
    ['client-leaks-connection', ['SCardConnect: 0x8010000B', 'our service is the only process connected to pcscd']],
    ['macos-system-driver-stuck', ['On my MacBook pcsctest hangs in SCardEstablishContext', 'after a reboot it works']],
    ['not-pcsc-but-hid', ['Challenge/Response is grey in the dialog']],
    ['gnupg-version-bug', ['gpg: selecting openpgp failed: No such device', 'it came with an upgrade from 2.1.17; I went back to 2.1.17 and the card is there']],
    ['reader-hardware-limit', ['ifdhandler.c:1251:IFDHPowerICC() PowerUp failed', 'I cannot reproduce it with a reader of another make']],
    ['reader-hardware-limit', ['NoCardException: No smart card inserted.', 'CardConnectionException: Card is unpowered.', "in the laptop's internal reader, with an SLE4442 card"]],
    ['token-configuration', ['the key is gone since I disabled its OTP interface']],
    ['token-configuration', ['ykpersonalize -m 81 worked, now nothing else can reach the token']],
  ])('%s: %j', (cause, lines) => {
    expect(first(...lines)).toBe(cause);
  });

  it.each([
    ['an agent that is restarted is not its own holder', ['yubikey-agent[7]: agent 11: could not reach YubiKey: connecting to smart card: the smart card cannot be accessed because of other connections outstanding', 'systemctl --user restart yubikey-agent helps']],
    ['a card without a token driver is not refused', ['No token driver found for card <TKSmartCardATR: 0x7f 3b 18-00>']],
    ["gpg's own driver is no reader", ['gpg: selecting card failed: No such device', 'use pcscd instead of its internal CCID driver']],
  ])('is not sure: %s', (_, lines) => {
    expect(explainText(lines.join('\n')).causes.filter(({ id, certainty }) => certainty !== 'possible' && id !== 'ccid-vs-pcscd')).toEqual([]);
  });

  it('sees a device of a bus listing behind any mark', () => {
    expect(named('> - `Bus 001 Device 006: ID 076b:3021 Some Reader`', 'No smart card readers found.')).toContain('driver-does-not-know-device');
  });

  it('is not sure of the driver where a device is on the bus and there is no reader', () => {
    expect(explainText('Bus 001 Device 006: ID 072f:8206 Advanced Card Systems\nNo smart card readers found.').causes.filter(({ certainty }) => certainty !== 'possible')).toEqual([]);
  });

  it('does not take a question for an answer', () => {
    expect(named('The token is not detected.', 'Is the pcscd service running?')[0]).toBe('pcscd-not-running');
  });

  it('does not take for a cure what is merely installed, or started again', () => {
    expect(named('I have installed pcscd, libccid and ykman from the distribution')).toEqual([]);
    expect(named('After sleep pcsc_scan shows nothing; restarting pcscd helps')).not.toContain('pcscd-not-running');
  });

  it('takes a lock by whatever words a program has for it', () => {
    expect(explainText('Error: the smart card reader is used by another application').codes).toMatchObject([{ code: 'SCARD_E_SHARING_VIOLATION (0x8010000B)' }]);
  });

  it('does not count whoever is named beside what was restarted', () => {
    expect(named('only systemctl restart pcscd makes the reader appear in pcsc_scan')).not.toContain('other-client-holds-card');
  });

  it('does not say that a shared reader is held alone', () => {
    expect(named('lpac: SCardConnect() failed: 8010000B', ' Card state: Card inserted, Shared Mode,')[0]).toBe('other-client-blocks-exclusive-app');
  });
});

describe('what a listing tells', () => {
  const unread = ['gpg: selecting card failed: No such device', 'the older token is read, this one is not'];

  it('is in its output, not in the command', () => {
    expect(named(...unread, '$ pcsc_scan -r', "Using reader plug'n play mechanism", 'Scanning present readers...')[0]).toBe('driver-does-not-know-device');
    expect(named(...unread, '$ pcsc_scan -r', '0: Some Token [CCID] (0001) 00 00')[0]).toBe('ccid-vs-pcscd');
  });

  it('is that somebody answers, where pcsc_scan comes as far as looking for readers', () => {
    expect(named('the reader is not detected', 'Waiting for the first reader...')).not.toContain('pcscd-not-running');
    expect(first('the reader is not detected', 'SCardEstablishContext: Service not available.')).toBe('pcscd-not-running');
  });

  it("is what ykman's diagnosis says of each reader", () => {
    expect(named('ERROR: Failed to connect to YubiKey.', 'Detected PC/SC readers:', '  Yubico YubiKey OTP+FIDO+CCID 00 00: <CardConnectionException>')[0]).toBe('scdaemon-holds-card');
    expect(named('ERROR: Failed to connect to YubiKey.', 'Detected PC/SC readers:', 'Detected YubiKeys over PC/SC:')).not.toContain('pcscd-not-running');
    expect(named('PC/SC failure: EstablishContextException(2148532253)')).toContain('pcscd-not-running');
  });

  it('is a device of no vendor libccid knows', () => {
    expect(first('No smart card readers found.', 'Bus 001 Device 007: ID abcd:0001 Some Token')).toBe('driver-does-not-know-device');
  });

  it("is a reader in OpenSC's log", () => {
    expect(named("reader-pcsc.c:336:pcsc_transmit: reader 'Some Token [Main] 00 00'", 'error: PKCS11 function C_Login failed: rv = CKR_FUNCTION_FAILED (0x6)', 'Bus 001 Device 002: ID 08e6:34cf Some Token')[0]).not.toBe('driver-does-not-know-device');
  });

  it('is a driver that works for one reader', () => {
    expect(named('my second reader is missing', '0: Some Reader 00 00')).not.toContain('ccid-driver-missing');
  });
});

describe('what else is told', () => {
  it.each([
    ['reader-hardware-limit', ['pcsc_scan says that this reader is empty.', 'The card works in other computers and with two other readers.']],
    ['libpcsclite-missing', ['gpg: selecting openpgp failed: Card error', 'our gnupg package does not link against pcsclite']],
    ['polkit-denied', ['pcscd was built with Policy Kit, and the account of the service may not use it']],
    ['polkit-denied', ['the polkit actions of pcsc-lite are not registered']],
    ['usb-permission', ['udev_rules_apply_to_event: GROUP 46 /etc/udev/rules.d/70-token.rules:3', 'the token cannot be accessed']],
    ['sandbox-blocks-pcsc', ['Reading profile /etc/firejail/browser.profile', 'the browser does not detect the smart card']],
    ['pcscd-not-running', ['right after the installation the viewer says that no card reader was found']],
  ])('%s', (cause, lines) => {
    expect(first(...lines)).toBe(cause);
  });

  it('is no defect of a card that answers in another slot', () => {
    const { causes } = explainText([' Reader 0: Some Reader 00 00', '  Card state: Card inserted, Unresponsive card,', ' Reader 1: Some Reader 00 01', '  ATR: 3B 8F 80 01 80', 'SCardConnect: 0x80100067'].join('\n'));
    expect(causes.map(({ id }) => id)).toContain('wrong-reader-chosen');
    expect(causes.filter(({ certainty }) => certainty !== 'possible')).toEqual([]);
  });

  it('is not what it is said not to be about', () => {
    expect(named('agent refused operation', 'It has nothing to do with sleep; it is not about suspend and resume at all.')).not.toContain('suspend-resume-stale');
    expect(first('agent refused operation', 'It does not work after the laptop slept: SCARD_E_READER_UNAVAILABLE, and after suspend never.')).toBe('suspend-resume-stale');
  });

  it('is a service that cannot be used, where a program has one word for every reason', () => {
    const { causes } = explainText('qml: failed to update readers: no_pcscd');
    expect(causes[0]?.id).toBe('pcscd-not-running');
    expect(causes.filter(({ certainty }) => certainty !== 'possible')).toEqual([]);
  });

  it('is a device that gpg has, and pcscd does not', () => {
    expect(first('readerfactory.c:376:RFAddReader() Some Key init failed.', 'With gpg-agent it does work, that is: the key works with my gpg-agent.')).toBe('ccid-vs-pcscd');
    expect(first('No smart card readers found.', 'The key is detected by gpg.')).toBe('ccid-vs-pcscd');
  });

  it('is a reader that refuses a command', () => {
    expect(first('commands.c:1283:CmdGetSlotStatus Command not supported or not allowed', 'readerfactory.c:371:RFAddReader() Some reader init failed.')).toBe('reader-hardware-limit');
  });

  it('is whose driver has the interface, in the words of the kernel', () => {
    expect(named("usb 1-2: usbfs: interface 1 claimed by usbfs while 'pcscd' sets config #1", 'gpg: selecting card failed: No such device')[0]).toBe('ccid-vs-pcscd');
    expect(first("usb 1-2: usbfs: interface 2 claimed by usbhid while 'pcscd' sets config #1")).toBe('harmless-noise');
  });

  it('is a driver that knows a reader, where plugging it in again helps', () => {
    const lines = ['after a reboot pcsc_scan does not find my reader', 'Bus 001 Device 004: ID 072f:2200 Some Reader'];
    expect(named(...lines, 'when I disconnect and reconnect it, it is found')[0]).not.toBe('driver-does-not-know-device');
    expect(named(...lines, 'I have tried to reconnect it, and it is not found')[0]).toBe('driver-does-not-know-device');
  });

  it('is a driver that a reader has had here', () => {
    expect(first('No smart card readers found, though lsusb shows it.', 'I have had the reader work with another program.')).toBe('hotplug-not-seen');
  });

  it('is no missing directory where NixOS names another to its service', () => {
    expect(explainText('HPReadBundleValues() Cannot open PC/SC drivers directory: /var/lib/pcsc/drivers').causes[0]).toMatchObject({ certainty: 'possible' });
  });

  it('is not a light that does not blink', () => {
    expect(named('the LED is not blinking', 'No smart card readers found.')).not.toContain('other-client-polls');
  });

  it('is that the service runs, where the same program reaches it from a shell', () => {
    const { causes } = explainText('It works fine when I start it from the console.\nAs a daemon it says SCARD_E_NO_SERVICE (0x8010001d).');
    expect(causes.filter(({ certainty }) => certainty !== 'possible')).toEqual([]);
  });

  it('is a failure, whatever else the kernel lists', () => {
    expect(first('My token does not work.', 'usb 1-1: New USB device found, idVendor=20a0, idProduct=42b2')).not.toBe('harmless-noise');
  });

  it('is one directory without a driver, which does not say where the driver is', () => {
    expect(explainText('Cannot open PC/SC drivers directory: /usr/local/lib/pcsc/drivers').causes[0]).toMatchObject({ id: 'pcscd-driver-dir-missing', certainty: 'likely' });
  });
});
