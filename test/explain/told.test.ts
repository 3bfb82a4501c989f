import { describe, expect, it } from 'vitest';
import { explainText } from '../../src/explain/explain.ts';

const named = (...lines: string[]) => explainText(lines.join('\n')).causes.map(({ id }) => id);
const sure = (...lines: string[]) => explainText(lines.join('\n')).causes.filter(({ certainty }) => certainty !== 'possible').map(({ id }) => id);

describe('programs of Yubico', () => {
  it('shows by ykman --diagnose that pcscd answers and has no reader', () => {
    const causes = named('Detected PC/SC readers:', '', 'Detected YubiKeys over PC/SC:', '', 'Detected YubiKeys over HID OTP:', "  OtpYubiKeyDevice(pid=0407, fingerprint='/dev/hidraw3'):");
    expect(causes[0]).toBe('ccid-driver-missing');
    expect(causes).not.toContain('pcscd-not-running');
  });

  it('shows by ykman --diagnose that a reader can be reached', () => {
    expect(named('Detected PC/SC readers:', '  Yubico YubiKey OTP+FIDO+CCID 00 00: Success', 'Detected YubiKeys over PC/SC:', 'ERROR: Failed to connect to YubiKey.')).not.toContain('usb-permission');
  });

  it.each([
    ['token-configuration', ['ykman config mode OTP+FIDO', 'Error: No YubiKey detected!']],
    ['token-configuration', ["Error: Command 'piv' requires one of the following USB interfaces to be enabled: 'CCID'."]],
    ['token-configuration', ['trying to connect to reader', '> 00 a4 04 00 05', 'Failed retrieving serial number: 6985', 'Failed to connect to reader.']],
    ['pcscd-not-running', ['Error: Failed connecting to the YubiKey.', 'The OTP slots work, though.']],
  ])('%s: %j', (cause, lines) => {
    expect(named(...lines)[0]).toBe(cause);
  });
});

describe('what was tried', () => {
  it('is no cure where it did not help', () => {
    const complaint = 'gpg: selecting card failed: No such device';
    expect(named(complaint, 'gpgconf --kill gpg-agent makes it work again')[0]).toBe('scdaemon-stale');
    expect(named(complaint, 'I ran gpgconf --kill gpg-agent, to no avail')).not.toContain('scdaemon-stale');
    expect(named(complaint, 'It does not work until I run gpgconf --kill scdaemon')[0]).toBe('scdaemon-stale');
  });
});

describe('ssh', () => {
  it('knows that gpg-agent without a card has no identities', () => {
    const causes = named('gpg-agent: a gpg-agent is already running - not starting a new one', '$ ssh-add -l', 'The agent has no identities.');
    expect(causes.slice(0, 3)).toContain('scdaemon-not-installed');
    expect(sure('$ sudo ssh-add -L', 'Could not open a connection to your authentication agent.')).toEqual([]);
  });

  it('takes a login with the key for no session over ssh', () => {
    expect(named('I can ssh into the server using the key, but gpg: selecting card failed: No such device')).not.toContain('remote-session');
  });
});

describe('what was changed before', () => {
  it.each([
    ['token-configuration', ['I updated the firmware of the token; since then: gpg: OpenPGP card not available: Not supported']],
    ['ccid-driver-missing', ['The new ccid package broke it: the token is not found any more']],
  ])('%s: %j', (cause, lines) => {
    expect(named(...lines).slice(0, 2)).toContain(cause);
  });
});

describe('a token of which a part works', () => {
  it('is no matter of HID, where HID is what works', () => {
    const causes = named('The personalization tool sees my token, the authenticator does not detect it. It is seen by the challenge-response plugin, too.');
    expect(causes).not.toContain('not-pcsc-but-hid');
    expect(causes).toContain('pcscd-not-running');
  });

  it('has a firmware, whose version may have dots', () => {
    expect(named('I upgraded to the 1.7.2 firmware', 'gpg: selecting card failed: No such device')[0]).toBe('token-configuration');
  });
});

describe('a PIN', () => {
  it.each(['I gave the PIN wrong three times', 'How can I unblock the PIN of the card?', 'There are 0 attempts left.'])('is locked: "%s"', (text) => {
    expect(named(text)[0]).toBe('pin-locked');
  });
});

describe('root', () => {
  it('needs no pcscd in WSL, where nobody starts it', () => {
    expect(named('In WSL2 I can read the token as root, but not as my user').slice(0, 3)).toContain('pcscd-not-running');
  });
});

describe('what a program is seen to run', () => {
  it('is no cure that somebody found', () => {
    expect(sure('Failed to connect to the YubiKey', 'With ps I see that pkill -9 scdaemon was started by the authenticator, and never ends')).toEqual([]);
  });
});

describe('a device node', () => {
  it('that is closed is a matter of rights, whatever goes over it', () => {
    expect(named('OSError: /dev/hidraw2: Permission denied')[0]).toBe('usb-permission');
  });
});

describe('a lock that only one command meets', () => {
  it("is the program's own", () => {
    const causes = named('step kms sign', 'error opening yubikey: connecting to smart card: the smart card cannot be accessed because of other connections outstanding', 'Other commands of it work.');
    expect(causes[0]).toBe('client-leaks-connection');
  });
});

describe('harmless lines', () => {
  it('are not the answer to somebody who complains', () => {
    expect(named('usb 1-2: New USB device found, idVendor=1050, idProduct=0407', 'My key is not recognized')[0]).not.toBe('harmless-noise');
  });

  it('are no blinking where nothing blinks', () => {
    expect(named('The LED of the token never blinks')).not.toContain('other-client-polls');
  });
});

describe('a command that is over', () => {
  it('keeps no card from gpg', () => {
    const complaint = 'gpg: selecting card failed: No such device';
    expect(explainText(`${complaint}\nopensc-tool -l lists the reader`).causes[0]?.id).not.toBe('other-client-blocks-scdaemon');
    expect(explainText(`${complaint}\nAusweisApp2 is open on the desktop`).causes[0]?.id).toBe('other-client-blocks-scdaemon');
  });
});

describe('gpg for Windows', () => {
  it('has no driver of its own', () => {
    const complaint = 'Gpg4win cannot see my token; scdaemon.conf has reader-port Yubico';
    expect(named(complaint)[0]).toBe('wrong-reader-chosen');
    expect(named(complaint)).not.toContain('ccid-vs-pcscd');
  });

  it('keeps a card from others as scdaemon does', () => {
    expect(named('GPG4WIN takes the card in exclusive mode; my agent does not work once Gpg4win is started')[0]).toBe('scdaemon-holds-card');
  });
});

describe('what is told to be needed', () => {
  it.each([
    ['pcscd-not-running', ['The pcscd package is required for the accounts page']],
    ['scdaemon-not-installed', ['gpg with my smart card is broken since Fedora 43']],
    ['scdaemon-not-installed', ['Bazzite here: updated from 42.1 to 43, and gpg cannot use my smart card.']],
    ['shared-applet-switched', ['I have to give my PIN every time, since I use gpg and PIV at the same time']],
  ])('%s: %j', (cause, lines) => {
    expect(named(...lines).slice(0, 2)).toContain(cause);
  });
});

describe('a line that says which program or device it is', () => {
  it.each([
    ['kernel-driver-claims-reader', ["ccid_usb.c:614:OpenUSBByName() Can't claim interface 3/5: LIBUSB_ERROR_BUSY", 'readerfactory.c:1043:RFInitializeReader() Open Port 0x200000 Failed (usb:072f/2200:libudev:0:/dev/bus/usb/003/005)']],
    ['second-pcscd', ['authenticator.pcscd[1219]: readerfactory.c:1106:RFInitializeReader() Open Port 0x200000 Failed (usb:1050/0407:libudev:0:/dev/bus/usb/003/006)', 'Waiting for the first reader...']],
    ['reader-limit-abi-mismatch', ['  File "smartcard/pcsc/PCSCReader.py", line 43, in readers', 'SystemError: <built-in function SCardListReaders> returned a result with an error set']],
    ['multiple-scdaemon', ['scdaemon[7059] DBG: leave: apdu_get_status => sw=0x0 status=7', 'scdaemon[8756] DBG: enter: apdu_connect: slot=0', 'scdaemon[8756] pcsc_connect failed: sharing violation (0x8010000b)', 'scdaemon[7059] DBG: enter: apdu_get_status: slot=0 hang=0']],
    ['usb-permission', ['found 0 hid devices', 'crw------- 1 root root 240, 2 Nov 28 09:00 /dev/hidraw2']],
    ['token-configuration', ['Error: authenticating with management key: get auth challenge: smart card error 6a80: incorrect parameter in command data field']],
    ['not-pcsc-but-hid', ['Bus 001 Device 004: ID 1050:0200 Yubico.com Gnubby U2F', 'No smart card readers found.']],
    ['gnupg-home-unusable', ["gpg-agent[18057]: socket name '/var/folders/wm/5cgv84qj2qx_prnfw3h12prh0000gn/T/gnupg-XXXX/S.gpg-agent.extra' is too long"]],
    ['agent-not-used', ["Cannot watch SSH, the socket '/run/user/1000/gnupg/S.gpg-agent.ssh' does not exist"]],
    ['pcscd-not-running', ['hotplug_libhal.c:490:HPRegisterForHotplugEvents() Could not initialise connection to hald.']],
    ['gnupg-version-bug', ['scdaemon[40089]: DBG: Curve with OID not supported:  2b06010401da470f01', 'scdaemon[40089]: no supported card application found: Card error']],
    ['agent-socket-taken', ['gpg: selecting openpgp failed: unknown command', 'GPG_AGENT_INFO=/tmp/keyring-I3X2tC/gpg:0:1']],
    ['ccid-driver-load-failure', ['com.apple.ifdreader: [com.apple.CryptoTokenKit:smartcard] Failed to parse Info.plist of /usr/local/libexec/SmartCardServices/drivers/ifd-acme.bundle, ignoring']],
    ['driver-does-not-know-device', ['sudo vim /etc/libccid_Info.plist', 'sudo service pcscd restart']],
    ['usb-permission', ['gpg: selecting card failed: Permission denied']],
    ['ccid-vs-pcscd', ['gpg: OpenPGP card not available: Device or resource busy']],
    ['pin-locked', ['The puk code is blocked, you will have to reinitialize the application.']],
    ['harmless-noise', ['pcscd[8750]: 08450216 pcscdaemon.c:193:signal_thread() Received signal: 15', 'pcscd[8750]: 00000015 pcscdaemon.c:213:signal_thread() Direct suicide', 'systemd[1]: pcscd.service: Main process exited, code=exited, status=1/FAILURE']],
  ])('%s: %j', (cause, lines) => {
    expect(named(...lines)[0]).toBe(cause);
  });

  it('leaves open why the card service of Windows does not run', () => {
    expect(sure('C:\\> certutil -scinfo', 'The Microsoft Smart Card Resource Manager is not running.')).toEqual([]);
  });

  it('names the directory of drivers, too, where the pcscd that lacks it was brought along', () => {
    expect(named('/tmp/.mount_Wallet4x/usr/bin/pcscd -f', 'hotplug_libudev.c:122:HPReadBundleValues() Cannot open PC/SC drivers directory: /usr/lib/pcsc/drivers').slice(0, 2)).toEqual(['ccid-driver-missing', 'pcscd-driver-dir-missing']);
  });

  it('takes a daemon that is restarted for one, and a node with a list of rights for open', () => {
    expect(named('scdaemon[10] pcsc_connect failed: sharing violation (0x8010000b)', 'scdaemon[11] listening on socket', 'scdaemon[11] pcsc_connect failed: sharing violation (0x8010000b)')).not.toContain('multiple-scdaemon');
    expect(named('found 0 hid devices', 'crw-rw----+ 1 root root 240, 2 Nov 28 09:00 /dev/hidraw2')).not.toContain('usb-permission');
  });
});
