import { hasCcidOff } from '../../data/security-keys.ts';
import type { Observation } from '../observation.ts';
import { harmless, plain, type Sign, sound } from '../sign.ts';
import { mayMakeReaders } from '../vendors.ts';

type UnitState = Extract<Observation, { name: 'unit' }>['state'];
const unitStates: readonly (readonly [RegExp, UnitState])[] = [
  [/could not be found|not[- ]found|not loaded|failed to load|unrecogni[sz]ed service|does not exist/i, 'missing'],
  [/masked/i, 'masked'],
  [/inactive/i, 'inactive'],
  [/\bfailed\b/i, 'failed'],
  [/active \((?:running|listening)|\bactive\b/i, 'active'],
  [/disabled/i, 'disabled'],
];

/** `systemctl status` prints the unit's name once and its state on a later line: Active is about the last unit named. */
function unitSigns(): Sign[] {
  let last = 'pcscd';
  let asked = false;
  const stateOf = (text: string): UnitState | null => unitStates.find(([pattern]) => pattern.test(text))?.[1] ?? null;
  return [
    {
      kind: 'systemd',
      needles: ['pcscd.socket', 'pcscd.service'],
      pattern: /pcscd\.(socket|service)/,
      see: (match, text) => {
        last = `pcscd.${match[1] as string}`;
        if (/ - PC\/SC|Loaded: loaded|\bis-(?:active|enabled)\b/.test(text)) return null;
        const state = /could not be found|not[- ]found|failed to load|masked|is (?:in)?active|\b(?:in)?active\b|disabled/.test(text) ? stateOf(text) : null;
        return state === null ? null : { name: 'unit', unit: last, state };
      },
    },
    { kind: 'systemd', needles: ['Active: ina', 'Active: act', 'Active: fai'], pattern: /Active: (.*)/, see: (match) => ({ name: 'unit', unit: last, state: stateOf(match[1] as string) ?? 'inactive' }) },
    {
      kind: 'systemd',
      // systemctl answers these with one word on the next line.
      needles: ['is-active pcscd', 'is-enabled pcscd', 'inactive', 'disabled'],
      pattern: /is-(?:active|enabled) (?:\S{1,20} )?pcscd|^\s*(inactive|disabled)\s*$/,
      see: (match) => {
        const answer = match[1];
        if (answer === undefined) asked = true;
        return answer === undefined || !asked ? null : { name: 'unit', unit: last, state: answer === 'inactive' ? 'inactive' : 'disabled' };
      },
    },
    { kind: 'systemd', needles: ['Loaded: masked', 'Loaded: not-found'], see: (_, text) => ({ name: 'unit', unit: last, state: stateOf(text) ?? 'missing' }) },
  ];
}

/** A device's numbers as lsusb, the kernel's log and pcscd's write them. */
const USB_ID = /\b(?:ID |idVendor=?\s*(?:0x)?|VID: 0x)(1050|20a0)(?::|,? idProduct=?\s*(?:0x)?|, PID: 0x)([0-9a-f]{4})\b/i;

function kindOfKey(id: string): Observation | null {
  if (hasCcidOff(id)) return { name: 'usb-ccid-off' };
  return /^(?:1050:(?:0010|0120|0200|0211|0402|0410)|20a0:(?:4287|42b1))$/i.test(id) ? { name: 'usb-no-smart-card' } : null;
}

/** What is told to work on a Mac fails elsewhere. */
const WORKS_ON_MAC = /\b(?:works?|worked|working|fine)\b(?:(?!\b(?:not|but|only|fails?|except)\b|n't)[^.]){0,40}\b(?:on|under) (?:an? |my |the |other )?(?:mac ?OS\b|Macs?\b|MacBook|OS ?X\b)/i;

/** system_profiler prints the heading of each list, empty or not; the readers stand before their drivers. */
function profilerSign(): Sign {
  let readers: number | null = null;
  return {
    kind: 'macos',
    needles: ['Readers:', 'Reader Drivers:', ' #01: '],
    see: (_, text) => {
      if (/^\s*Readers:\s*$/.test(text)) {
        readers = 0;
        return null;
      }
      const counted = readers;
      if (/^\s*#01: /.test(text) && counted !== null) {
        readers = counted + 1;
        return { name: 'reader-listed' };
      }
      readers = null;
      return counted === 0 && /^\s*Reader Drivers:/.test(text) ? { name: 'no-reader' } : null;
    },
  };
}

export const systemSigns = (): readonly Sign[] => [
  ...unitSigns(),
  profilerSign(),
  // Drivers of the kernel's NFC subsystem (drivers/nfc); nfcpy looks them up in /sys itself.
  plain('kernel', { name: 'kernel-nfc-bound' }, ['NFC: NXP', 'pn533_u', ' pn533', 'pn533 ', 'Driver=pn533', 'driver nfc', 'port100', "' kernel driver", 'nfcmrvl', 'st21nfca', 'Driver=port'], /^(?!.*(?:blacklist|install pn533|modprobe -r|rmmod|alias |disabl|unload|désactiv|deaktivier|entlad)).*(?:NFC: NXP|now attached|pn533|port100|nfcmrvl|st21nfca|interface driver|used by the '\w+' kernel driver)/i),
  // Kept away already, and nothing is better for it: the cause is another.
  plain('kernel', { name: 'kernel-nfc-ruled-out' }, [' pn533', 'pn533 ', 'port100', 'nfcmrvl'], /(?:blacklist|modprobe -r|rmmod|disabl|unload|remov|désactiv|deaktivier|entlad)\w{0,5}\b.{0,60}(?:pn533|port100|nfcmrvl).{0,200}(?:(?:didn['’]t|did not|doesn['’]t|does not) (?:help|change|solve|fix|work)|no (?:change|effect|luck|difference)|\bstill\b|without success|toujours|trotzdem|immer noch|half nicht)/i),
  plain('kernel', { name: 'kernel-nfc-told' }, [' pn533', 'port100', 'nfcmrvl', 'blacklist nfc', 'rmmod nfc', 'blacklist'], /\bblacklist\w{0,3}\b.{0,40}\bmodprobe\b|(?:blacklist|install|modprobe -r|rmmod)\b.{0,60}(?:pn533|port100|nfcmrvl|\bnfc\b)/i),
  plain('usb', { name: 'reader-not-usb' }, ['SmartCard controller', 'Smart Card controller', 'lspci ', ' lspci', 'PCMCIA', 'ExpressCard', 'GemCore based'], /smart ?card controller|GemCore based|(?:lspci|PCMCIA|ExpressCard)\b[^.]{0,80}\b(?:reader|smart ?card|recogni)|\breader\b[^.]{0,80}\b(?:lspci|PCMCIA|ExpressCard)/i),
  // The devices those drivers take (drivers/nfc/pn533/usb.c, drivers/nfc/port100.c), most of which libccid takes, too.
  plain('usb', { name: 'kernel-nfc-device' }, ['072f:2200', '072f/2200', 'PID: 0x2200', 'idVendor=072f', 'ACR122', 'SCL3711', 'SCL-3711', '04e6:5591', '04e6/5591', 'PID: 0x5591', '04cc:2533', '04cc:0531', '04cc/2533', '054c:0193', '054c:06c1', '054c:06c3', 'RC-S380'], /\b072f[:\/]2200\b|VID: 0x072F, PID: 0x2200|idVendor=072f, idProduct=2200|\bACR122|\bSCL-?3711\b|\b04e6[:\/]5591\b|\b04cc[:\/](?:2533|0531)\b|\b054c:(?:0193|06c[13])\b|\bRC-S380/i),
  plain('kernel', { name: 'kernel-usb-reset' }, ['USB device number'], /\breset (?:low|full|high|super)-speed USB device/i),
  plain('kernel', { name: 'kernel-usb-gone' }, ['USB disconnect'], /USB disconnect/),
  plain('kernel', { name: 'kernel-usb-unauthorized' }, ['not authorized for usage', '/authorized:0', 'authorized_default', 'Device is not authorized']),
  plain('kernel', { name: 'kernel-usb-not-claimed' }, ['did not claim interface']),
  plain('kernel', { name: 'kernel-usb-trouble' }, ['device descriptor read', 'device not accepting address', 'unable to enumerate USB device', 'error -71', 'error -110', 'over-current', 'HC died', 'not responding, assume dead', 'Cannot enable. Maybe the USB', 'Cannot enable port', 'disabled by hub (EMI', "can't set config #", 'not responding to setup address', 'cannot reset (err', 'can\'t read configurations', 'insufficient available bus power', 'WARNING: Host System Error', 'xHCI host controller not responding']),
  plain('kernel', { name: 'kernel-suspend' }, ['PM: suspend', 'PM: resume', 'suspend exit', 'suspend entry', 'Waking up from system sleep', 'System returned from sleep', 'Suspending system', 'systemd-suspend', 'PM: hibernation', 'Reached target sleep', 'System Resumed', 'Entering sleep state']),
  plain('kernel', { name: 'autosuspend' }, ['autosuspend', 'power/control', 'power/persist', 'usbcore.autosuspend', 'laptop-mode', 'powertop', 'USB_AUTOSUSPEND', 'selective suspend']),
  plain('kernel', { name: 'usbguard' }, ['usbguard'], /usbguard/i),
  {
    kind: 'kernel',
    // A rule as usbguard writes devices in its list and its audit log (usbguard-rules.conf(5)): this one is kept out.
    needles: ['block id ', 'reject id '],
    pattern: /\b(?:block|reject) id ([0-9a-f]{4}):[0-9a-f]{4}\b/i,
    see: (match) => (mayMakeReaders((match[1] as string).toLowerCase()) ? [{ name: 'usbguard' }, { name: 'kernel-usb-unauthorized' }] : null),
  },
  plain('kernel', { name: 'usbip' }, ['usbip-host', 'usbip attach', 'usbip: ', 'usbipd ', 'usbipd: ', 'vhci_hcd']),
  plain('kernel', { name: 'usbip-lends' }, ['usbip-host: register new device', 'bind device on busid']),
  plain('kernel', { name: 'vm-holds-usb' }, ['qemu-system', 'VBoxHeadless', 'VirtualBoxVM', 'vmware-vmx', 'vboxusb', 'usb-host,', 'hostdev', 'VBoxManage', 'virt-manager', 'USB host device', 'passthrough', 'pass-through', 'pass through', 'usb redirect', 'Virtual Machine Manager', 'spice-usb', 'libvirt', 'usbarbitrator', 'USB arbitrat', 'USB filter'], /arbitrat|qemu|vbox|virtualbox|vmware|hostdev|virt-manager|USB host device|(?:USB|device|key|reader|card|VM|guest)\b.*pass-?\s?through|pass-?\s?through.*(?:USB|device|VM|guest)|usb redirect|libvirt|Virtual Machine Manager/i),
  // A token with its driver for Windows on it is a CD to the computer until that is ejected, and a reader only then.
  plain('usb', { name: 'shows-as-cd' }, ['CD_ROM_Mode', 'CD_partition_scheme', 'usb_modeswitch', 'autorun.inf', 'eject disk', 'eject /dev/sr'], /CD_|modeswitch|autorun|\beject \S/),
  plain('usb', { name: 'vm-reader' }, ['VMware Virtual USB CCID', 'Virtual Smart Card Reader', 'Gemplus GemPC433', 'QEMU USB CCID', '0e0f:0004', '08e6:4433', '0x0e0f0004', 'Shared Card Reader', 'Virtual CCID', 'VMware Shared Smart']),
  {
    kind: 'usb',
    needles: ['Device 0', 'Device 1', 'idVendor=', 'idVendor '],
    pattern: /(?:: ID |idVendor=?\s*(?:0x)?)([0-9a-f]{4})/i,
    see: (match) => (mayMakeReaders((match[1] as string).toLowerCase()) ? { name: 'usb-device', vendor: (match[1] as string).toLowerCase() } : null),
  },
  // YubiKeys without their smart-card interface have product numbers of their own (Yubico, "USB ID values"), and some keys never have one (libnitrokey data/41-nitrokey.rules).
  { kind: 'usb', needles: ['ID 1050:', 'ID 20a0:', 'idVendor=1050', 'idVendor=20a0', 'VID: 0x1050', 'VID: 0x20A0'], pattern: USB_ID, see: (match) => kindOfKey(`${match[1]}:${match[2]}`) },
  {
    kind: 'usb',
    needles: ['Cls=0b', 'Chip/SmartCard', 'bInterfaceClass'],
    pattern: /Cls=0b\b|Chip\/SmartCard|bInterfaceClass\s+11\b/,
    see: () => ({ name: 'usb-device', vendor: 'class 0b' }),
  },
  {
    kind: 'usb',
    needles: ['Product: ', 'YubiKey OTP', 'Smart Card Reader', 'SmartCard Reader', 'Nitrokey'],
    pattern: /Product: .*(?:yubikey|reader|smart ?card|nitrokey|ccid|token)|ID [0-9a-f]{4}:[0-9a-f]{4} .*(?:yubikey|reader|smart ?card|nitrokey|token)/i,
    see: () => ({ name: 'usb-device', vendor: 'named' }),
  },
  // Anything on the bus but hubs: who pastes the listing beside a missing reader means one of these.
  { kind: 'usb', needles: ['Device 0', 'Device 1'], pattern: /\bBus \d{3} Device \d{3}: ID (?!1d6b)[0-9a-f]{4}:[0-9a-f]{4}/i, see: () => ({ name: 'usb-listed' }) },
  plain('environment', { name: 'fedora' }, ['Fedora', 'Silverblue', 'Bluefin', 'Bazzite', ' RHEL ', 'Red Hat'], /\bFedora\b|Silverblue|\bBluefin\b|\bBazzite\b|\bRHEL\b|Red Hat/i),
  plain('environment', { name: 'bsd' }, ['OpenBSD', 'FreeBSD', 'NetBSD', 'DragonFly', 'pkg_add '], /\b(?:Open|Free|Net)BSD\b|DragonFly ?BSD|\bpkg_add\b/i),
  plain('environment', { name: 'ubuntu-22.04' }, ['Ubuntu 22.04', 'Ubuntu 22 ', 'Jammy Jelly', '22.04.'], /\bUbuntu(?: Linux)? 22(?:\.04)?\b|Jammy Jelly/i),
  // Not what systemd tells of itself at each start: the features it was built with, +SECCOMP and +P11KIT among them.
  plain('sandbox', { name: 'sandbox-denied' }, ['apparmor="DENIED"', 'avc:  denied', 'avc: denied', 'AVC avc', 'snap-confine', 'seccomp', 'bwrap: '], /^(?!.*permissive=1|.*[+-](?:APPARMOR|SECCOMP)\b).*(?:pcsc|smart ?card|\/dev\/bus\/usb|scdaemon|gnupg|ccid|p11|pkcs11|hidraw)/i),
  plain('sandbox', { name: 'sandbox-app' }, ['snap connect', 'snap connections', 'pcscd interface', 'flatpak override', '--socket=pcsc', 'sockets=pcsc', 'socket=gpg-agent', 'snappy-debug'], /pcsc|raw-usb|u2f|smart ?card|gpg-agent/i),
  { kind: 'environment', needles: ['snap connect', 'snap logs ', 'snap info ', ' snap ', ' snap)', ' snap,', ' snap.', '-snap ', 'snapd ', 'snapped ', 'Snapcraft', '="snap.', ' /snap/', '/snap/bin', '"/snap/', '=/snap/', 'snap run', ' (snap)', 'snap list', 'the snap', ' a snap', 'as snap', 'snap version', 'snap package', 'snap install', 'from snap', 'via snap', 'snap program', 'snap restart', ' snap app', 'Snap store', '--devmode', ': Snap', 'Ubuntu Core '], pattern: /\/snap\/|Ubuntu Core \d|snap run|snap\.[\w-]+\.|\(snap\)|\bsnap(?:craft|d|ped)?\b|--devmode/i, see: () => ({ name: 'environment', is: 'snap' }) },
  { kind: 'environment', needles: ['flatpak', 'flatseal', '/app/lib', '/app/bin', '.var/app', 'flathub'], see: () => ({ name: 'environment', is: 'flatpak' }) },
  { kind: 'environment', needles: ['firejail', 'bubblewrap', 'noblacklist', '--noprofile'], see: () => ({ name: 'environment', is: 'firejail' }) },
  { kind: 'environment', needles: ['AppImage', '/tmp/.mount_'], see: () => ({ name: 'environment', is: 'appimage' }) },
  { kind: 'environment', needles: ['microsoft-standard', 'usbipd-win', '/windows/wsl', 'wsl-kernel', ' in WSL', ' on WSL', ' to WSL', 'under WSL', 'inside WSL', 'within WSL', 'WSL2 on', 'WSL bash', '(WSL2)', ' WSL 2', ' WSL2 ', 'WSL2: ', 'Subsystem for Linux', 'wsl --', 'wsl attach', 'wsl list', 'wsl.exe', '/mnt/c/', 'wsl.conf', 'usbipd '], see: () => ({ name: 'environment', is: 'wsl' }) },
  plain('environment', { name: 'wsl-systemd' }, ['systemd = true', 'systemd=true']),
  { kind: 'environment', needles: ['Qubes ', 'qubes-', '/qubes', 'QubesOS', 'sys-usb', 'usb-import'], see: () => ({ name: 'environment', is: 'vm' }) },
  {
    kind: 'environment',
    // Said to be where the program runs; what the machine is handed is another thing.
    needles: ['Hyper-V', 'Hypervisor', ' a VM ', ' a VM.', ' a VM,', ' a VM)', 'the VM', ' my VM', 'virtual machine', 'detected virtualization', 'VirtualBox', 'VMware', 'Parallels', 'Proxmox', ' guest ', 'virt-manager', 'enhanced session'],
    pattern: /\b(?:in|inside|within|on|under|from)\s(?:\w+\s){0,3}(?:VM|virtual machine|guest(?: OS| system)?|VirtualBox|VMware|Parallels|Hyper-V|Proxmox|QEMU|KVM)\b|\bguest (?:OS|system|VM|machine|does|can|has|is)\b|enhanced session|detected virtualization|Hypervisor vendor/i,
    see: () => ({ name: 'environment', is: 'vm' }),
  },
  // WSL 1 translates system calls and has no USB; usbipd attaches to WSL 2 only, which came with build 18362.
  plain('environment', { name: 'wsl-1' }, [' WSL 1', ' WSL1 ', '(WSL1)', '(WSL 1', ' WSL1.', ' WSL1,', 'Windows [Version 10.0.1', '-Microsoft '], /\bWSL ?1\b|Windows \[Version 10\.0\.1[0-7]\d{3}\.|-Microsoft\b/),
  { kind: 'environment', needles: ['docker', 'podman', 'distrobox', 'toolbox enter', '/.dockerenv', 'kubepods', 'containerd', 'lxc-start', 'systemd-nspawn', 'devcontainer'], see: () => ({ name: 'environment', is: 'container' }) },
  // A desktop elsewhere: its session has no seat.
  plain('environment', { name: 'session-remote' }, [' xrdp ', 'over RDP', 'via RDP', 'through RDP', 'using RDP', 'RDP session', 'RDP connection', 'remote desktop', 'over VNC', 'via VNC', 'VNC session', 'AnyDesk', 'TeamViewer', 'NoMachine'], /\b(?:over|via|through|using|in|into|inside|within|from) (?:an? |the |my )?(?:xrdp|RDP|remote desktop|VNC|AnyDesk|TeamViewer|NoMachine)\b|\b(?:xrdp|RDP|remote desktop|VNC) (?:session|connection)s?\b/i),
  plain('environment', { name: 'session-remote' }, ['Remote=yes', 'SSH_CONNECTION', 'SSH_TTY', 'Remote=1'], /Remote=(?:yes|1)|SSH_CONNECTION=|SSH_TTY=|ssh -X/),
  plain('environment', { name: 'session-inactive' }, ['Active=no', 'seat=null', 'local=false', 'active=false', 'State=closing'], /Active=no|seat=null|local=false active=false/),
  plain('usb', { name: 'udev-rule' }, ["Unknown group '", "Unknown user '", 'udev_rules_apply_to_event', 'SUBSYSTEM==', 'SUBSYSTEMS==', 'uaccess', 'ATTRS{idVendor}', 'ATTR{idVendor}'], /\bUnknown (?:group|user) '\w+',? ignoring|uaccess|MODE[:=]|GROUP[:=]|udev_rules_apply_to_event: (?:MODE|GROUP|OWNER) /),
  // macOS
  plain('macos', { name: 'macos-ctk' }, ['ctkpcscd', 'CryptoTokenKit', 'pivtoken', ' _tokend', '.tokend', 'securityd', 'sc_auth', 'com.apple.security.smartcard DisabledTokens', ' ctkd ', ' ctkd: ']),
  plain('macos', { name: 'macos-ctk-refused' }, ['slot refused', 'session is not active', 'exclusive session', 'TKSmartCard', 'beginSession'], /slot refused|exclusive session|session is not active|(?:TKSmartCard(?!ATR)|beginSession|\bctk\w*)\b.{0,200}(?:fail|error|refus|denied|busy|in use|not active|exclusive)/i),
  plain('macos', { name: 'macos-driver-switch' }, ['useIFDCCID']),
  plain('macos', { name: 'macos-apple-driver' }, ['usbsmartcardreaderd', 'com.apple.usbsmartcardreaderd', 'com.apple.ifdreader.slot', 'AppleUSBSmartCard', ' Sonoma', 'macOS Sequoia', 'Sequoia 15', 'macOS Tahoe']),
  plain('macos', { name: 'macos-driver-stuck' }, ['com.apple.ifdreader'], /already in use|terminating|exited|crash|hang|Exited with|SIGSEGV|abnormal/i),
  plain('macos', { name: 'macos-driver-stuck' }, ['com.apple.ctkpcscd', 'securityd', 'pcscd (com.apple'], /crash|hang|stuck|respring|Exited with abnormal|SIGABRT|assert/i),
  plain('macos', { name: 'macos-reader-listed' }, ['SPSmartCardsDataType', 'Reader Drivers:', 'smartcardccid:', 'SmartCard Drivers:', 'Available SmartCards']),
  { kind: 'version', needles: ['ProductVersion', 'macOS 1', 'macOS 2', 'Mac OS X 10', 'smartcardccid:'], pattern: /(?:ProductVersion:?\s+|macOS (?:\w+ )?|Mac OS X )(\d+(?:\.\d+)*)/, see: (match) => ({ name: 'version', of: 'macos', version: match[1] as string }) },
  { kind: 'environment', needles: ['Crypto Token Kit', 'x86_64-darwin', 'aarch64-darwin', 'nix-darwin', 'Darwin Kernel', 'com.apple', '/Library/', 'Homebrew', '/opt/homebrew', '/usr/local/Cellar', '.dylib ', '.dylib"', '.dylib:', 'macOS 1', 'macOS 2', 'on macOS', 'Mac OS X', ' OS X ', ' MacOSX', 'on OSX', 'Big Sur', 'Monterey', 'Catalina', 'Mojave', ' Sierra', 'Yosemite', 'El Capitan', 'Ventura', 'Sonoma', 'macOS Sequoia', 'Sequoia 15', 'Apple Silicon', 'MacBook', 'pcsctest', 'supported by device', '/Users/'], see: (_, text) => (WORKS_ON_MAC.test(text) ? null : { name: 'environment', is: 'macos' }) },
  { kind: 'environment', needles: ['C:\\Users', 'C:\\Program', 'gpg.exe', 'scdaemon.exe', 'Gpg4win', 'Windows Hello', 'PowerShell', 'winscard.dll', 'src\\device', 'Git for Windows', 'Microsoft Windows [Version', 'SCardSvr', 'certutil', 'Microsoft Smart Card Resource Manager'], see: () => ({ name: 'environment', is: 'windows' }) },
  plain('pkcs11', { name: 'nss-module' }, ['onepin-opensc-pkcs11', 'pkcs11.txt', '.pki/nssdb', ':/nssdb', 'security_pkcs11', 'p11-kit-proxy', 'modutil', 'Security Devices', 'opensc-pkcs11.so', 'pkcs11-register', 'p11-kit list-modules', 'opensc.module', 'onepin module', 'OpenSC smartcard framework', 'opensc module', 'pkcs11 module', 'PKCS#11 module'], /onepin-opensc-pkcs11|unload|smartcard framework|library=|name=|pkcs11\.txt|nssdb|modutil|Security Devices|proxy|register|module/i),
  sound('systemd', 'pcscd runs', ['Active: active (running)']),
  harmless('kernel', 'a program set the configuration of a composite device, another interface of which has a driver of its own', ['claimed by usbhid while', 'claimed by usb-storage while'], /usbfs: interface \d+ claimed by \S+ while '[^']+' sets config/),
];
