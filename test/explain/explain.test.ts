import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { codes } from '../../checks/codes.ts';
import { asMessage } from '../../src/explain/argument.ts';
import { explanationDocument } from '../../src/explain/document.ts';
import { Explainer, explainText } from '../../src/explain/explain.ts';
import { causeRules } from '../../src/explain/rules/index.ts';
import { renderBlocks } from '../../src/report/text.ts';

interface Case {
  id: string;
  cause: string;
  symptom: string[];
  evidence: { lines: string[] }[];
}
const cases = JSON.parse(readFileSync(new URL('../../fixtures/logs/cases.json', import.meta.url), 'utf8')) as Case[];
const textOf = ({ symptom, evidence }: Case): string => [...symptom, ...evidence.flatMap(({ lines }) => lines)].join('\n');
const first = (text: string) => explainText(text).causes[0];
const shown = (text: string): string => renderBlocks(explanationDocument(explainText(text)), { width: 80, colors: false, ascii: false });

describe('constructed reports', () => {
  it.each(cases.filter(({ cause }) => cause !== 'not-established'))('$id: $cause', (one) => {
    expect(explainText(textOf(one)).causes.slice(0, 3).map(({ id }) => id)).toContain(one.cause);
  });

  it.each(cases.filter(({ cause }) => cause === 'not-established'))('$id stays open', (one) => {
    expect(explainText(textOf(one)).causes.filter(({ certainty }) => certainty !== 'possible')).toEqual([]);
  });
});

describe('one vocabulary', () => {
  it('has a row of prose for every cause', () => {
    const ids = new Set<string>(Object.values(codes).map(({ id }) => id));
    expect(Object.keys(causeRules).filter((id) => !ids.has(id) && id !== 'healthy' && id !== 'harmless-noise')).toEqual([]);
  });
});

describe('gpg', () => {
  it.each(['Kein passendes Gerät gefunden', 'Aucun périphérique de ce type', 'そのようなデバイスはありません', 'Нет такого устройства', 'No such device'])('understands "%s"', (text) => {
    const { causes } = explainText(`gpg: OpenPGP: ${text}`);
    expect(causes.map(({ id }) => id)).toContain('other-client-blocks-scdaemon');
  });

  it('splits a libgpg-error number into source and code', () => {
    expect(explainText('ERR 100663614 Service is not running <SCD>').codes).toEqual([{ line: 1, code: 'libgpg-error 318 from scdaemon', means: 'Service is not running' }]);
    expect(asMessage('100696144')).toBe('ERR 100696144');
  });

  it('reads "inserted card" as the refusal it is', () => {
    expect(first('scdaemon[3] pcsc_establish_context failed: inserted card (0x8010006a)')).toMatchObject({ id: 'polkit-denied', certainty: 'likely' });
  });

  it('does not blame a lock when the service was not reached', () => {
    const ids = explainText('gpg: selecting card failed: Service is not running').causes.map(({ id }) => id);
    expect(ids).not.toContain('other-client-blocks-scdaemon');
  });
});

describe('PC/SC codes', () => {
  it.each(['0x8010001E', '8010001e', '0xFFFFFFFF8010001E', '-2146435042', '2148532254', 'SCARD_E_SERVICE_STOPPED', 'SCardEstablishContext: Service was stopped.', 'the Smart card resource manager has shut down'])('knows %s', (word) => {
    expect(first(asMessage(word))).toMatchObject({ id: 'protocol-mismatch', certainty: 'likely' });
  });
});

describe('what is proven', () => {
  it('is a refusal pcscd wrote down', () => {
    expect(first('pcscd[9]: 00000000 ../src/auth.c:145:IsClientAuthorized() Process 2605 (user: 987) is NOT authorized for action: access_pcsc')).toMatchObject({ id: 'polkit-denied', certainty: 'proven' });
  });

  it('is not a mismatch a later pcscd may have adapted to', () => {
    const line = 'winscard_svc.c:404:ContextThread() Communication protocol mismatch!';
    expect(first(`${line}\nServer protocol is 4:4`)?.certainty).toBe('proven');
    expect(first(line)?.certainty).toBe('likely');
    expect(first(`pcsc-lite version 2.4.1\n${line}\nEnable backward compatibility`)?.id).toBe('harmless-noise');
  });

  it('is never a process that is merely connected', () => {
    const { causes } = explainText('scdaemon[1] pcsc_connect failed: sharing violation (0x8010000b)\nprocess: /usr/libexec/gsd-smartcard (3412)');
    expect(causes.filter(({ certainty }) => certainty === 'proven')).toEqual([]);
  });
});

describe('logs recorded from real programs on a virtual reader', () => {
  it.each([
    ['shared-client-blocks-scdaemon', 'other-client-blocks-scdaemon'],
    ['exclusive-client-holds-card', 'other-client-holds-card'],
    ['transaction-held', 'other-client-holds-transaction'],
    ['pcscd-dead', 'pcscd-not-running'],
  ])('%s', (name, cause) => {
    expect(first(readFileSync(new URL(`../../fixtures/logs/recorded/${name}.txt`, import.meta.url), 'utf8'))).toMatchObject({ id: cause });
  });
});

describe('noise', () => {
  it('is named, and is the answer where nothing else is', () => {
    const explanation = explainText('OpenUSBByName() Found interface 2 but expecting 0');
    expect(explanation.noise).toMatchObject([{ line: 1, text: 'OpenUSBByName() Found interface 2 but expecting 0' }]);
    expect(explanation.causes[0]?.id).toBe('harmless-noise');
  });
});

describe('quoting', () => {
  it('gives the number of the line, without colours', () => {
    const { causes } = explainText('\n\n\u001b[31mcard\u001b[0m\n\u001b[35m00000010 auth.c:143:IsClientAuthorized() Process 1 (user: 2) is NOT authorized for action: access_card\u001b[0m\r\n');
    expect(causes[0]?.evidence[0]).toMatchObject({ line: 4, text: '00000010 auth.c:143:IsClientAuthorized() Process 1 (user: 2) is NOT authorized for action: access_card' });
  });

  it('counts what is repeated', () => {
    const text = 'pcscd[1]: winscard.c:286:SCardConnect() Error Reader Exclusive\nx\n'.repeat(500);
    expect(first(text)?.evidence[0]).toMatchObject({ line: 1, repeated: { count: 500, lastLine: 999 } });
  });

  it('shows no PIN of a command APDU in a quoted line', () => {
    expect(shown('scdaemon[1] pcsc_transmit failed: reset card (0x80100068) after 00 20 00 82 08 31 32 33 34 35 36 37 38')).not.toMatch(/31 32 33|12345678/);
  });
});

describe('any input', () => {
  it('has an answer for nothing, binary and endless lines', () => {
    expect(explainText('')).toMatchObject({ causes: [], recognised: [], lines: 0 });
    const binary = new Explainer();
    binary.push(Buffer.alloc(100_000, 0x8b));
    binary.push(Buffer.from(' pcsc_connect failed: sharing violation (0x8010000b)'));
    expect(binary.finish()).toMatchObject({ lines: 1, causes: [{ id: 'other-client-blocks-scdaemon' }, {}, ...[]] });
  });

  it('says that nothing was recognised', () => {
    expect(shown('lorem ipsum')).toContain('Nothing here is known to cardcheck.');
  });

  it('finds the line that matters behind megabytes of others', () => {
    const explainer = new Explainer();
    const line = '00000022 winscard.c:1640:SCardTransmit() UnrefReader() count was: 1\n';
    for (let chunk = 0; chunk < 100; chunk++) explainer.push(Buffer.from(line.repeat(1000)));
    explainer.push(Buffer.from('00000005 winscard_svc.c:562:ContextThread() CONNECT for client 12, rv=SCARD_E_SHARING_VIOLATION\n'));
    const { causes, lines } = explainer.finish();
    expect(lines).toBe(100_001);
    expect(causes[0]?.evidence[0]?.line).toBe(100_001);
  });

  it('says the same of a large log however it is cut', () => {
    // Reassuring lines count in a paste only: the end of what may be one must not move with the cut.
    const log = Buffer.from(readFileSync(new URL('../../fixtures/logs/pcscd-debug.txt', import.meta.url), 'utf8').repeat(200));
    const [one, ...others] = [log.length, 1 << 20, 65_536, 131_075].map((size) => {
      const explainer = new Explainer();
      for (let at = 0; at < log.length; at += size) explainer.push(log.subarray(at, at + size));
      return JSON.stringify(explainer.finish());
    });
    expect(log.length).toBeGreaterThan(5_000_000);
    expect(new Set(others)).toEqual(new Set([one]));
  });
});

describe('what formats a paste', () => {
  const plain = 'pcscd is not running, and pcsc_scan says: Sharing violation.';
  const idsOf = (text: string) => explainText(text).causes.map(({ id }) => id);

  it.each([
    ['code spans', '`pcscd` is not running, and `pcsc_scan` says: `Sharing violation`.'],
    ['emphasis', '**pcscd** is not running, and pcsc_scan says: **Sharing violation**.'],
    ['spaces that do not break', plain.replaceAll(' ', '\u00a0')],
    ['a colour for each word', plain.split(' ').map((word) => `\u001b[1m${word}\u001b[0m`).join(' ')],
    ['entities', plain.replaceAll(' is ', ' is&nbsp;')],
  ])('does not matter: %s', (_, text) => {
    expect(idsOf(text)).toEqual(idsOf(plain));
  });

  it('shows the line as it was pasted', () => {
    const pasted = 'gpg fails: `SCARD_E_SERVICE_STOPPED`';
    expect(first(pasted)?.evidence[0]?.text).toBe(pasted);
  });

  it('leaves a name quoted the GNU way alone', () => {
    expect(idsOf("scdaemon[7]: detected reader `Alcor Micro AU9540 00 00'\nscdaemon[7]: detected reader `Yubico YubiKey 00 00'\ngpg: selecting card failed: Card not present")[0]).toBe('wrong-reader-chosen');
  });

  it.each(['', '> ', '    '])('joins a sentence broken at the margin, each line after "%s"', (before) => {
    const letter = ['The reader was fine until yesterday evening. Today I found out that the', 'udev rule for this token was missing from my distribution.'];
    expect(idsOf(letter.map((line) => before + line).join('\n'))).toContain('usb-permission');
  });

  it('joins what a narrow window broke', () => {
    expect(idsOf('I am quite certain by now that here the polkit\nconfiguration denies me access to the daemon.')).toContain('polkit-denied');
  });

  it('counts a line once that is read alone and in a sentence', () => {
    const { recognised } = explainText('pcscd[1]: winscard.c:286:SCardConnect() Error Reader Exclusive\nnothing else\n'.repeat(3));
    expect(recognised.find(({ kind }) => kind === 'pcscd log')?.lines).toEqual([1, 3, 5]);
  });

  it('joins the tail of a wrapped log line', () => {
    expect(first('Nov 11 11:11:11 box pcscd[9]: 00000003 auth.c:137:IsClientAuthorized() Process\n2625 (user: 1000) is NOT authorized for action: access_pcsc')?.id).toBe('polkit-denied');
    expect(first('Nov 11 11:11:11 box pcscd[9]: 00000003 ccid_usb.c:765:OpenUSBByName() Can\'t claim\ninterface 3/8: LIBUSB_ERROR_BUSY')?.evidence[0]?.line).toBe(1);
  });

  it('does not join what are lines of their own', () => {
    expect(idsOf('The key was never a problem on any of the machines I have had it plugged into\nPcscd is running on this one.')).toEqual(idsOf('The key was never a problem on any of the machines I have had it plugged into.\n\nPcscd is running on this one.'));
  });
});

describe('logs of pcscd and the kernel', () => {
  const lookup = (vendor: string, product: string) => `00000100 ../src/hotplug_libudev.c:299:get_driver() Looking for a driver for VID: 0x${vendor}, PID: 0x${product}, path: /dev/bus/usb/001/004`;
  const hub = lookup('1D6B', '0002');
  const appeared = (product: string) => `[   12.220039] usb 1-1: New USB device found, idVendor=1050, idProduct=${product}, bcdDevice= 5.00`;
  const failed = 'gpg: selecting card failed: No such device';
  const unloadable = [
    '00003347 ../src/hotplug_libudev.c:430:HPAddDevice() Adding USB device: Yubico YubiKey OTP+FIDO+CCID',
    '00002102 ../src/dyn_unix.c:59:DYN_LoadLibrary() /usr/lib/pcsc/drivers/ifd-ccid.bundle/Contents/Linux/libccid.so: cannot open shared object file: No such file or directory',
    '00000116 ../src/readerfactory.c:1111:RFInitializeReader() RFLoadReader failed: 0x80100014',
  ];
  const hidden = [
    '00127720 ../src/auth.c:148:IsClientAuthorized() Error in authorization: GDBus.Error:org.gtk.GDBus.UnmappedGError.Quark._g_2dfile_2derror_2dquark.Code4: Failed to open file "/proc/2360/status": No such file or directory',
    '00000182 ../src/auth.c:166:IsClientAuthorized() Process 2360 (user: 0) is NOT authorized for action: access_pcsc',
  ];

  it.each<[string, string[], string]>([
    ['a driver was looked for and none taken', [failed, hub, lookup('1050', '04FF'), appeared('04ff')], 'driver-does-not-know-device'],
    ['a device that the kernel has was never looked at', [failed, hub, appeared('0407')], 'hotplug-not-seen'],
    ['a key whose number says that its smart-card interface is off', [failed, hub, lookup('1050', '0403'), appeared('0403')], 'token-configuration'],
    ['a key whose number says that it has no such interface', [failed, hub, lookup('1050', '0120'), appeared('0120')], 'not-pcsc-but-hid'],
    ['a driver whose library is not there', [failed, hub, ...unloadable], 'ccid-driver-load-failure'],
    ['a reader that usbip has bound', [failed, '[   29.445718] usb 17-1: Product: QEMU USB CCID', '[   30.384982] usbip-host 17-1: usbip-host: register new device (bus 17 dev 2)'], 'vm-took-device'],
    ['polkit could not look, and the refusal is what came of it', ['scdaemon[2360] pcsc_establish_context failed: inserted card (0x8010006a)', ...hidden], 'polkit-error-hidepid'],
  ])('%s', (_, lines, cause) => {
    expect(first(lines.join('\n'))?.id).toBe(cause);
  });

  it('do not tell of a sandbox where systemd lists what it was built with', () => {
    const banner = '[   62.038115] systemd[1]: systemd 252.39-1~deb12u2 running in system mode (+PAM +AUDIT +SELINUX +APPARMOR +SECCOMP -PWQUALITY +P11KIT +QRENCODE)';
    expect(explainText(`${failed}\n${banner}`).causes.map(({ id }) => id)).not.toContain('sandbox-blocks-pcsc');
    expect(first('audit: apparmor="DENIED" operation="connect" profile="snap.x.y" name="/run/pcscd/pcscd.comm"')?.id).toBe('sandbox-blocks-pcsc');
  });
});

describe('what people tell', () => {
  it('does not take a session that ends for a daemon that was restarted', () => {
    const log = (command: string) => `gpg: selecting card failed: No such device\n2026-11-11 11:11:15 scdaemon[508] DBG: chan_7 <- ${command}`;
    expect(explainText(log('RESTART')).causes).toEqual(explainText(log('BYE')).causes);
  });

  it.each([
    ['It worked at last after I had installed scdaemon.', 'scdaemon-not-installed'],
    ['My laptop has a card slot, and the program always takes the first reader.', 'wrong-reader-chosen'],
    ['auth.c:119:IsClientAuthorized() Error in authorization: GDBus.Error:org.freedesktop.PolicyKit1.Error.Failed: Action org.debian.pcsc-lite.access_pcsc is not registered', 'polkit-denied'],
    ['pcscd: there is no polkit in this container image.', 'polkit-unreachable'],
    ['Unable to connect: Card is unpowered.\nThe card is an SLE5542, a memory card.', 'reader-hardware-limit'],
    ['Unable to claim USB interface (Permission denied)\npn533                  45056  1 pn533_usb', 'kernel-driver-claims-reader'],
    ['The token works on the host, the flatpak on Fedora does not see it.', 'sandbox-blocks-pcsc'],
    ['The token is found with --devmode, but not without.\nsnap version of the program', 'sandbox-blocks-pcsc'],
    ['Exception in thread "main" java.lang.IllegalStateException: no card terminals', 'pcscd-not-running'],
    ['java.io.IOException: No PC/SC library found on this system. The PC/SC smart card functionality is disabled.', 'libpcsclite-missing'],
    ['A aplicação diz sempre que o leitor de cartões não está ligado.', 'pcscd-not-running'],
    ['pcscd[9]: winscard_svc.c:384:ContextThread() Client protocol is 4:4\npcscd[9]: winscard_svc.c:386:ContextThread() Server protocol is 4:3\npcscd.service: Failed with result \'exit-code\'.', 'protocol-mismatch'],
    ['On this server SELinux denies it to the daemon.\nSmart cards are not found.', 'sandbox-blocks-pcsc'],
    ['OpenBSD 7\nhotplug_libusb.c:147:HPReadBundleValues() Cannot open PC/SC drivers directory: /usr/local/lib/pcsc/drivers', 'ccid-driver-missing'],
    ['The daemon pcscd does not start on this box since I moved the files.', 'pcscd-not-running'],
    ['The answers are cut short, but only on a Mac, never elsewhere.', 'macos-apple-ccid-driver'],
    ["usb.core: [Errno 16] Resource busy\n-- the device is used by the 'port100' kernel driver", 'kernel-driver-claims-reader'],
    ['Distribution: Snap\nThe token is not found by the program.', 'sandbox-blocks-pcsc'],
    ['06:00.2 Communication controller: Acme SmartCard controller (rev 1)', 'driver-does-not-know-device'],
    ['The flatpak finds no reader. A downgrade of pcsc-lite to 2.2.3 brought it back.', 'protocol-mismatch'],
    ['It began when an update of ccid broke the token: please insert the card with serial number 1', 'driver-outdated'],
    ['I have installed yubikey-agent for ssh.\nNow Yubico Authenticator does not find my YubiKey.', 'other-client-holds-card'],
    ['Firefox gets sluggish as long as it has the PKCS#11 module of the vendor loaded; when I unload the PKCS#11 module it is quick.', 'other-client-polls'],
    ['On macOS sc_auth does not see the token. After uninstalling the other middleware it works.', 'macos-ctk-holds-card'],
    ['The journal of pcscd tells of a protocol version mismatch.', 'protocol-mismatch'],
    ['I fear that what I bought is a counterfeit reader.', 'reader-hardware-limit'],
    ['The key shows in dom0, but I am unable to attach it to my VM.', 'no-usb-in-environment'],
    ['gpg: selecting card failed: Service is not running\nIt looks like a permission problem.', 'polkit-denied'],
    ['Reader 2: Acme Dual Reader 00 02\n  Card state: Card inserted, Unresponsive card,', 'harmless-noise'],
    ['The program opens the wrong slot of my reader.', 'wrong-reader-chosen'],
    ['The authenticator cannot see my YubiKey.', 'pcscd-not-running'],
    ['Every sleep/wake ends the session.\nerror: begin transaction failed, rc=80100068', 'suspend-resume-stale'],
  ])('"%s"', (text, cause) => {
    expect(first(text)?.id).toBe(cause);
  });

  it('looks elsewhere once the NFC modules of the kernel are gone and nothing is better for it', () => {
    const causes = explainText('pcsc_scan says: Waiting for the first reader. I disabled the kernel module pn533, and it is still the same.').causes.map(({ id }) => id);
    expect(causes).not.toContain('kernel-driver-claims-reader');
    // "us" within another word tells nothing of a reader that was chosen.
    expect(causes).not.toContain('wrong-reader-chosen');
  });

  it.each([
    ['a claim that is refused is no question of rights alone', 'nfc-list: Unable to claim USB interface (Permission denied)'],
    ['a service that stopped under a program is no question of versions', "ListReadersException: 'Failure to list readers: The Smart card resource manager has shut down.'"],
    ['a service that went away in the middle was not missing', 'SCardBeginTransaction failed, rc=8010001d'],
    ['a driver of version 2.0 has no IFDHCreateChannelByName, and loads all the same', 'DYN_GetAddress() IFDHCreateChannelByName: /usr/lib/pcsc/drivers/serial/libreader.so: undefined symbol: IFDHCreateChannelByName'],
    ['a token extension that hangs holds nothing', 'The CryptoTokenKit extension OpenSCToken locks up now and then; ssh-add says agent refused operation.'],
  ])('%s', (_, text) => {
    expect(explainText(text).causes.filter(({ certainty }) => certainty !== 'possible')).toEqual([]);
  });
});

describe('the answer for eyes', () => {
  it('says each reason once, above all lines that give it, by their numbers', () => {
    const [cause = ''] = shown('gpg: selecting card failed: No such device\nsomething else\ngpg: OpenPGP card not available: No such device').split('What would decide');
    expect(cause.match(/^ {2}for: /gm)).toHaveLength(1);
    expect(cause).toContain('    1: gpg: selecting card failed: No such device\n    3: gpg: OpenPGP card not available: No such device\n');
  });
});
