import { describe, expect, it } from 'vitest';
import { explainText } from '../../src/explain/explain.ts';

const named = (...lines: string[]) => explainText(lines.join('\n')).causes.map(({ id }) => id);

describe('pcscd that does not come up', () => {
  it.each([
    ['00000000 pcscdaemon.c:629:main() cannot create /run/pcscd: Permission denied'],
    ['00000048 winscard_msg_srv.c:144:InitializeSocket() Unable to bind common socket: Address already in use'],
    ['systemd[1]: pcscd.service: Failed at step EXEC spawning /usr/sbin/pcscd: No such file or directory'],
    ['systemd[1]: pcscd.service: Main process exited, code=exited, status=217/USER'],
    ['A dependency job for pcscd.service failed. See \'journalctl -xe\' for details.'],
    ['Failed to start pcscd.service: Unit pcscd.service not found.'],
    ['pcscd: error while loading shared libraries: libpolkit-gobject-1.so.0: cannot open shared object file: No such file or directory'],
    ['00000016 pcscdaemon.c:520:main() Hotplug failed: pcscd is not running'],
  ])('%s', (line) => {
    expect(named(line)[0]).toBe('pcscd-not-running');
  });

  it('is not told by other units, nor by a stop', () => {
    expect(named('systemd[1]: bluetooth.service: Main process exited, code=exited, status=1/FAILURE', "systemd[1]: bluetooth.service: Failed with result 'exit-code'.")).toEqual([]);
    expect(named('systemd[1]: pcscd.service: Main process exited, code=killed, status=15/TERM')).toEqual([]);
  });

  it('is not the matter where it refuses because polkit does not run', () => {
    expect(named('systemd[1]: Failed to start polkit.service - Authorization Manager.', 'pcscd[8]: winscard_svc.c:355:ContextThread() Rejected unauthorized PC/SC client')[0]).toBe('polkit-unreachable');
  });
});

describe('pcscd, libpcsclite and libccid', () => {
  it.each([
    ['ccid-driver-load-failure', ['hotplug_libudev.c:186:HPReadBundleValues() Error parsing /usr/lib/pcsc/drivers/ifd-ccid.bundle/Contents/Info.plist']],
    ['ccid-driver-load-failure', ['00000001 readerfactory.c:1149:RFInitializeReader() RFBindFunctions failed: 0x80100014']],
    ['client-leaks-connection', ['winscard_svc.c:1090:MSGAddHandle() Too many card handles for thread context @0x55aa: 200 (max is 200)Restart pcscd with --max-card-handle-per-thread value']],
    ['protocol-mismatch', ['winscard_clnt.c:610:SCardEstablishContextTH() Your pcscd is too old and does not support CMD_VERSION']],
    ['sandbox-blocks-pcsc', ['winscard_msg.c:143:ClientSetupSession() Error: connect to client socket /run/pcscd/pcscd.comm: Permission denied']],
    ['reader-limit', ['utils.c:64:GetNewReaderIndex() ReaderIndex[] is full']],
    ['reader-hardware-limit', ['commands.c:2282:T0ProcACK() Unrecognized Procedure byte (0x6E) found!']],
    ['usb-power-management', ['ifdwrapper.c:367:IFDStatusICC() Card not transacted: 612']],
    ['ccid-vs-pcscd', ['hotplug_libudev.c:539:HPAddDevice() Failed adding USB device: Yubico YubiKey OTP+FIDO+CCID']],
    ['card-defect', ['The smart card is not responding to a reset.']],
    ['client-leaks-connection', ['SCardEstablishContext: Not enough memory.']],
    ['pcscd-not-running', ['PC/SC device scanner', 'SCardGetStatusChange: Service was stopped.']],
  ])('%s: %j', (cause, lines) => {
    expect(named(...lines)[0]).toBe(cause);
  });
});

describe('libusb', () => {
  it.each([
    ['usb-permission', ['libusb: error [_get_usbfs_fd] libusb couldn\'t open USB device /dev/bus/usb/001/004, errno=13']],
    ['usb-permission', ["ccid_usb.c:579:OpenUSBByName() Can't libusb_open(3/2): -3"]],
    ['ccid-vs-pcscd', ['libusb: error [op_claim_interface] claim interface failed, errno=16']],
    ['ccid-vs-pcscd', ['libusb: warning [darwin_open] USBDeviceOpen: another process has device opened for exclusive access']],
    ['no-usb-in-environment', ['$ lsusb', 'unable to initialize libusb: -99']],
    ['usb-permission', ['error\tlibnfc.bus.usb\tUnable to open USB device (Permission denied)']],
  ])('%s: %j', (cause, lines) => {
    expect(named(...lines)[0]).toBe(cause);
  });
});

describe('a device that vanished from under pcscd', () => {
  const vanished = 'pcscd[811]: 99999999 ccid_usb.c:963:WriteUSB() write failed (1/4): LIBUSB_ERROR_NO_DEVICE';
  it.each(['gpg: selecting openpgp failed: No such device', 'ERROR: Failed to connect to YubiKey.', 'No smart card readers found.', 'Could not open YubiKey. Please insert YubiKey with serial 123', 'gpg: selecting card failed: Service is not running'])('is what stands behind "%s"', (complaint) => {
    expect(named(complaint, vanished).slice(0, 2)).toContain('suspend-resume-stale');
  });
});

describe('a key without its smart-card interface', () => {
  it.each(['1050:0110', '1050:0403'])('%s', (id) => {
    expect(named('ERROR: Failed to connect to YubiKey.', `Bus 001 Device 004: ID ${id} Yubico.com Yubikey`)[0]).toBe('token-configuration');
  });
});

describe('sudo', () => {
  it('is no proof of rights where it restarts a service', () => {
    const complaint = 'ERROR: Failed to connect to YubiKey.';
    expect(named(complaint, 'It works again after sudo systemctl restart pcscd')[0]).toBe('hotplug-not-seen');
    expect(named(complaint, 'It works with sudo ykman info')[0]).toBe('usb-permission');
  });
});

describe('a lock', () => {
  it('is not what stops programs where the device does not answer on the bus', () => {
    const causes = named('ERROR: Failed to connect to YubiKey.', 'user 3300 0.1 scdaemon --multi-server', 'kernel: usb 1-4: device descriptor read/64, error -71');
    expect(causes[0]).toBe('usb-power-management');
  });
});

describe('harmless lines', () => {
  it('are not the answer beside a pcscd that does not start', () => {
    expect(named('usb 1-4: New USB device found, idVendor=1050, idProduct=0407', "systemd[1]: pcscd.service: Failed with result 'exit-code'.")[0]).toBe('pcscd-not-running');
  });
});

describe('a reader that a program lost', () => {
  it.each(['SCardTransmit: 0x80100069', 'SCardStatus: 0x80100011', 'Failed to connect to card: Reader detached', 'returning with: -1114 (Reader detached)'])('%s', (line) => {
    expect(named(line)).toEqual(expect.arrayContaining(['suspend-resume-stale', 'hotplug-not-seen', 'usb-power-management']));
  });
});

describe('answers of systemctl', () => {
  it('are of the unit that was asked about', () => {
    expect(named('$ systemctl is-active pcscd.socket', 'inactive', 'Error: Failed connecting to the YubiKey.')[0]).toBe('pcscd-not-running');
    expect(named('$ systemctl is-active bluetooth', 'inactive')).toEqual([]);
  });
});

describe('a policy', () => {
  it('that only logs denies nothing', () => {
    const line = 'type=AVC msg=audit(1): avc:  denied  { write } for comm="sssd_pam" name="pcscd.comm" tclass=sock_file permissive=';
    expect(named(`${line}0`)[0]).toBe('sandbox-blocks-pcsc');
    expect(named(`${line}1`)).toEqual([]);
  });
});

describe('macOS', () => {
  it('has no pcscd that could be down', () => {
    expect(named('macOS: pcsctest', 'Testing SCardEstablishContext    : Service not available.')[0]).toBe('macos-system-driver-stuck');
  });

  it('opens cards itself, which scdaemon meets, too', () => {
    expect(named('macOS 13.4', 'com.apple.CryptoTokenKit.pivtoken runs', 'scdaemon[9] pcsc_connect failed: sharing violation (0x8010000b)')[0]).toBe('macos-ctk-holds-card');
  });
});

describe('devices that are kept away', () => {
  it.each([
    ['usbguard', ['12: block id 1050:0407 serial "" name "YubiKey OTP+FIDO+CCID" hash "abc" via-port "1-2" with-interface { 03:01:01 0b:00:00 }']],
    ['no-usb-in-environment', ['WSL usbip: error: Attach Request for 2-4 failed - Device busy (exported)']],
    ['no-usb-in-environment', ['docker: Error response from daemon: error gathering device information while adding custom device "/dev/bus/usb/001/004": no such file or directory.']],
    ['usb-power-management', ["usb 1-1: can't set config #1, error -32"]],
  ])('%s: %j', (cause, lines) => {
    expect(named(...lines)[0]).toBe(cause);
  });

  it('are not kept away by a rule about another device', () => {
    expect(named('3: block id 0781:5567 serial "" name "Cruzer Blade"')).not.toContain('usbguard');
  });
});

describe('system_profiler', () => {
  it('lists no readers where nothing stands under their heading', () => {
    expect(named('SmartCards:', '', '    Readers:', '', '    Reader Drivers:', '', '      #01: fr.apdu.ccid.smartcardccid:1.5.1 (/usr/libexec/SmartCardServices/drivers/ifd-ccid.bundle)')).toContain('macos-system-driver-stuck');
    expect(named('    Readers:', '', '      #01: Yubico YubiKey OTP+FIDO+CCID (ATR:<3bfd>)', '', '    Reader Drivers:')).not.toContain('macos-system-driver-stuck');
  });
});

describe('root', () => {
  it('has the rights that the user lacks', () => {
    const lines = ['$ gpg --card-status', 'gpg: selecting card failed: No such device', '$ sudo gpg --card-status', 'Application ID ...: D2760001240100000006123456780000'];
    expect(named(...lines)[0]).toBe('usb-permission');
    expect(named(...lines.slice(0, 2))[0]).not.toBe('usb-permission');
  });
});

describe('a device that is listed', () => {
  it('has reached WSL', () => {
    const lines = ['5.15.153.1-microsoft-standard-WSL2', 'gpg: selecting card failed: No such device'];
    expect(named(...lines)[0]).toBe('no-usb-in-environment');
    expect(named(...lines, 'Bus 001 Device 003: ID 1050:0407 Yubico.com Yubikey 4/5 OTP+U2F+CCID')[0]).not.toBe('no-usb-in-environment');
  });
});

describe('OpenSC and PKCS#11', () => {
  it.each([
    ['pin-locked', ['C_Login failed: 164']],
    ['scdaemon-holds-card', ['C_GetTokenInfo for provider /usr/lib/opensc-pkcs11.so slot 0 failed: 224']],
    ['pcscd-not-running', ['provider /usr/lib/opensc-pkcs11.so returned no slots']],
    ['polkit-denied', ['Error: SecurityViolation']],
    ['pcscd-not-running', ['PCSC.Exceptions.EstablishContextException']],
  ])('%s: %j', (cause, lines) => {
    expect(named(...lines)[0]).toBe(cause);
  });

  it('has no slots where it has no readers', () => {
    expect(named('Available slots:', 'No slots.')).toContain('pcscd-not-running');
  });

  it('reached a card that it does not know', () => {
    expect(named('Failed to connect to card: Card is invalid or cannot be handled')[0]).toBe('not-an-openpgp-card');
  });
});
