import { parseCode } from '../../pcsc/codes.ts';
import { failureNames } from './codes.ts';
import { libusbNumbers, usbFailed } from './libusb.ts';
import type { Observation } from '../observation.ts';
import { harmless, plain, reassuring, type Sign, sound } from '../sign.ts';

type UsbOp = Extract<Observation, { name: 'usb-failed' }>['op'];
/** libccid's own words for a failed libusb call (CCID ccid_usb.c), and those of pcscd's hotplug code. */
const usbOps: readonly (readonly [RegExp, UsbOp])[] = [
  [/claim interface/i, 'claim'],
  [/libusb_open|USB open/i, 'open'],
  [/set configuration|config descriptor|device descriptor|device config/i, 'configure'],
  [/InterruptRead|Multi_|PollingProc|interrupt|submit_transfer|handle_events/i, 'interrupt'],
  [/write failed|control failed/i, 'write'],
  [/read failed/i, 'read'],
  [/libusb_init/i, 'init'],
];

function seeUsb(match: RegExpExecArray, text: string): Observation | null {
  const error = (match[0] as string).toUpperCase().replace('LIBUSB_TRANSFER_NO_DEVICE', 'LIBUSB_ERROR_NO_DEVICE');
  const op = usbOps.find(([pattern]) => pattern.test(text))?.[1];
  if (op === undefined) return { name: 'usb-failed', op: 'open', error };
  return { name: 'usb-failed', op, error };
}

/** pcscd's drivers live here by the distribution's own build: when it is missing, nobody installed a driver. */
const DISTRIBUTION_DRIVERS = /^\/usr\/lib(?:64|\/[\w-]+)?\/(?:pcsc\/drivers|readers\/usb)/;

export const pcscdSigns: readonly Sign[] = [
  plain('pcscd', { name: 'pcscd-reader-exclusive' }, ['Error Reader Exclusive']),
  {
    kind: 'pcscd',
    // Text result since 1.9.9, number before (winscard_svc.c).
    needles: ['SCARD_E_', 'SCARD_W_', 'SCARD_F_', ...failureNames, 'rv=0x80100'],
    pattern: /\b(?:(\w+) for client \d+, rv=(?:0x)?(\w+)|(\w+),? rv=(0x[0-9a-f]+|SCARD_\w+) for client)/i,
    see: (match) => {
      const code = parseCode((match[2] ?? match[4]) as string) ?? parseCode(`0x${match[2] ?? ''}`);
      return code === null || code === 0 ? null : { name: 'pcsc-code', code, by: 'pcscd', call: (match[1] ?? match[3]) as string };
    },
  },
  // The second is libpcsclite's, of a daemon from before versions were told.
  plain('pcscd', { name: 'pcscd-protocol-mismatch' }, ['protocol mismatch', 'does not support CMD_VERSION'], /Communication protocol mismatch|CMD_VERSION/i),
  plain('pcscd', { name: 'pcscd-backward-compatible' }, ['backward compatibility']),
  {
    kind: 'pcscd',
    needles: ['Client protocol is', 'Server protocol is', 'Client is protocol version'],
    pattern: /(Client|Server) (?:is )?protocol (?:is |version )?(\d+):(\d+)/i,
    see: (match) => {
      const spoken: Observation = { name: 'pcscd-protocol', side: /client/i.test(match[1] as string) ? 'client' : 'server', minor: Number(match[3]) };
      // "… protocol is" is written of versions that differ only, "Client is protocol version" of every client (winscard_svc.c).
      return /protocol is/i.test(match[0]) ? [spoken, { name: 'pcscd-protocol-mismatch' }] : spoken;
    },
  },
  {
    kind: 'polkit',
    needles: ['NOT authorized for action'],
    pattern: /\(user: (\d+)\) is NOT authorized for action: ([\w.-]+)/i,
    see: (match) => {
      const user = Number(match[1]);
      const refused: Observation = { name: 'polkit-refused', user, action: match[2] as string };
      // 65534 is nobody: pcscd runs in a user namespace that hides who asks (PrivateUsers=yes in 2.3.2's unit).
      return user === 65534 ? [refused, { name: 'polkit-nobody' }] : refused;
    },
  },
  plain('polkit', { name: 'polkit-refused', user: -1, action: 'access_pcsc' }, ['NOT authorized for action']),
  plain('pcscd', { name: 'pcscd-rejected-client' }, ['Rejected unauthorized', 'Client failed to authenticate']),
  plain('polkit', { name: 'polkit-unreachable' }, ['polkit_authority_get_sync failed', 'Error initializing authority', 'polkit_unix_process_new_for_owner failed', 'polkit_details_new failed']),
  plain('polkit', { name: 'polkit-unreachable' }, ['Error in authorization'], /NameHasNoOwner|ServiceUnknown|Connection refused|Timeout was reached|No such file or directory.*socket|NoReply|Could not (?:activate|connect)|Launch helper/i),
  // polkit answered: it has not read pcsc-lite's policy.
  plain('polkit', { name: 'polkit-action-unknown' }, ['is not registered'], /action org\.debian\.pcsc-lite\.\w+ is not registered/i),
  plain('polkit', { name: 'polkit-proc-hidden' }, ['Error in authorization', 'IsClientAuthorized'], /\/proc\/\d*|process \d+.*(?:not exist|No such)|Cannot determine|Error getting (?:uid|user|process)|uid of (?:subject|process)|UnixProcess|GDBus\.Error:org\.gtk\.GDBus\.UnmappedGError/i),
  // Told: no polkit where pcscd asks for it.
  plain('polkit', { name: 'polkit-absent-told' }, ['polkit'], /\b(?:no|without)\b(?: \w+){0,3} (?:polkit|policykit)\b[^.]*\b(?:container|image|docker|podman|pod)\b|\b(?:container|image|docker|podman|pod)\w*\b[^.]*\b(?:no|without|lacks?|has no)\b(?: \w+){0,3} (?:polkit|policykit)\b/i),
  plain('polkit', { name: 'hidepid' }, ['hidepid=', 'ProtectProc='], /hidepid=(?:[124]|noaccess|invisible|ptraceable)|ProtectProc=(?:invisible|noaccess|ptraceable)/),
  plain('polkit', { name: 'polkit-refused', user: -1, action: 'access_pcsc' }, ['org.debian.pcsc-lite'], /not authorized|denied|AuthorizationFailed|NotAuthorized|auth_admin|failed to authenticate/i),
  plain('polkit', { name: 'polkit-rule' }, ['org.debian.pcsc-lite'], /action\.id|allow_(?:any|inactive|active)|\.rules|rules\.d|pkaction|pkcheck/),
  {
    kind: 'pcscd',
    needles: ['PC/SC drivers directory', 'pcsc drivers directory'],
    pattern: /Cannot open PC\/SC drivers directory:?\s*(\S+)|No bundle files in pcsc drivers directory:?\s*(\S+)/i,
    see: (match) => {
      const path = (match[1] ?? match[2]) as string;
      if (match[1] === undefined) return DISTRIBUTION_DRIVERS.test(path) ? { name: 'pcscd-no-drivers' } : [{ name: 'pcscd-no-drivers' }, { name: 'driver-directory', path }];
      return DISTRIBUTION_DRIVERS.test(path) ? { name: 'pcscd-no-drivers' } : [{ name: 'pcscd-drivers-directory-missing' }, { name: 'driver-directory', path }];
    },
  },
  plain('pcscd', { name: 'pcscd-no-drivers' }, ['Disabling USB support for pcscd']),
  plain('pcscd', { name: 'pcscd-reader-not-found' }, ['Not Found'], /SCardConnect\(\)|Reader .+ Not Found/),
  plain('pcscd', { name: 'pcscd-lock-wait' }, ['Waiting for release of lock']),
  plain('pcscd', { name: 'pcscd-lock-released' }, ['Lock released']),
  plain('pcscd', { name: 'pcscd-second' }, ['seems to be running', 'another pcscd', 'second pcscd', 'two pcscd', 'pcscd in', 'pcscd of', 'pcscd from', 'own pcscd', 'instances of pcscd'], /(?:another|second|two) (?:instances? of )?pcscd|pcscd (?:instance |process |daemon )?(?:with)?in(?:side)? (?:of )?(?:the |a |its )?(?:snap|container|flatpak|docker)|(?:snap|container|flatpak)\S*(?: \w+){0,6} own pcscd|instances of pcscd/i),
  // snapd names what a snap starts after the snap and the program in it.
  plain('systemd', { name: 'pcscd-of-snap' }, ['.pcscd[', '.pcscd.service'], /\b[\w-]+\.pcscd(?:\[\d+\]|\.service)/),
  plain('pcscd', { name: 'pcscd-too-many-contexts' }, ['Too many context', 'Too many handles opened', 'Too many card handles']),
  plain('pcscd', { name: 'pcscd-reader-limit' }, ['Max number of readers reached', 'does not support more than', 'ReaderIndex[] is full']),
  // A driver of version 2.0 has no IFDHCreateChannelByName; pcscd asks, and loads it all the same (readerfactory.c, RFBindFunctions).
  plain('pcscd', { name: 'pcscd-driver-unloadable' }, ['Error with library', 'RFLoadReader failed', 'undefined symbol', 'wrong ELF class', 'DYN_LoadLibrary', 'cannot open shared object', 'IFDHandler functions missing', 'IFD Handler not 1.0', 'RFBindFunctions failed'], /^(?!.*(?:IFDHCreateChannelByName|apdu_open_reader)).*(?:drivers?|ifd|libccid|RFLoadReader|RFBindFunctions|DYN_LoadLibrary|IFDHandler|IFD Handler|\.bundle|Error with library).*(?:cannot open|undefined|wrong ELF|failed|missing|: |not 1\.0)/i),
  // The description of a driver, which pcscd and libccid both read: without it the library beside it is not used.
  plain('pcscd', { name: 'pcscd-driver-unloadable' }, ['Could not open bundle file', 'Corrupted bundle file', 'Error parsing /', 'Value/Key not defined for', 'Failed to parse Info.plist'], /bundle file|(?:Error parsing|parse Info\.plist of|not defined for \w+ in) \S*\.bundle\b/i),
  plain('pcscd', { name: 'pcscd-configuration-broken' }, ['tok_error', 'Error initializing pcscd', 'Remove OpenCT and try again', 'invalid directory', 'remove the DEVICENAME line'], /tok_error|Error initializing pcscd|Remove OpenCT|invalid directory|DEVICENAME line/i),
  plain('pcscd', { name: 'pcscd-socket-absent' }, ['pcscd.comm', 'connect to pcscd', 'pcscd.pub'], /No such file|Connection refused|ENOENT|ECONNREFUSED|cannot access|not found|does not exist/i),
  // The directory is everybody's to enter, the socket everybody's to write: what refuses is a policy, or other rights of the directory.
  plain('pcscd', { name: 'pcscd-socket-denied' }, ['pcscd.comm'], /pcscd\.comm\b.{0,60}(?:Permission denied|Operation not permitted|EACCES|EPERM)/i),
  plain('pcscd', { name: 'pcscd-hotplug-broken' }, ['udev_monitor_new_from_netlink', 'udev_new() failed', 'HPRegisterForHotplugEvents failed', 'udev_monitor_enable_receiving', 'udev_monitor_get_fd() error', 'udev_monitor_filter_add_match']),
  // pcscd --hotplug, which signals the one that runs.
  plain('pcscd', { name: 'pcscd-socket-absent' }, ['Hotplug failed', 'pcscd.pid do not exist'], /^(?!.*HPRegister)/),
  // pcscdaemon.c and winscard_msg_srv.c, before the daemon is ready.
  plain('pcscd', { name: 'pcscd-died' }, [' common socket: ', 'Passed FD is not', 'Too many file descriptors received', 'cannot create /', ':main() cannot', ":main() can't", ':main() could not', ':main() unable to', ':main() fail', 'SVCServiceRunLoop returned'], /:main\(\) (?:[Cc]annot|[Cc]an't|[Cc]ould not|[Uu]nable to|[Ff]ail)|Unable to \w+ common socket|Passed FD is not an UNIX|file descriptors received|cannot create (?:\/var)?\/run\/pcscd\b|SVCServiceRunLoop/),
  reassuring('pcscd', { name: 'pcscd-reader-added' }, ['Adding USB device', 'Using the pcscd polling', 'Attempting startup of']),
  plain('pcscd', { name: 'pcscd-reader-failed' }, ['init failed', 'Failed adding USB device', 'Initial Check Failed', 'Open Port'], /^(?!.*\bC_\w+Init failed).*(?:init failed|Failed adding USB|Initial Check Failed|Open Port .* Failed)/i),
  reassuring('pcscd', { name: 'pcscd-ready' }, ['daemon ready', 'Started pcscd.service', 'Started PC/SC Smart Card Daemon'], /daemon ready|Started/),
  reassuring('pcscd', { name: 'pcscd-card-inserted' }, ['Card inserted into', 'Card ATR: ']),
  reassuring('pcscd', { name: 'pcscd-authorized' }, ['Authorized PC/SC client']),
  plain('pcscd', { name: 'pcscd-died' }, ['pcscd[1', 'segfault at'], /(?:pcscd|ccid).*segfault|segfault.*(?:pcscd|ccid)/),
  // Before udev pcscd asked HAL for devices, and ended without it (hotplug_libhal.c).
  plain('pcscd', { name: 'pcscd-died' }, ['connection to hald', 'HAL daemon (hald)'], /hotplug_libhal|hald\) is not running/),
  plain('pcscd', { name: 'pcscd-told-to-end' }, ['Received signal: 15', 'Received signal: 2', 'Direct suicide', 'Preparing for suicide', 'Stopping PC/SC Smart Card Daemon']),
  harmless('pcscd', 'pcscd was told to end; some releases then leave with status 1', ['Direct suicide']),
  plain('pcscd', { name: 'card-mute' }, ['Error powering up card', 'Card Not Powered', 'Card absent or mute', 'Card is mute', 'PowerUp failed', 'Card is unpowered']),
  plain('pcscd', { name: 'reader-slot-taken' }, ['already in use', 'is already used', 'USB driver with'], /(?:USB driver with (?:index|lun)|Lun:) ?\S+ (?:is )?already (?:in use|used)/i),
  plain('libccid', { name: 'reader-firmware-bogus' }, ['is bogus! Upgrade', 'is bogus!']),
  plain('libccid', { name: 'reader-protocol-refused' }, ['Protocol not supported', 'not supported by reader', 'requested but unsupported by the card'], /CCID_Receive.*Protocol not supported|Protocol T=\S+ (?:not supported|requested)/i),
  plain('libccid', { name: 'reader-reports-error' }, ['Procedure byte', 'CCID_Receive ', 'Parity error', 'Overrun error', 'Unknown CCID error', 'Command not supported or not allowed', 'commands.c:', 'Not enough data received', "Can't read all data", 'bResponseType', 'duplicate frame detected', 'PPS_Exchange Failed', 'T0CmdParsing failed', 'Extra field has a wrong length', 'find the device descriptor for', 'find a CCID interface', 'ICC Data Block failed: empty', 'ACR85 PICC not found'], /Unrecognized Procedure byte|Not enough data received|Can't read all data|Unknown bResponseType|duplicate frame|PPS_Exchange Failed|T0CmdParsing|Extra field has a wrong|device descriptor for \d|find a CCID interface|empty response|PICC not found|CCID_Receive(?:\(\))? (?!Card absent)|Procedure byte conflict|commands\.c:\d+:Cmd(?!Escape)\w+(?:\(\))? (?:Command not supported|error on byte|Wrong|Invalid|Parity|Overrun|Busy|Unknown)/),
  // Said of every transmit that failed in the driver, by the reader's fault, the cable's or the card's.
  plain('libccid', { name: 'transmit-failed' }, ['Card not transacted', 'Error communicating to: ', 'state machine is DEAD', 'transmit/receive failed'], /state machine is DEAD|transmit\/receive failed|(?:Transmit\w*|IFDStatusICC|IFDPowerICC)\(\) Card not transacted(?!: 617)|Error communicating to: \S/),
  // ifdhandler.h, IFD_NO_SUCH_DEVICE.
  { kind: 'libccid', needles: ['Card not transacted'], pattern: /Card not transacted: 617\b/, see: () => [{ name: 'reader-vanished' }, { name: 'usb-failed', op: 'read', error: 'LIBUSB_ERROR_NO_DEVICE' }] },
  plain('libccid', { name: 'reader-apdu-limit' }, ['Command too long', 'xtended APDU', 'Reader is NOT in TPDU', 'dwMaxCCIDMessageLength', 'Can\'t set reader in ISO', 'only short APDU', 'short APDU only'], /Command too long|xtended APDU.*(?:not|un)|max: \d+ bytes|dwMaxCCID|ISO mode|short APDU/i),
  plain('libccid', { name: 'reader-vanished' }, ['LIBUSB_ERROR_NO_DEVICE', 'LIBUSB_TRANSFER_NO_DEVICE']),
  {
    kind: 'libccid',
    needles: ['LIBUSB_ERROR', 'LIBUSB_TRANSFER_NO_DEVICE'],
    pattern: /LIBUSB_(?:ERROR|TRANSFER)_\w+/i,
    see: seeUsb,
  },
  {
    kind: 'libccid',
    // Old releases print libusb's number, and a text of strerror beside it that means nothing.
    needles: ['write failed (', 'read failed ('],
    pattern: /(write|read) failed \(\d+\/\d+\): (-\d+)(?! LIBUSB)/,
    see: (match) => usbFailed(match[1] as 'write' | 'read', libusbNumbers.get(match[2] as string)),
  },
  {
    kind: 'libccid',
    // libnfc, pyusb and usbfs itself, in the words of strerror.
    needles: ['Unable to claim USB interface', 'could not claim interface', 'claim interface', 'usb_claim_interface', 'claim_interface', 'Errno 16', 'Errno 13', 'claimed by'],
    pattern: /(?:claim\w{0,20}[ _](?:USB )?interface|USBError|\bnfc\w{0,10}\b.{0,40}Errno|interface \d+ (?=claimed by (?!usbhid|usb-storage|uas|cdc|snd)\w)).{0,300}?(Device or resource busy|Resource busy|claimed by|Permission denied|Operation not permitted|Access denied)/i,
    see: (match, text) => {
      if (/busy|claimed/i.test(match[1] as string)) return { name: 'usb-failed', op: 'claim', error: 'LIBUSB_ERROR_BUSY' };
      // EPERM is what usbfs answers where the node could be opened for reading only; pyusb opens when it claims.
      return { name: 'usb-failed', op: /permitted/i.test(match[1] as string) || /USBError|Errno 1[39]/.test(text) ? 'open' : 'claim', error: 'LIBUSB_ERROR_ACCESS' };
    },
  },
  // gnuk_token.py in nitropy: every candidate could be opened and none claimed.
  { kind: 'libccid', needles: ['Found only busy ICC'], see: () => ({ name: 'usb-failed', op: 'claim', error: 'LIBUSB_ERROR_BUSY' }) },
  { kind: 'libccid', needles: ["Can't claim interface"], pattern: /Can't claim interface \d+\/\d+: (?!LIBUSB)(.+)/, see: () => ({ name: 'usb-failed', op: 'claim', error: 'LIBUSB_ERROR_BUSY' }) },
  {
    kind: 'pcscd',
    needles: ['Looking for a driver for VID', 'Found Vendor/Product'],
    pattern: /VID: 0x([0-9a-f]{4}), PID: 0x([0-9a-f]{4})|Product: ([0-9a-f]{4})\/([0-9a-f]{4})/i,
    see: (match) =>
      match[1] === undefined ? { name: 'pcscd-reader-added' } : { name: 'driver-lookup', vendor: match[1].toLowerCase(), product: (match[2] as string).toLowerCase() },
  },
  { kind: 'version', needles: ['pcsc-lite version', 'pcsc-lite-', 'pcsc-lite '], pattern: /pcsc-lite(?: version|-libs)?[ -](\d+\.\d+(?:\.\d+)?)/, see: (match) => ({ name: 'version', of: 'pcsc-lite', version: match[1] as string }) },
  // What a package manager installs was not there before.
  { kind: 'version', needles: ['Driver version:', 'libccid', 'ccid 1.', 'ccid-1.', 'ccid v1.', 'ccid version'], pattern: /^(?!.*(?:Packages \(|Setting up|Installing|>>> |apt(?:-get)? install)).*?(?:Driver version: |\b(?:lib|pcsc-lite-)?ccid(?: version)?:?[ _-]+v?)(\d+\.\d+\.\d+)/i, see: (match) => ({ name: 'version', of: 'libccid', version: match[1] as string }) },
  {
    kind: 'version',
    needles: ['usbdropdir='],
    pattern: /usbdropdir=(\S+)/,
    see: (match) => (DISTRIBUTION_DRIVERS.test(match[1] as string) ? { name: 'sound', what: 'pcscd is the distribution\'s' } : { name: 'driver-directory', path: match[1] as string }),
  },
  plain('version', { name: 'reader-table-48' }, ['PCSCLITE_MAX_READERS_CONTEXTS'], /MAX_READERS_CONTEXTS\D+(?!16\b)\d+/),
  plain('version', { name: 'local-build' }, ['/usr/local/'], /\/usr\/local\/(?:etc\/reader\.conf|lib\S*pcsc|sbin\/pcscd)/),
  plain('version', { name: 'library-bundled' }, ['libpcsclite', 'pcsc-lite', 'pcsclite'], /\b(?:two|both|second|another|old|older|wrong|other|mismatched)\s+(?:(?:versions?|copies|instances?) of\s+)?(?:the\s+)?(?:lib)?pcsc-?lite|(?:bundl|ship|static|vendor|\bits own|hard-?cod)[^.]{0,70}pcsc-?lite|pcsc-?lite[^.]{0,40}(?:bundl|static|vendored|(?:in|inside|within|of) the (?:flatpak|snap|appimage|container))/i),
  plain('driver', { name: 'bundle-listed' }, ['ifd-ccid.bundle', 'libccid.so', 'drivers/serial'], /bundle|libccid/),
  sound('pcscd', 'pcscd started and waits for clients', ['daemon ready']),
  harmless('libccid', 'a composite device has interfaces that are no smart-card reader; libccid looks at each and takes the right one', ['Found interface', 'Wrong interface for USB device', 'found other interface'], /Found interface \d+ but expecting|Wrong interface|found other interface/),
  harmless('libccid', 'libccid asks the reader for optional features; those it lacks are reported so', ['GET_FIRMWARE_FEATURES failed', 'Device not found?', 'IFD does not support GET_DATA_RATES', 'no default protocol found in ATR']),
  harmless('pcscd', 'the reader does not know an optional control command; programs ask for its features so', ['Card not transacted'], /IFDControl\(\) Card not transacted/),
  harmless('pcscd', 'pcscd ends by itself a minute after its last client and is started again by its socket', ['pcscd.service: Deactivated successfully', 'pcscd.service: Succeeded']),
  harmless('pcscd', 'the unit names a variable for extra options that nobody set', ['Referenced but unset environment variable']),
  harmless('pcscd', 'pcscd looks for the process number of an earlier pcscd and finds none: that is the normal start', ['GetDaemonPid'], /GetDaemonPid\(\) Can't open .*No such file/),
  harmless('pcscd', 'the directory entries . and .. are no reader configurations', ['Skipping non regular file']),
];
