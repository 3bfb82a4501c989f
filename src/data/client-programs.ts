/**
 * Programs that use smart cards on Linux: how they connect, how long they keep a card, what makes them let go.
 * Facts come from each program's own sources, named in `source`. Where a version matters the note says so.
 */
import type { Remedy } from '../report/schema.ts';
import type { Process } from '../snapshot/schema.ts';

export interface ClientProgram {
  id: string;
  /** The name its user knows. */
  label: string;
  /** Names of its executable files or scripts, whole; a trailing `*` stands for any rest. */
  names: readonly string[];
  /** pcsc: through pcscd; usb: claims the USB interface; hid: another interface, no conflict; host: only through a PKCS#11 module it loads. */
  transport: 'pcsc' | 'usb' | 'hid' | 'host';
  /** Share mode of its SCardConnect; any: its own user, or what is remote, decides; none: it never connects to a card. */
  connects: 'exclusive' | 'shared' | 'exclusive-then-shared' | 'any' | 'none';
  /** Transactions: never, around each operation, or as long as it uses the card. */
  transactions: 'never' | 'operation' | 'session' | 'unknown';
  /** How long it keeps a handle: not beyond the connect itself, for one command, while its window or a session with the card is open, or as long as it runs. */
  holds: 'never' | 'command' | 'session' | 'process';
  /** What it does to the card when it lets go. */
  disposition: 'leave' | 'reset' | 'unpower' | 'varies';
  /** True when a connection of it keeps nobody from the card. */
  harmless: boolean;
  remedies: readonly Remedy[];
  note: string | null;
  source: string;
}

const now = (title: string, commands: string[], price: string | null = null): Remedy => ({ title, kind: 'now', commands, edits: [], price });
const lasting = (title: string, commands: string[], price: string | null = null, edits: Remedy['edits'] = []): Remedy => ({ title, kind: 'lasting', commands, edits, price });

const DEFAULTS = { transport: 'pcsc', transactions: 'unknown', disposition: 'leave', harmless: false, remedies: [], note: null } as const;
type Row = Pick<ClientProgram, 'id' | 'label' | 'names' | 'connects' | 'holds' | 'source'> & Partial<ClientProgram>;

const rows: readonly Row[] = [
  {
    id: 'scdaemon',
    label: 'scdaemon',
    names: ['scdaemon'],
    connects: 'exclusive',
    transactions: 'never',
    holds: 'process',
    remedies: [now('Make GnuPG let go of the card', ['gpgconf --kill scdaemon'], 'the next use of gpg or of its ssh keys asks for the PIN again and takes the card again')],
    note: 'SHARED with pcsc-shared; over USB without pcscd where its internal CCID driver is in use',
    source: 'GnuPG scd/apdu.c connect_pcsc_card, close_pcsc_reader',
  },
  {
    id: 'gnupg-pkcs11-scd',
    label: 'gnupg-pkcs11-scd',
    names: ['gnupg-pkcs11-scd'],
    connects: 'shared',
    holds: 'process',
    disposition: 'varies',
    remedies: [now('Make GnuPG let go of the card', ['gpgconf --kill gpg-agent'], 'PINs and passphrases are asked for again')],
    note: 'its PKCS#11 module decides how it connects',
    source: 'gnupg-pkcs11-scd README',
  },
  {
    id: 'yubikey-agent',
    label: 'yubikey-agent',
    names: ['yubikey-agent'],
    connects: 'exclusive',
    transactions: 'session',
    holds: 'process',
    remedies: [
      now('Make yubikey-agent let go of the card', ['pkill -HUP -x yubikey-agent'], 'its next use asks for the PIN again and takes the card again'),
      lasting('Do without yubikey-agent', ['systemctl --user disable --now yubikey-agent'], 'ssh needs another agent, e.g. gpg-agent or ssh-agent with a PKCS#11 module'),
    ],
    source: 'yubikey-agent main.go; piv-go piv/pcsc_unix.go',
  },
  {
    id: 'piv-agent',
    label: 'piv-agent',
    names: ['piv-agent'],
    connects: 'exclusive',
    transactions: 'session',
    holds: 'process',
    remedies: [now('Stop piv-agent until it is used again', ['systemctl --user stop piv-agent.service'], 'its next use asks for the PIN again and takes the card again')],
    note: 'it lets go by itself after 128 idle minutes',
    source: 'piv-agent cmd/piv-agent/serve.go; piv-go piv/pcsc_unix.go',
  },
  {
    id: 'step',
    label: 'step',
    names: ['step', 'step-ca', 'step-kms-plugin'],
    connects: 'exclusive',
    transactions: 'session',
    holds: 'process',
    remedies: [now('Let the step command end, or stop step-ca', [], 'step-ca issues no certificates meanwhile')],
    source: 'smallstep/crypto kms/yubikey/yubikey.go',
  },
  {
    id: 'ykman',
    label: 'ykman',
    names: ['ykman'],
    connects: 'exclusive-then-shared',
    transactions: 'never',
    holds: 'command',
    disposition: 'unpower',
    remedies: [now('Let ykman end', [])],
    note: 'EXCLUSIVE from 5.6.0 on, with SHARED as the second try from 5.6.1; when both fail it kills scdaemon',
    source: 'yubikey-manager ykman/pcsc/__init__.py',
  },
  {
    id: 'yubico-authenticator',
    label: 'Yubico Authenticator',
    names: ['authenticator', 'authenticator-helper', 'yubioath-desktop'],
    connects: 'exclusive-then-shared',
    transactions: 'never',
    holds: 'session',
    disposition: 'unpower',
    remedies: [now('Close Yubico Authenticator, in the tray as well', [])],
    source: 'yubioath-flutter helper/helper/device.py',
  },
  {
    id: 'yubico-piv-tool',
    label: 'yubico-piv-tool',
    names: ['yubico-piv-tool'],
    connects: 'shared',
    transactions: 'operation',
    holds: 'command',
    disposition: 'reset',
    remedies: [now('Let yubico-piv-tool end', [], 'it resets the card: other programs ask for the PIN again')],
    source: 'yubico-piv-tool lib/ykpiv.c',
  },
  {
    id: 'opensc-tools',
    label: 'OpenSC',
    names: ['opensc-tool', 'pkcs11-tool', 'pkcs15-tool', 'pkcs15-init', 'pkcs15-crypt', 'piv-tool', 'openpgp-tool', 'opensc-explorer', 'cardos-tool', 'iasecc-tool'],
    connects: 'shared',
    transactions: 'operation',
    holds: 'command',
    remedies: [now('Let the OpenSC command end', [])],
    source: 'OpenSC src/libopensc/reader-pcsc.c',
  },
  { id: 'opensc-notify', label: 'opensc-notify', names: ['opensc-notify'], connects: 'none', transactions: 'never', holds: 'never', harmless: true, source: 'OpenSC src/tools/opensc-notify.c' },
  {
    id: 'ssh-pkcs11-helper',
    label: 'ssh-agent with a PKCS#11 module',
    names: ['ssh-pkcs11-helper'],
    transport: 'host',
    connects: 'shared',
    holds: 'process',
    disposition: 'varies',
    remedies: [now('Take the module out of ssh-agent: ssh-add -e with the path it was added by', [], 'ssh has no key of the card until ssh-add -s adds it again')],
    source: 'OpenSSH ssh-agent.c, pathnames.h',
  },
  { id: 'ssh', label: 'ssh with a PKCS#11 module', names: ['ssh', 'ssh-keygen', 'ssh-add', 'ssh-agent'], transport: 'host', connects: 'shared', holds: 'process', disposition: 'varies', source: 'OpenSSH Makefile.in, ssh-pkcs11.c' },
  {
    id: 'p11-kit',
    label: 'p11-kit server',
    names: ['p11-kit-server', 'p11-kit-remote', 'p11-kit'],
    transport: 'host',
    connects: 'shared',
    holds: 'process',
    remedies: [now('Stop the p11-kit server', ['systemctl --user stop p11-kit-server.service'], 'sandboxed programs have no tokens meanwhile')],
    source: 'p11-kit p11-kit/server.c',
  },
  {
    id: 'gsd-smartcard',
    label: 'GNOME (gsd-smartcard)',
    names: ['gsd-smartcard'],
    transport: 'host',
    connects: 'shared',
    transactions: 'operation',
    holds: 'process',
    remedies: [
      lasting('Keep GNOME away from smart cards', ['systemctl --user mask --now org.gnome.SettingsDaemon.Smartcard.service org.gnome.SettingsDaemon.Smartcard.target'], 'GNOME no longer locks the screen on removal of a card and offers no login by card'),
    ],
    source: 'gnome-settings-daemon plugins/smartcard/gsd-smartcard-manager.c',
  },
  {
    id: 'firefox',
    label: 'Firefox',
    names: ['firefox', 'firefox-esr', 'firefox-bin', 'librewolf', 'GeckoMain', 'tor-browser'],
    transport: 'host',
    connects: 'shared',
    transactions: 'operation',
    holds: 'process',
    remedies: [
      now('Quit Firefox', []),
      lasting('Unload the module: Settings → Privacy & Security → Security Devices → Unload', [], 'Firefox offers no certificates of the card'),
    ],
    source: 'NSS lib/pk11wrap; OpenSC pkcs11-register',
  },
  {
    id: 'thunderbird',
    label: 'Thunderbird',
    names: ['thunderbird', 'thunderbird-esr', 'thunderbird-bin'],
    transport: 'host',
    connects: 'shared',
    transactions: 'operation',
    holds: 'process',
    remedies: [now('Quit Thunderbird', []), lasting('Unload the module: Settings → Privacy & Security → Security Devices → Unload', [], 'Thunderbird offers no certificates of the card')],
    source: 'NSS lib/pk11wrap; OpenSC pkcs11-register',
  },
  {
    id: 'chromium',
    label: 'Chromium or Chrome',
    names: ['chrome', 'chromium', 'chromium-browser', 'google-chrome', 'brave', 'msedge', 'vivaldi-bin'],
    transport: 'host',
    connects: 'shared',
    transactions: 'operation',
    holds: 'process',
    remedies: [now('Quit the browser, background apps as well', []), lasting('List its modules, then take the card\'s out with modutil -delete', ['modutil -dbdir sql:"$HOME/.pki/nssdb" -list'], 'the browser offers no certificates of the card')],
    source: 'NSS shared database; OpenSC pkcs11-register',
  },
  { id: 'sssd', label: 'SSSD (p11_child)', names: ['p11_child'], transport: 'host', connects: 'shared', transactions: 'operation', holds: 'command', remedies: [now('Wait: it ends by itself, at most a minute later', [])], source: 'SSSD src/p11_child/p11_child_openssl.c' },
  { id: 'pam-pkcs11', label: 'pkcs11_eventmgr', names: ['pkcs11_eventmgr'], transport: 'host', connects: 'shared', holds: 'process', remedies: [now('Stop pkcs11_eventmgr', ['pkill -x pkcs11_eventmgr'], 'nothing happens any more when a card comes or goes')], source: 'pam_pkcs11 src/tools/pkcs11_eventmgr.c' },
  { id: 'geoclue', label: 'GeoClue', names: ['geoclue'], transport: 'host', connects: 'shared', transactions: 'operation', holds: 'process', note: 'GnuTLS loads every module that p11-kit knows; `disable-in: geoclue` in the module\'s file keeps one away', source: 'p11-kit p11-kit/modules.c' },
  {
    id: 'openpgp-card',
    label: 'openpgp-card tools',
    names: ['oct', 'opgpcard', 'openpgp-card-ssh-agent', 'rsop-oct', 'sq'],
    connects: 'shared',
    transactions: 'operation',
    holds: 'command',
    disposition: 'reset',
    remedies: [now('Let the command end', [])],
    source: 'card-backend-pcsc; pcsc-rust lib.rs Drop',
  },
  {
    id: 'age-plugin-yubikey',
    label: 'age-plugin-yubikey',
    names: ['age-plugin-yubikey'],
    connects: 'shared',
    transactions: 'operation',
    holds: 'command',
    disposition: 'varies',
    remedies: [now('Let age end', [])],
    note: 'on a sharing violation it sends SIGINT to scdaemon and SIGHUP to yubikey-agent',
    source: 'age-plugin-yubikey src/key.rs',
  },
  {
    id: 'keepassxc',
    label: 'KeePassXC',
    names: ['keepassxc'],
    connects: 'shared',
    transactions: 'operation',
    holds: 'command',
    remedies: [now('Wait: KeePassXC lets go within seconds', [])],
    note: 'it selects the OTP applet, which a scdaemon that shares the card may stumble over',
    source: 'KeePassXC YubiKeyInterfacePCSC.cpp',
  },
  { id: 'nitropy', label: 'nitropy', names: ['nitropy'], connects: 'shared', transactions: 'never', holds: 'command', disposition: 'unpower', remedies: [now('Let nitropy end', [])], note: '`nitropy start update` stops pcscd and GnuPG', source: 'pynitrokey upgrade_by_passwd.py' },
  { id: 'solo2', label: 'solo2', names: ['solo2'], connects: 'shared', transactions: 'never', holds: 'command', disposition: 'reset', remedies: [now('Let solo2 end', [])], source: 'solo2-cli src/device/pcsc.rs' },
  {
    id: 'ausweisapp',
    label: 'AusweisApp',
    names: ['AusweisApp', 'AusweisApp2'],
    connects: 'shared',
    transactions: 'session',
    holds: 'session',
    disposition: 'reset',
    remedies: [now('Close AusweisApp', [], 'it resets the card: other programs ask for the PIN again')],
    source: 'AusweisApp2 PcscCard.cpp, PcscReader.cpp',
  },
  { id: 'eid-mw', label: 'Belgian eID viewer', names: ['eid-viewer', 'about-eid-mw'], connects: 'shared', transactions: 'operation', holds: 'process', disposition: 'varies', remedies: [now('Close the eID viewer', [])], source: 'eid-mw cardlayer/pcsc.cpp' },
  { id: 'qdigidoc', label: 'DigiDoc4', names: ['qdigidoc4'], connects: 'shared', holds: 'session', remedies: [now('Close DigiDoc4', [])], source: 'open-eid qdigidoc4' },
  { id: 'web-eid', label: 'Web eID', names: ['web-eid'], connects: 'shared', transactions: 'operation', holds: 'command', source: 'web-eid libelectronic-id' },
  { id: 'autofirma', label: 'AutoFirma', names: ['autofirma', 'AutoFirma'], connects: 'shared', holds: 'session', remedies: [now('Close AutoFirma', [])], source: 'OpenJDK java.smartcardio' },
  { id: 'java', label: 'a Java program', names: ['java'], connects: 'any', holds: 'process', note: 'javax.smartcardio connects SHARED and may begin an exclusive use', source: 'OpenJDK java.smartcardio CardImpl' },
  { id: 'cardcheck', label: 'cardcheck', names: ['cardcheck', 'cardcheck.js', 'cardcheck.cjs', 'addon-child.cjs'], connects: 'any', transactions: 'never', holds: 'never', note: 'another one that is just looking', source: 'cardcheck' },
  { id: 'pcsc-scan', label: 'pcsc_scan', names: ['pcsc_scan'], connects: 'none', transactions: 'never', holds: 'never', harmless: true, note: 'only its stress mode (-s) connects to cards', source: 'pcsc-tools pcsc_scan.c' },
  { id: 'scriptor', label: 'scriptor', names: ['gscriptor', 'scriptor'], connects: 'shared', holds: 'process', remedies: [now('Close it', [])], note: 'old versions connect EXCLUSIVE', source: 'pcsc-tools gscriptor' },
  { id: 'pcsc-relay', label: 'pcsc-relay', names: ['pcsc-relay'], connects: 'exclusive', transactions: 'never', holds: 'process', remedies: [now('Stop pcsc-relay', ['pkill -x pcsc-relay'])], source: 'vsmartcard pcsc-relay/src/pcsc.c' },
  { id: 'lpac', label: 'lpac', names: ['lpac'], connects: 'exclusive', holds: 'command', remedies: [now('Let lpac end', [])], source: 'lpac driver/apdu/pcsc.c' },
  {
    id: 'remote-desktop',
    label: 'a remote desktop with card redirection',
    names: ['xfreerdp', 'xfreerdp3', 'wlfreerdp', 'sdl-freerdp', 'sdl-freerdp3', 'remmina', 'remote-viewer', 'virt-viewer', 'vmware-view', 'horizon-client'],
    connects: 'any',
    holds: 'session',
    disposition: 'varies',
    remedies: [now('End the session, or connect again without redirecting the card', [], 'the remote machine has no card then')],
    note: 'the remote machine decides how it connects',
    source: 'FreeRDP channels/smartcard; libcacard',
  },
  {
    id: 'virtual-machine',
    label: 'a virtual machine',
    names: ['qemu-system-*', 'qemu-kvm', 'VirtualBoxVM', 'VBoxHeadless', 'VirtualBox', 'vmware-vmx'],
    transport: 'usb',
    connects: 'any',
    transactions: 'never',
    holds: 'process',
    disposition: 'varies',
    remedies: [now('Detach the USB device from the virtual machine', [], 'the guest loses the key')],
    note: 'it takes the whole USB device; QEMU\'s emulated reader connects through pcscd instead',
    source: 'QEMU hw/usb/host-libusb.c',
  },
  { id: 'usbip', label: 'usbip', names: ['usbipd'], transport: 'usb', connects: 'any', transactions: 'never', holds: 'process', disposition: 'varies', remedies: [now('List what is exported, then usbip unbind the device', ['sudo usbip list -l'], 'the remote machine loses the device')], source: 'Linux tools/usb/usbip' },
  { id: 'pcscd', label: 'pcscd', names: ['pcscd'], transport: 'usb', connects: 'any', transactions: 'never', holds: 'process', source: 'CCID src/ccid_usb.c' },
  { id: 'fido', label: 'a FIDO program', names: ['ssh-sk-helper', 'fido2-token', 'fido2-assert', 'fido2-cred'], transport: 'hid', connects: 'none', transactions: 'never', holds: 'never', harmless: true, source: 'libfido2 src/hid_linux.c' },
  { id: 'fwupd', label: 'fwupd', names: ['fwupd'], transport: 'hid', connects: 'none', transactions: 'never', holds: 'never', harmless: true, note: 'it claims only devices of its own plugins', source: 'fwupd plugins' },
  { id: 'modemmanager', label: 'ModemManager', names: ['ModemManager'], transport: 'hid', connects: 'none', transactions: 'never', holds: 'never', harmless: true, source: 'ModemManager' },
];

export const clientPrograms: readonly ClientProgram[] = rows.map((row) => ({ ...DEFAULTS, ...row }));

/** The kernel keeps 15 bytes of a process's name (Linux include/linux/sched.h, TASK_COMM_LEN). */
const COMM_LENGTH = 15;
/** Programs that run scripts: the script's name is what counts then. */
const INTERPRETERS = /^(?:python|perl|ruby|node|bash|dash|sh|env|java)[\d.]*$/;
const basename = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

// Made once, because every process of the machine is asked about.
const byWholeName = new Map<string, ClientProgram>();
const byCutName = new Map<string, ClientProgram>();
const byPrefix: [string, ClientProgram][] = [];
for (const program of clientPrograms) {
  for (const name of program.names) {
    if (name.endsWith('*')) byPrefix.push([name.slice(0, -1), program]);
    else if (!byWholeName.has(name)) byWholeName.set(name, program);
    const cut = name.slice(0, COMM_LENGTH);
    if (name.length > COMM_LENGTH && !name.endsWith('*') && !byCutName.has(cut)) byCutName.set(cut, program);
  }
}

/** @param cut the name may be the kernel's, which ends after 15 characters */
function programNamed(name: string, cut = false): ClientProgram | undefined {
  return byWholeName.get(name) ?? (cut ? byCutName.get(name) : undefined) ?? byPrefix.find(([prefix]) => name.startsWith(prefix))?.[1];
}

/**
 * The program a process is, from the names it goes by: its file, its first arguments when an interpreter runs it, the
 * kernel's name. Names can be chosen freely, so this says what the process is likely to do, and proves nothing.
 */
export function identifyProgram(process: Pick<Process, 'comm' | 'argv' | 'exe'>): ClientProgram | null {
  const file = process.exe === null ? null : basename(process.exe);
  const [first = '', ...rest] = process.argv.slice(0, 3).map(basename);
  const interpreted = [file, first].some((name) => name !== null && INTERPRETERS.test(name));
  const names = [...(interpreted ? rest : []), ...(file === null ? [] : [file]), first].filter((name) => name !== '');
  for (const name of names) {
    const program = programNamed(name);
    if (program !== undefined) return program;
  }
  return programNamed(process.comm, true) ?? null;
}
