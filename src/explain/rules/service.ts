import { type CauseRule, decides, excludes, supports } from '../cause.ts';
import {
  accessRefused, anyoneGot, both, clientGot, COMM_ERROR, confined, either, gpgFails, gpgReachesNoCard, gpgSays, inContainer, inSandbox, interfaceBusy, NO_SERVICE, noReader, onlyTold, onMac, otherFails, pcscdWorks, pcscWithin, scdaemonGot, SECURITY_VIOLATION, seen, SERVICE_STOPPED, unitIs, unless, VIOLATION,
} from './queries.ts';

const noService = either(anyoneGot(NO_SERVICE));
const stopped = either(anyoneGot(SERVICE_STOPPED));
const answered = either(seen('pcscd-authorized'), seen('pcscd-rejected-client'), seen('polkit-refused'), seen('pcscd-protocol-mismatch'), anyoneGot(VIOLATION, SECURITY_VIOLATION, SERVICE_STOPPED));
const onWindows = seen('environment', ({ is }) => is === 'windows');
/** Daemons from 2.4.1 on log the mismatch and then adapt (winscard_svc.c, "Enable backward compatibility"). */
const adapts = either(seen('pcscd-backward-compatible'), pcscWithin('2.4.1', '9'));

/** Daemons up to 2.4.0 take nothing but their own version; those of protocol 4:4 and older are all such. */
const refuses = either(stopped, pcscWithin('1.0', '2.4.1'), seen('pcscd-protocol', ({ side, minor }) => side === 'server' && minor <= 4));

export const serviceRules = {
  'pcscd-not-running': {
    clauses: [
      decides(unless(both(noService, unitIs('inactive', 'masked', 'missing')), inSandbox, inContainer), 'a program reached no service, and systemd says pcscd and its socket are down', 5.5),
      supports(4.2, unless(noService, inSandbox, answered), 'nobody listens on pcscd\'s socket'),
      supports(1.6, both(noService, inSandbox), 'nobody listens where this program looks for pcscd'),
      supports(2.3, seen('service-unusable'), 'the program could not use the PC/SC service; it does not tell why'),
      supports(1, clientGot(COMM_ERROR), 'pcscd went away in the middle of a call'),
      supports(0.55, onlyTold, 'pcscd may not run'),
      supports(1.4, seen('pcscd-doubted'), 'whether pcscd runs is in question'),
      supports(2.6, seen('pcscd-socket-absent'), 'pcscd\'s socket is not there or nobody listens on it'),
      supports(2.2, gpgSays('no-service'), 'gpg 2.3 and later say this when no PC/SC service answers'),
      supports(2.4, unitIs('masked', 'missing', 'failed'), 'systemd cannot start pcscd'),
      supports(3, seen('pcscd-died'), 'pcscd ended with an error'),
      supports(3, seen('pcscd-configuration-broken'), 'pcscd ends at start over its configuration'),
      supports(1.4, unitIs('inactive', 'disabled'), 'pcscd is not active'),
      excludes(3, seen('stopping-pcscd-cures'), 'it is when pcscd does not run that it works'),
      supports(2, seen('supplied', ({ what }) => what === 'pcscd'), 'pcscd was missing, or installing or starting it is what was tried'),
      supports(0.5, gpgReachesNoCard, 'gpg 2.2 says this when no PC/SC service answers'),
      excludes(3.5, answered, 'pcscd answered'),
      excludes(2.5, pcscdWorks, 'pcscd works'),
      excludes(1.2, both(noService, seen('pcscd-ready')), 'a pcscd came up here'),
      excludes(1.5, both(noService, seen('library-bundled')), 'it is a question of which library'),
      excludes(2, interfaceBusy, 'pcscd ran and looked at the reader'),
    ],
    decidedBy: 'whether anybody listens on /run/pcscd/pcscd.comm.',
    next: ['systemctl status pcscd.socket pcscd.service', 'cardcheck'],
  },
  'libpcsclite-missing': {
    clauses: [
      decides(seen('scdaemon-driver-missing'), 'scdaemon could not load the PC/SC library', 6),
      supports(4.4, seen('libpcsclite-missing'), 'the PC/SC library could not be loaded'),
      supports(1.8, seen('supplied', ({ what }) => what === 'libpcsclite'), 'installing the library is what was tried'),
      supports(0.8, gpgSays('no-service'), 'gpg says this when it cannot load the library'),
      supports(1, anyoneGot(0x80100001), 'the library that redirects could not load the one that works'),
      supports(0.5, gpgSays('general'), 'old gpg says this when it cannot load the library'),
    ],
    decidedBy: 'whether libpcsclite.so.1 is where the loader looks.',
    next: ['ldconfig -p | grep pcsclite', 'cardcheck'],
  },
  'ccid-driver-missing': {
    clauses: [
      supports(4.2, unless(seen('pcscd-no-drivers'), seen('pcscd-drivers-directory-missing'), seen('driver-directory')), 'pcscd found no driver where its distribution puts them'),
      supports(2, seen('pcscd-no-drivers'), 'pcscd found no driver'),
      supports(2, seen('supplied', ({ what }) => what === 'libccid'), 'installing the driver is what was tried'),
      supports(2.2, seen('bundle-listed'), 'the files of the driver are the matter'),
      supports(1.4, both(noReader, either(seen('pcscd-ready'), unitIs('active'))), 'pcscd runs and has no reader'),
      supports(1, noReader, 'without a driver there is no reader'),
      supports(0.7, both(noReader, seen('usb-device')), 'the device is there, but no driver took it'),
      excludes(2.5, either(seen('pcscd-reader-added'), interfaceBusy, accessRefused, seen('usb-failed')), 'a driver is there and tried'),
      excludes(2.5, seen('version', ({ of }) => of === 'libccid'), 'the driver is there and says its version'),
      excludes(2, seen('pcscd-driver-unloadable'), 'a driver is there, but cannot be loaded'),
      excludes(1.5, onMac, 'macOS brings its own'),
    ],
    decidedBy: 'whether usbdropdir holds ifd-ccid.bundle with Info.plist and libccid.so.',
    next: ['pcscd -v', 'ls -lR /usr/lib*/pcsc/drivers', 'cardcheck'],
  },
  'pcscd-driver-dir-missing': {
    clauses: [
      decides(seen('pcscd-drivers-directory-missing'), 'the directory this pcscd was built for is not there', 5.5),
      supports(2.4, both(seen('driver-directory', ({ path }) => /^\/usr\/local|^\/opt|^\/home|^\/nix|^\/gnu|^\/var/.test(path)), either(noReader, seen('pcscd-no-drivers'))), 'this pcscd looks for drivers where the distribution does not put them'),
      supports(1, seen('driver-directory'), 'this pcscd is built for a directory of its own'),
      supports(1, unless(seen('pcscd-no-drivers'), seen('pcscd-drivers-directory-missing')), 'pcscd has no usable directory of drivers'),
    ],
    decidedBy: 'usbdropdir of pcscd -v against where libccid is installed.',
    next: ['pcscd -v', 'cardcheck'],
  },
  'ccid-driver-load-failure': {
    clauses: [
      supports(4.4, seen('pcscd-driver-unloadable'), 'the driver is there, but could not be loaded'),
      supports(0.5, noReader, 'without a driver there is no reader'),
    ],
    decidedBy: 'ldd on the driver\'s library.',
    next: ['ldd /usr/lib*/pcsc/drivers/ifd-ccid.bundle/Contents/Linux/libccid.so', 'journalctl -u pcscd'],
  },
  'protocol-mismatch': {
    clauses: [
      decides(unless(both(seen('pcscd-protocol-mismatch'), refuses), adapts), 'pcscd refused a client that speaks another protocol version', 4),
      supports(4.5, unless(seen('pcscd-protocol-mismatch'), adapts), 'client and pcscd speak different protocol versions; only a pcscd from 2.4.1 on may have adapted'),
      supports(4.3, unless(stopped, adapts, onWindows), 'SCARD_E_SERVICE_STOPPED (0x8010001E) is pcsc-lite\'s answer to a client of another protocol version; the daemon runs'),
      supports(1.5, both(stopped, adapts), 'the code of a protocol mismatch'),
      supports(1.2, both(either(noService, seen('service-unusable'), noReader, seen('client-failed')), inSandbox), 'programs that bring their own libpcsclite speak its version'),
      supports(2.2, unless(seen('environment', ({ is }) => is === 'appimage'), seen('hid-only')), 'an AppImage brings a libpcsclite of its own, and confines nothing'),
      supports(2.4, both(noService, either(seen('pcscd-ready'), unitIs('active'))), 'pcscd runs, and a library of another version, or built for another socket, does not reach it'),
      supports(1.5, both(noService, either(seen('local-build'), seen('library-bundled'))), 'there is more than one installation of pcsc-lite'),
      supports(2.4, seen('library-bundled'), 'a libpcsclite that a program brings along is the matter'),
      supports(1.5, seen('service-unusable'), 'the program could not use the PC/SC service, as when it speaks another version'),
      supports(1.2, both(stopped, pcscdWorks), 'pcscd itself is sound'),
      supports(0.6, gpgSays('no-service'), 'gpg says this when the versions do not match'),
      supports(2, both(inSandbox, seen('after-upgrade')), 'what runs in a sandbox brings its libpcsclite along, and the upgrade brought another'),
      excludes(1.5, seen('polkit-refused'), 'pcscd understood the client and refused it'),
      excludes(1, both(seen('environment', ({ is }) => is === 'appimage'), seen('supplied', ({ what }) => what === 'pcscd')), 'pcscd was not there at all'),
    ],
    decidedBy: 'the protocol numbers of client and server in pcscd\'s journal.',
    next: ['journalctl -u pcscd | grep -i protocol', 'pcscd -v', 'cardcheck'],
  },
  'reader-limit': {
    clauses: [
      supports(2.8, seen('reader-limit-told'), 'as many readers appear as the table of pcscd has room for'),
      supports(4.4, seen('pcscd-reader-limit'), 'pcscd or the driver has no room for another reader'),
      supports(1.2, seen('pcsc-code', ({ call, by }) => by === 'pcscd' && /ADD|reader/i.test(call ?? '')), 'a reader was not added'),
      supports(1, seen('slot-missing'), 'a slot is missing'),
    ],
    decidedBy: 'the number of readers against the table of this pcscd (16 before 2.5.0).',
    next: ['pcsc_scan -r', 'pcscd -v'],
  },
  'reader-limit-abi-mismatch': {
    clauses: [
      supports(4.4, seen('garbled-code'), 'the result is text, not a code: library and daemon disagree about the size of the reader table'),
      supports(2.2, both(seen('reader-table-48'), either(inSandbox, inContainer, otherFails)), 'this pcscd has a table of another size than other libraries expect'),
      supports(0.8, both(inSandbox, either(stopped, anyoneGot(COMM_ERROR))), 'a program with its own libpcsclite'),
      supports(2, both(inSandbox, seen('fedora')), 'on Fedora libraries of other builds expect a smaller table'),
      supports(1.5, both(seen('library-bundled'), seen('fedora')), 'Fedora\'s pcsc-lite has a table of another size'),
    ],
    decidedBy: 'PCSCLITE_MAX_READERS_CONTEXTS of daemon and library (48 on Fedora, 16 elsewhere).',
    next: ['pcscd -v', 'cardcheck'],
  },
  'polkit-denied': {
    clauses: [
      decides(unless(seen('polkit-refused'), seen('polkit-unreachable'), seen('polkit-proc-hidden'), seen('hidepid'), seen('polkit-nobody')), 'pcscd asked polkit about this process, and polkit said no', 7),
      decides(seen('polkit-action-unknown'), 'polkit does not know pcscd\'s actions: their policy is not where polkit reads it, and pcscd lets nobody in, not even root', 7),
      supports(2.5, seen('polkit-refused'), 'pcscd refused the process'),
      supports(2.4, seen('pcscd-rejected-client'), 'pcscd refused the client'),
      supports(4.2, scdaemonGot(SECURITY_VIOLATION), 'scdaemon prints 0x8010006a as "inserted card"; it is SECURITY_VIOLATION, a refusal'),
      supports(3, clientGot(SECURITY_VIOLATION), 'access was refused; polkit is what refuses'),
      supports(1.8, both(seen('root-works'), either(gpgFails, otherFails)), 'it works as root: polkit lets root in always'),
      supports(1.4, unless(seen('root-works'), gpgFails, otherFails), 'it works as root: polkit lets root in always'),
      supports(2, seen('polkit-rule'), 'a polkit rule is the matter'),
      supports(1.4, both(seen('polkit-rule'), either(gpgFails, otherFails)), 'and a program fails that the rule would let in'),
      supports(2, unless(seen('polkit-told'), seen('polkit-rule'), seen('polkit-absent-told')), 'polkit is said to be the matter'),
      supports(1, both(seen('over-ssh'), either(seen('service-unusable'), seen('pcscd-rejected-client'), gpgSays('no-service'))), 'polkit lets active local sessions in only'),
      supports(1.7, seen('service-unusable'), 'the program could not use the PC/SC service, as when pcscd refuses it'),
      supports(1.2, clientGot(COMM_ERROR), 'libraries before 1.9.9 say this when pcscd refuses the client'),
      supports(1.4, both(gpgSays('no-service'), either(seen('session-remote'), seen('session-inactive'))), 'polkit lets active local sessions in only'),
      supports(1, gpgSays('no-service'), 'gpg says this when pcscd refuses it'),
      supports(0.4, gpgReachesNoCard, 'gpg 2.2 says this when pcscd refuses it'),
      excludes(2.5, seen('polkit-unreachable'), 'polkit could not be asked'),
      excludes(2.5, either(seen('polkit-proc-hidden'), seen('hidepid')), 'polkit could not look at the process'),
      excludes(1, seen('polkit-nobody'), 'polkit was asked about nobody'),
    ],
    decidedBy: 'pcscd\'s journal at the time: "is NOT authorized for action".',
    next: ['journalctl -u pcscd | grep -i authorized', 'pkcheck --action-id org.debian.pcsc-lite.access_pcsc --process $$', 'loginctl session-status'],
  },
  'polkit-unreachable': {
    clauses: [
      decides(seen('polkit-unreachable'), 'pcscd could not reach polkit, so it refuses everybody', 7),
      supports(1.2, both(anyoneGot(SECURITY_VIOLATION), inContainer), 'containers have no D-Bus or polkit'),
      supports(2.4, seen('polkit-absent-told'), 'there is said to be no polkit where pcscd asks for it'),
      supports(0.4, anyoneGot(SECURITY_VIOLATION), 'access was refused'),
      excludes(3, both(seen('polkit-refused'), unless(seen('polkit-refused'), seen('polkit-unreachable'))), 'polkit answered'),
    ],
    decidedBy: 'whether polkit answers on the system bus.',
    next: ['systemctl status polkit dbus', 'journalctl -u pcscd'],
  },
  'polkit-error-hidepid': {
    clauses: [
      supports(5, unless(seen('polkit-proc-hidden'), seen('polkit-unreachable')), 'polkit could not look at the process in /proc'),
      supports(3, seen('hidepid'), '/proc hides processes from polkit'),
      supports(1.5, both(seen('polkit-nobody'), seen('polkit-refused')), 'pcscd cannot see who asks'),
    ],
    decidedBy: 'the mount options of /proc.',
    next: ['findmnt -no OPTIONS /proc', 'journalctl -u pcscd'],
  },
  'sandbox-blocks-pcsc': {
    clauses: [
      decides(seen('sandbox-denied'), 'the sandbox denied access to the card service or device', 5),
      supports(2.6, seen('sandbox-app'), 'the permission of the sandbox for smart cards is the matter'),
      supports(3.2, both(confined, either(noService, anyoneGot(SECURITY_VIOLATION), seen('pcscd-socket-absent'))), 'a program in a sandbox reaches no pcscd'),
      supports(1.6, both(confined, either(otherFails, seen('no-token'), gpgFails)), 'a program in a sandbox reaches no card'),
      supports(0.8, both(confined, noReader), 'a program in a sandbox sees no reader'),
      supports(1, confined, 'the program runs in a sandbox'),
      supports(1, both(confined, unless(seen('trouble-told'), noReader)), 'and something is not found'),
      supports(1.2, both(inContainer, either(noService, seen('pcscd-socket-absent'))), 'inside a container pcscd\'s socket is not there unless handed in'),
      excludes(2.5, stopped, 'pcscd was reached'),
      excludes(2.5, seen('pcscd-protocol-mismatch'), 'pcscd was reached'),
      excludes(1.5, interfaceBusy, 'the fight is about the USB interface'),
    ],
    decidedBy: 'the sandbox\'s log of denials, and its list of permissions.',
    next: ['snap connections NAME', 'flatpak info --show-permissions NAME', "journalctl -k | grep -i denied"],
  },
  'remote-session': {
    clauses: [
      supports(3, seen('agent-forwarded'), 'the agent is forwarded over ssh: the forwarded socket takes no card commands'),
      supports(3, gpgSays('forbidden'), 'a forwarded agent forbids card commands'),
      supports(3.2, seen('agent-restricted'), 'the agent is used through its restricted socket'),
      supports(2.4, either(seen('session-remote'), seen('session-inactive')), 'the session is remote or not active: no rights to devices and, by polkit\'s default, to pcscd'),
      supports(1.2, both(either(seen('session-remote'), seen('session-inactive')), either(anyoneGot(SECURITY_VIOLATION), seen('polkit-refused'), accessRefused)), 'and access was refused'),
      supports(2.4, both(seen('over-ssh'), either(noReader, seen('service-unusable'), anyoneGot(SECURITY_VIOLATION), seen('pcscd-rejected-client'))), 'in a session over ssh, which polkit does not let in by default, a program finds no reader'),
      supports(0.8, both(seen('over-ssh'), either(gpgReachesNoCard, onlyTold)), 'a session over ssh has no rights to devices and, by polkit\'s default, to pcscd'),
    ],
    decidedBy: 'loginctl: Remote, Active and Seat of the session.',
    next: ['loginctl session-status', 'cardcheck'],
  },
} satisfies Record<string, CauseRule>;
