import { type CauseRule, decides, excludes, supports } from '../cause.ts';
import { atLeast } from '../clause.ts';
import {
  accessRefused, anyoneGot, both, ccidWithin, clientGot, either, gpgFails, gpgReachesNoCard, gnupgWithin, gpgSays, inContainer, interfaceBusy, inWsl, killed, NO_READERS, noReader, onlyTold, onMac, option, optionCures, otherFails, pcscWithin, present, readerSeen, scdaemonGot, SECURITY_VIOLATION,
  seen, UNAVAILABLE, unitIs, UNKNOWN_READER, unless, UNRESPONSIVE, VIOLATION,
} from './queries.ts';

/** What scdaemon finds is then what pcscd has, and says nothing of its own driver. */
const gpgGoesThroughPcsc = either(option('disable-ccid'), seen('scdaemon-pcsc-failed'));
const noService = [excludes(3, gpgSays('no-service', 'no-daemon', 'no-agent'), 'this fails before any reader is looked for'), excludes(3, anyoneGot(0x8010001d, 0x8010001e), 'the PC/SC service itself was not usable')];
const gpgHere = either(gpgFails, present('scdaemon'), option('disable-ccid', 'pcsc-shared', 'reader-port'), seen('pcsc-code', ({ by }) => by === 'gpg'));
const lock = either(clientGot(VIOLATION), seen('pcscd-reader-exclusive'));
const otherFailsByLock = unless(lock, interfaceBusy);
const sharing = either(lock, scdaemonGot(VIOLATION));
const usbLost = seen('usb-failed', ({ error }) => error.includes('NO_DEVICE'));
const usbError = seen('usb-failed', ({ error }) => /_IO\b|PIPE|TIMEOUT|OVERFLOW|OTHER/.test(error));

export const usbRules = {
  'ccid-vs-pcscd': {
    clauses: [
      supports(3, both(interfaceBusy, gpgHere), 'the USB interface is claimed already, and gpg\'s own driver is one that claims it'),
      supports(2, interfaceBusy, 'the USB interface is claimed already'),
      supports(3, both(seen('scdaemon-uses-usb'), either(interfaceBusy, seen('pcscd-reader-failed'))), 'scdaemon drives a reader over USB while pcscd cannot claim one'),
      supports(2.4, unless(both(seen('scdaemon-usb-open-failed'), gpgReachesNoCard), accessRefused), 'scdaemon\'s own driver could not open the reader'),
      supports(1.4, seen('scdaemon-usb-open-failed'), 'scdaemon\'s own driver could not open the reader'),
      supports(1.6, unless(gpgReachesNoCard, seen('gpg-failed', ({ era }) => era === 'before-2.2.20'), onMac), 'gpg 2.3 and later try their own driver only and do not fall back to pcscd'),
      supports(0.5, seen('gpg-failed', ({ reason, era }) => reason === 'no-device' && era === 'before-2.2.20'), 'gpg reached no card'),
      supports(1.5, seen('gpg-failed', ({ reason, apple, era }) => reason === 'no-device' && apple && era !== 'before-2.2.20'), 'on macOS the system\'s driver has every reader, and gpg 2.3 and later do not fall back'),
      supports(1.2, both(gpgReachesNoCard, readerSeen), 'pcscd has the reader gpg cannot reach'),
      supports(1.2, unless(both(gpgReachesNoCard, option('reader-port', 'card-timeout', 'debug-level', 'log-file', 'pcsc-driver')), option('disable-ccid')), 'the configuration does not turn gpg\'s own driver off'),
      supports(1.5, both(gpgReachesNoCard, seen('after-upgrade')), 'gpg 2.2 fell back to pcscd, later ones do not: upgrades bring this up'),
      supports(1, both(gpgReachesNoCard, gnupgWithin('2.3', '9')), 'this gpg does not fall back to pcscd'),
      supports(4, both(gpgFails, seen('stopping-pcscd-cures')), 'gpg works once pcscd lets the device go: both want the same interface'),
      supports(3.4, optionCures('disable-ccid'), 'disable-ccid, which turns gpg\'s own driver off, is what helped'),
      supports(2.4, both(option('disable-ccid'), seen('cure-told')), 'disable-ccid, which turns gpg\'s own driver off, is in a configuration that helped'),
      supports(0.8, both(gpgReachesNoCard, killed('pcscd')), 'without pcscd gpg\'s driver gets the reader'),
      supports(2, seen('pcscd-reader-not-found'), 'a client knows the reader by name, but pcscd has lost it: as when another driver has the device'),
      supports(0.8, option('disable-ccid'), 'disable-ccid is the setting for exactly this'),
      supports(0.6, clientGot(NO_READERS), 'pcscd has no reader though one may be plugged in'),
      supports(1, both(clientGot(NO_READERS), gpgHere), 'pcscd has no reader while gpg is at work'),
      supports(0.6, onlyTold, 'gpg\'s own driver and pcscd keep the key from each other'),
      supports(0.8, both(onlyTold, seen('after-upgrade')), 'gpg 2.2 fell back to pcscd, later ones do not: upgrades bring this up'),
      excludes(1.4, unless(both(gpgReachesNoCard, noReader), interfaceBusy, seen('scdaemon-uses-usb')), 'pcscd has no reader, either'),
      excludes(3, unless(scdaemonGot(VIOLATION, 0x80100067, 0x80100068, 0x8010002e, SECURITY_VIOLATION), interfaceBusy), 'scdaemon goes through PC/SC, so its own driver is not in play'),
      excludes(1.2, unless(option('disable-ccid'), interfaceBusy, seen('cure-told')), 'gpg\'s own driver is turned off'),
      excludes(4, seen('kernel-nfc-bound'), 'a kernel driver has the interface'),
      excludes(1.5, gnupgWithin('2.0', '2.3'), 'this gpg falls back to pcscd by itself'),
      excludes(1.5, otherFailsByLock, 'a lock inside PC/SC was met, so pcscd has the reader'),
      excludes(1.5, accessRefused, 'the device node is closed, not busy'),
      ...noService,
    ],
    decidedBy: 'which process has the USB device open: pcscd or scdaemon.',
    next: ['cardcheck', 'sudo fuser -v /dev/bus/usb/*/*', 'scdaemon --dump-option-table | grep disable-ccid'],
  },
  'second-pcscd': {
    clauses: [
      supports(4.4, seen('pcscd-second'), 'pcscd says itself that another one runs'),
      supports(3, atLeast(2, seen('process', ({ role }) => role === 'pcscd')), 'two pcscd run'),
      supports(2.2, unless(both(interfaceBusy, unitIs('inactive')), gpgHere, seen('kernel-nfc-bound')), 'pcscd found the interface claimed, and the system\'s pcscd is not even running now'),
      supports(2.4, both(interfaceBusy, seen('environment', ({ is }) => is === 'snap' || is === 'container')), 'the interface is claimed, and a snap or container may run a pcscd of its own'),
      supports(1, unless(interfaceBusy, gpgHere, seen('kernel-nfc-bound')), 'the interface is claimed, by something that is not gpg as far as these lines go'),
      supports(1, seen('environment', ({ is }) => is === 'snap'), 'snaps bring a pcscd of their own'),
      supports(1.5, both(gpgFails, seen('environment', ({ is }) => is === 'snap')), 'gpg fails beside a snap that brings its own pcscd'),
    ],
    decidedBy: 'the number of pcscd processes, those of snaps and containers included.',
    next: ['pgrep -ax pcscd', 'cardcheck'],
  },
  'kernel-driver-claims-reader': {
    clauses: [
      supports(3, both(seen('kernel-nfc-bound'), interfaceBusy), 'the kernel bound the interface, and pcscd finds it claimed'),
      supports(3.2, seen('kernel-nfc-bound'), 'the kernel\'s NFC driver bound the reader'),
      supports(0.4, interfaceBusy, 'the interface is claimed already'),
    ],
    decidedBy: 'the driver link of the USB interface in /sys.',
    next: ['cardcheck', "ls -l /sys/bus/usb/devices/*:*/driver | grep -e pn533 -e nfc", 'lsmod | grep -e pn533 -e nfc'],
  },
  'vm-took-device': {
    clauses: [
      supports(3.4, both(seen('vm-holds-usb'), either(interfaceBusy, usbLost, anyoneGot(NO_READERS), seen('no-reader'), seen('kernel-usb-gone'), gpgReachesNoCard)), 'a virtual machine takes USB devices, and the reader is gone or busy'),
      supports(3, both(seen('usbip'), either(interfaceBusy, usbLost, seen('kernel-usb-gone'), anyoneGot(NO_READERS))), 'usbip exports the device'),
      supports(1.4, seen('vm-holds-usb'), 'a virtual machine that takes USB devices is named'),
      excludes(1, inWsl, 'inside the machine that is to get the device it is the other way round'),
    ],
    decidedBy: 'which process or driver has the USB device.',
    next: ['cardcheck', 'sudo fuser -v /dev/bus/usb/*/*', 'usbip list --local'],
  },
  'driver-does-not-know-device': {
    clauses: [
      supports(2.4, unless(either(seen('driver-lookup', ({ vendor }) => vendor !== '1d6b' && vendor !== '8087'), seen('usb-device')), seen('pcscd-reader-added'), seen('usb-failed'), gpgHere), 'the device is on the bus and no driver took it'),
      supports(2.6, seen('driver-list-lacks'), 'the list of devices the driver knows is the matter'),
      supports(1.2, both(seen('usb-device'), noReader), 'the device is on the bus, but there is no reader'),
      supports(0.9, unless(both(seen('usb-listed'), noReader), seen('usb-device')), 'what is on the bus is no device cardcheck knows as a reader, and there is no reader'),
      supports(1.8, unless(both(gpgReachesNoCard, noReader), gpgGoesThroughPcsc), 'neither gpg\'s own driver nor pcscd makes a reader of the device'),
      supports(0.5, onlyTold, 'the driver may not know the device'),
      supports(0.8, both(onlyTold, seen('internal-reader')), 'built-in readers are often ones no driver knows'),
      supports(2, both(seen('scdaemon-ready'), unless(gpgReachesNoCard, scdaemonGot(VIOLATION), seen('scdaemon-usb-open-failed'), seen('scdaemon-detected-reader'))), 'scdaemon works, and found no reader at all'),
      supports(0.9, seen('gpg-failed', ({ reason, era }) => reason === 'no-device' && era === 'before-2.2.20'), 'this gpg tried both ways and found no reader'),
      supports(0.7, clientGot(NO_READERS), 'no driver made a reader of the device'),
      excludes(2, either(interfaceBusy, accessRefused), 'a driver knew the device and tried to open it'),
      ...noService,
    ],
    decidedBy: 'vendor and product number of the device against the list in Info.plist of libccid.',
    next: ['lsusb', 'cardcheck', 'sudo LIBCCID_ifdLogLevel=0x000F pcscd --foreground --debug   # only while no other pcscd runs'],
  },
  'driver-outdated': {
    clauses: [
      supports(4.2, unless(seen('reader-slot-taken'), onMac), 'libccid gave the same slot twice: a fault of one release'),
      supports(3.4, either(ccidWithin('1.8.1', '1.8.2'), ccidWithin('1.5.3', '1.5.4')), 'this libccid has a known fault'),
      supports(3, pcscWithin('2.5.0', '2.5.1'), 'this pcsc-lite has a known fault with readers of several slots'),
      supports(2.2, both(pcscWithin('2.3.2', '2.3.3'), seen('polkit-nobody')), 'this pcsc-lite\'s unit hides from polkit who asks'),
      supports(2.2, both(accessRefused, pcscWithin('2.4.0', '9')), 'pcscd no longer runs as root and needs the udev rule of libccid 1.7.0'),
      supports(1.6, both(ccidWithin('1.0', '1.4.30'), either(otherFails, gpgFails, seen('usb-failed'), seen('no-reader'))), 'this libccid is years old'),
      supports(1, both(either(seen('usb-failed'), clientGot(NO_READERS)), seen('after-upgrade')), 'it began with an upgrade'),
      supports(0.6, seen('bundle-listed'), 'the driver\'s files are the matter'),
    ],
    decidedBy: 'the same reader with the current libccid and pcsc-lite.',
    next: ['pcscd -v', 'cardcheck', "grep -A1 CFBundleShortVersionString /usr/lib*/pcsc/drivers/ifd-ccid.bundle/Contents/Info.plist"],
  },
  'hotplug-not-seen': {
    clauses: [
      supports(4, seen('pcscd-hotplug-broken'), 'pcscd cannot hear of devices that come and go'),
      supports(1.8, unless(both(killed('pcscd'), either(clientGot(NO_READERS), seen('no-reader'), otherFails, gpgReachesNoCard)), sharing, seen('after-sleep'), usbLost), 'the reader appears once pcscd is restarted'),
      supports(2, both(either(inWsl, inContainer, seen('usbip')), killed('pcscd')), 'the device arrives where no udev tells pcscd, until it is restarted'),
      supports(1.6, both(inContainer, either(clientGot(NO_READERS), seen('no-reader'))), 'inside a container no udev tells pcscd of new devices'),
      supports(1.2, both(inWsl, either(clientGot(NO_READERS), seen('no-reader'), gpgReachesNoCard)), 'in WSL the device often arrives after pcscd started, without udev'),
      supports(1.8, both(either(seen('kernel-usb-gone'), seen('kernel-usb-trouble')), killed('pcscd')), 'the device or its bus went, and pcscd had to be restarted'),
      supports(0.8, both(seen('kernel-usb-gone'), either(usbLost, clientGot(UNKNOWN_READER))), 'the device went while pcscd was using it'),
      supports(0.7, seen('pcscd-reader-not-found'), 'pcscd does not have the reader the client asks for'),
      supports(0.9, either(clientGot(NO_READERS), seen('no-reader')), 'pcscd may not have heard of the device'),
      supports(0.7, seen('replug-cures'), 'plugging again is heard'),
      supports(0.45, onlyTold, 'pcscd may not have heard of the device'),
      ...noService,
    ],
    decidedBy: 'the reader shows after pcscd --hotplug (2.4.1 and later) or a restart.',
    next: ['cardcheck', 'udevadm monitor --subsystem-match=usb', 'journalctl -u pcscd'],
  },
  'suspend-resume-stale': {
    clauses: [
      supports(4, both(seen('kernel-usb-not-claimed'), seen('kernel-usb-reset')), 'the device was reset under pcscd, which goes on with a claim it lost'),
      supports(3, both(either(seen('kernel-suspend'), seen('after-sleep')), either(usbLost, usbError, anyoneGot(UNAVAILABLE, VIOLATION, 0x80100016), seen('kernel-usb-reset'), gpgFails, otherFails)), 'the machine slept, and then the reader did not answer'),
      supports(2.2, both(seen('kernel-usb-reset'), either(usbLost, usbError)), 'the device was reset, and pcscd\'s old connection is dead'),
      supports(1.4, seen('kernel-usb-not-claimed'), 'pcscd uses an interface it no longer has'),
      supports(1.2, either(seen('kernel-suspend'), seen('after-sleep')), 'the machine slept'),
      supports(1, anyoneGot(UNAVAILABLE), 'the reader is listed, but its driver cannot reach it'),
      supports(0.9, both(usbLost, seen('reader-vanished')), 'the device vanished from under pcscd'),
    ],
    decidedBy: 'kernel log and pcscd log around the wake-up, side by side.',
    next: ['journalctl -k -b', 'journalctl -u pcscd -b', 'cardcheck'],
  },
  'usb-power-management': {
    clauses: [
      supports(2.6, both(seen('autosuspend'), either(usbError, usbLost, seen('kernel-usb-reset'), seen('kernel-usb-gone'), seen('kernel-usb-trouble'))), 'power management is set for the device, and it drops off the bus'),
      supports(1.8, both(usbError, either(seen('kernel-usb-reset'), seen('kernel-usb-gone'))), 'the device is reset or drops off while libusb talks to it'),
      supports(2, seen('kernel-usb-trouble'), 'the device does not answer on the bus'),
      supports(1.2, seen('autosuspend'), 'power management is set for the device'),
      supports(0.9, usbError, 'the USB transfer itself fails'),
      excludes(2, seen('kernel-suspend'), 'the whole machine slept'),
    ],
    decidedBy: 'the same with power/control set to on for the device.',
    next: ['journalctl -k', "grep . /sys/bus/usb/devices/*/power/control"],
  },
  'vm-virtual-reader': {
    clauses: [
      supports(4, seen('vm-reader'), 'the reader is one that the virtual machine software makes up'),
      supports(1.1, unless(usbError, seen('autosuspend'), seen('kernel-usb-reset')), 'the USB transfer itself fails: virtual readers do this'),
      supports(0.5, seen('environment', ({ is }) => is === 'vm'), 'this is a virtual machine'),
    ],
    decidedBy: 'vendor and product of the reader (VMware 0e0f:0004).',
    next: ['lsusb', 'cardcheck'],
  },
  'no-usb-in-environment': {
    clauses: [
      supports(2, both(inWsl, either(gpgReachesNoCard, clientGot(NO_READERS, 0x8010001d), seen('no-reader'), otherFails)), 'WSL has no USB device unless usbipd attaches it'),
      supports(2.4, both(inContainer, either(clientGot(NO_READERS), seen('no-reader'), gpgReachesNoCard)), 'a container sees no USB device unless it is handed in'),
      supports(3.4, seen('usb-failed', ({ op }) => op === 'init'), 'libusb finds no USB bus at all'),
      supports(1, inWsl, 'WSL has no USB device unless usbipd attaches it'),
      supports(0.8, inContainer, 'a container sees no USB device unless it is handed in'),
      supports(1.4, both(inWsl, seen('usbip')), 'the device comes over usbip'),
      excludes(2, seen('pcscd-reader-added'), 'pcscd sees the device'),
      excludes(1.5, killed('pcscd'), 'restarting pcscd would not bring a device that is not there'),
      excludes(2, either(seen('polkit-refused'), seen('polkit-unreachable')), 'pcscd was reached and refused'),
    ],
    decidedBy: 'lsusb inside the environment.',
    next: ['lsusb', 'ls /dev/bus/usb', 'cardcheck'],
  },
  'usbguard': {
    clauses: [
      decides(both(seen('kernel-usb-unauthorized'), seen('usbguard')), 'usbguard did not authorise the device', 5),
      supports(4.4, seen('kernel-usb-unauthorized'), 'the kernel was told not to use the device: that is what usbguard does'),
      supports(2.2, seen('usbguard'), 'usbguard is in use'),
    ],
    decidedBy: 'the device\'s state in usbguard list-devices.',
    next: ['usbguard list-devices --blocked'],
  },
  'usb-permission': {
    clauses: [
      supports(4.4, seen('scdaemon-usb-denied'), 'scdaemon may not open the device node'),
      supports(4.2, accessRefused, 'the device node is closed to the process that opens it'),
      supports(2.4, seen('udev-rule'), 'a udev rule about the device\'s rights is the matter'),
      supports(2, both(seen('root-works'), either(gpgFails, otherFails)), 'it works as root: the rights are what is missing'),
      supports(0.8, both(gpgReachesNoCard, accessRefused), 'gpg\'s own driver may not open the device'),
      supports(1.6, both(seen('hid-only'), gpgFails), 'the device node is closed'),
      supports(0.5, gpgReachesNoCard, 'gpg\'s own driver says this when it may not open the device'),
      supports(0.5, seen('client-failed', ({ client }) => client === 'ykman'), 'ykman says this when it may not open the device'),
      supports(0.55, onlyTold, 'the program may not be allowed to open the device'),
      excludes(1.5, interfaceBusy, 'the device could be opened, it was busy'),
      excludes(1.5, scdaemonGot(VIOLATION), 'PC/SC was reached'),
      ...noService,
    ],
    decidedBy: 'owner, mode and ACL of the device node against the user of the process.',
    next: ['getfacl /dev/bus/usb/*/*', 'cardcheck'],
  },
  'reader-hardware-limit': {
    clauses: [
      supports(3.4, seen('reader-protocol-refused'), 'the reader itself refused the command'),
      supports(3.4, seen('reader-apdu-limit'), 'the command is longer than the reader can pass on'),
      supports(4, seen('reader-firmware-bogus'), 'libccid knows this firmware to be faulty'),
      supports(1.2, anyoneGot(0x80100016), 'the reader did not pass the command on'),
      supports(0.8, seen('transmit-failed'), 'the driver could not get a command through the reader'),
      supports(1.2, seen('usb-failed', ({ op, error }) => (op === 'read' || op === 'write') && error.includes('TIMEOUT')), 'the reader takes commands and does not answer them'),
    ],
    decidedBy: 'the same card in another reader.',
    next: ['sudo LIBCCID_ifdLogLevel=0x000F pcscd --foreground --debug   # only while no other pcscd runs', 'lsusb -v'],
  },
  'macos-apple-ccid-driver': {
    clauses: [
      supports(3, seen('macos-driver-switch'), 'the switch between Apple\'s driver and libccid is in question'),
      supports(2.4, both(seen('macos-apple-driver'), either(otherFails, anyoneGot(UNRESPONSIVE), seen('card-unresponsive'), gpgFails)), 'since macOS 14 Apple\'s own driver is the default'),
      supports(2, both(onMac, either(anyoneGot(UNRESPONSIVE), seen('card-unresponsive')), seen('version', ({ of, version }) => of === 'macos' && Number.parseInt(version, 10) >= 14)), 'since macOS 14 Apple\'s own driver is the default, and this is what it says'),
      supports(1.8, both(onMac, either(anyoneGot(UNRESPONSIVE), seen('card-unresponsive'))), 'a good card is called unresponsive on macOS'),
      supports(0.9, seen('macos-apple-driver'), 'since macOS 14 Apple\'s own driver is the default'),
      supports(1, both(onMac, seen('pcsc-code', ({ call }) => call === 'SCardControl')), 'Apple\'s driver has faults in SCardControl'),
      excludes(2.5, seen('macos-ctk-refused'), 'the token service refuses, the driver works'),
    ],
    decidedBy: 'the same with useIFDCCID set to yes.',
    next: ['defaults read /Library/Preferences/com.apple.security.smartcard useIFDCCID', 'system_profiler SPSmartCardsDataType', 'sw_vers'],
  },
  'macos-system-driver-stuck': {
    clauses: [
      supports(3, both(seen('macos-driver-stuck'), seen('reader-slot-taken')), 'Apple\'s reader service opens a reader it still has open'),
      supports(3, seen('macos-driver-stuck'), 'a system service of macOS is stuck'),
      supports(1.2, both(onMac, seen('remedy', ({ target }) => target === 'macos-service')), 'ending the system service helped'),
      supports(1, both(onMac, either(seen('no-reader'), clientGot(NO_READERS))), 'macOS lists no reader'),
      supports(0.8, both(onMac, seen('replug-cures')), 'plugging again helped'),
    ],
    decidedBy: 'the reader comes back when the service is restarted or the Mac rebooted.',
    next: ['system_profiler SPSmartCardsDataType', "log show --last 10m --predicate 'process CONTAINS \"ifdreader\" OR process CONTAINS \"ctk\"'"],
  },
} satisfies Record<string, CauseRule>;
