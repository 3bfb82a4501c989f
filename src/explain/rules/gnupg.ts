import { type CauseRule, decides, excludes, supports } from '../cause.ts';
import { atLeast } from '../clause.ts';
import {
  accessRefused, anyoneGot, both, cardAnswers, cardNotSupported, clientGot, either, gpgFails, gpgReachesNoCard, gnupgWithin, gpgSays, interfaceBusy, INVALID_PARAMETER, inWsl, killed, NO_SMARTCARD, onlyTold, onMac, onWindows, option, optionCures, otherFails, ownDriverFails, readerEmpty, REMOVED, removedInUse, scdaemonGot, seen, UNKNOWN_READER, unless,
  VIOLATION,
} from './queries.ts';

const scdaemonSupplied = seen('supplied', ({ what }) => what === 'scdaemon');
const refused = seen('scdaemon-option-refused');
/** Options no upstream scdaemon has (scd/scdaemon.c); shared-access is MacGPG2's. */
const unknownOption = option('shared-access', 'disable-opensc', 'pcsc-share', 'enable-shared', 'disable-ccid-driver');
const withValue = seen('scdaemon-config', ({ option: name, value }) => ['disable-ccid', 'pcsc-shared', 'allow-admin', 'deny-admin'].includes(name) && value !== '');
/** From 2.2.26 to 2.2.50 a bad line is reported and skipped (gnupg 2.2 scd/scdaemon.c with libgpg-error's option parser). */
const tolerant = gnupgWithin('2.2.26', '2.3.0');

export const gnupgRules = {
  'scdaemon-config-invalid': {
    clauses: [
      decides(unless(both(refused, gpgSays('no-daemon', 'no-service', 'general')), tolerant), 'scdaemon refused a line of its configuration and did not start', 6),
      supports(4.2, unless(refused, tolerant), 'scdaemon refuses a line of its configuration'),
      supports(3.4, unless(both(either(unknownOption, withValue), gpgSays('no-daemon')), tolerant), 'the configuration has a line no scdaemon accepts, and no scdaemon starts'),
      supports(2, unless(unknownOption, tolerant, onMac), 'the configuration has an option no upstream scdaemon knows'),
      supports(1.4, both(unknownOption, onMac), 'the configuration has an option that only GPG Suite for the Mac knows'),
      supports(2, gpgSays('no-daemon'), 'gpg says this when scdaemon ends at once, as it does over a bad line'),
      supports(1, seen('scdaemon-start-failed'), 'scdaemon did not start'),
      supports(1.8, seen('scdaemon-ended-at-start'), 'scdaemon was started and ended before it said a word'),
      excludes(3, either(seen('scdaemon-ready'), seen('scdaemon-pcsc-failed'), gpgReachesNoCard), 'scdaemon did start'),
    ],
    decidedBy: 'scdaemon --gpgconf-test, which reads the configuration and touches no card.',
    next: ['"$(gpgconf --list-components | sed -n \'s/^scdaemon:[^:]*://p\')" --gpgconf-test', 'cardcheck'],
  },
  'scdaemon-config-ineffective': {
    clauses: [
      supports(3.4, both(refused, tolerant), 'this scdaemon reports the bad line and goes on without it'),
      supports(1.4, both(refused, tolerant, scdaemonGot(VIOLATION)), 'and what the line was to prevent happens'),
      supports(2.6, unless(both(option('pcsc-shared'), either(gpgReachesNoCard, interfaceBusy, seen('scdaemon-uses-usb'))), option('disable-ccid')), 'pcsc-shared does nothing while the internal driver is in use: disable-ccid is missing'),
      supports(2.2, both(option('pcsc-shared'), gnupgWithin('2.0', '2.2.28')), 'this scdaemon does not know pcsc-shared yet'),
      supports(2, both(withValue, gpgReachesNoCard), 'an option with a value or comment behind it is not set'),
      supports(1.6, both(option('card-timeout'), either(gpgFails, seen('client-failed'))), 'card-timeout has done nothing since 2.2.15'),
      supports(1.4, both(unknownOption, either(gpgReachesNoCard, scdaemonGot(VIOLATION))), 'the option is not one of this scdaemon'),
      supports(1.2, both(option('reader-port'), gpgReachesNoCard), 'reader-port matches other names on 2.3 and later, or nothing'),
      supports(2, both(option('pcsc-shared'), scdaemonGot(VIOLATION)), 'the option is written down, and scdaemon still asks for EXCLUSIVE'),
      supports(0.5, option('pcsc-shared'), 'the option may not work by itself'),
      excludes(3, gpgSays('no-daemon'), 'scdaemon did not start'),
    ],
    decidedBy: 'the version of scdaemon, whether it was built with its own driver, and both configuration files.',
    next: ['gpgconf --show-configs', 'scdaemon --dump-option-table', 'cardcheck'],
  },
  'scdaemon-config-not-active': {
    clauses: [
      supports(2.6, seen('config-not-active'), 'the file was changed, and nothing changed'),
      supports(2.4, both(seen('config-not-active'), either(scdaemonGot(VIOLATION), gpgReachesNoCard)), 'what the change was to prevent still happens'),
      supports(1.6, both(option('pcsc-shared', 'disable-ccid'), killed('scdaemon', 'gpg-agent')), 'scdaemon reads its configuration only when it starts'),
      supports(1.2, both(option('pcsc-shared'), option('disable-ccid'), either(scdaemonGot(VIOLATION), gpgReachesNoCard)), 'the configuration would prevent this, had it been read'),
      supports(1.4, both(option('pcsc-shared'), option('disable-ccid'), scdaemonGot(VIOLATION), killed('scdaemon', 'gpg-agent')), 'and a new scdaemon does read it'),
    ],
    decidedBy: 'the time scdaemon started against the time the file was changed.',
    next: ['gpgconf --kill scdaemon   # the PIN is asked again', 'cardcheck'],
  },
  'wrong-reader-chosen': {
    clauses: [
      supports(3.6, both(atLeast(2, seen('scdaemon-detected-reader')), either(gpgFails, scdaemonGot(NO_SMARTCARD, 0x80100067, 0x80100066), seen('scdaemon-no-application'))), 'there are several readers, and scdaemon works with one that has no OpenPGP card'),
      supports(1.5, both(atLeast(2, seen('scdaemon-detected-reader')), unless(seen('status-word', ({ sw }) => sw === '6A82'), cardAnswers)), 'the card that scdaemon reached has no such application'),
      supports(2.4, unless(atLeast(2, seen('scdaemon-detected-reader')), cardAnswers), 'there are several readers, and 2.2 takes the first'),
      supports(2.8, seen('wrong-reader-told'), 'gpg is said to work with another reader'),
      supports(3, both(gpgFails, optionCures('reader-port')), 'reader-port, which chooses the reader, is what helped'),
      supports(1.8, both(option('reader-port'), gpgSays('no-device', 'not-present')), 'reader-port names a reader; one that matches nothing leaves gpg without'),
      supports(1.2, both(gpgSays('not-present'), seen('scdaemon-detected-reader')), 'the reader scdaemon looks at is empty'),
      supports(1.2, gpgSays('not-present'), 'gpg looks at a reader without a card'),
      supports(2, scdaemonGot(NO_SMARTCARD), 'the reader that scdaemon connected is empty'),
      supports(2.4, both(seen('card-answered'), seen('card-unresponsive'), seen('slot-listed'), anyoneGot(0x80100067, 0x80100066)), 'one slot has a card that answers; the program went to another'),
      supports(2.2, unless(both(readerEmpty, clientGot(NO_SMARTCARD)), gpgFails), 'the program connected a reader that is empty; the key is in another'),
      supports(0.8, unless(clientGot(UNKNOWN_READER), gpgFails), 'the program asks for a reader by a name that none has'),
      supports(1, unless(both(readerEmpty, clientGot(REMOVED)), gpgFails, removedInUse), 'the program connected a reader without a card, as Windows says it'),
      supports(0.7, clientGot(UNKNOWN_READER), 'the program asks for a reader by a name that is not there'),
      supports(2, both(either(clientGot(NO_SMARTCARD), otherFails), seen('internal-reader')), 'a built-in reader is the one that was tried'),
      supports(1.4, both(gpgFails, seen('internal-reader')), 'there is a built-in reader beside the key'),
      supports(0.6, both(onlyTold, seen('internal-reader')), 'there is a built-in reader'),
      supports(1, cardNotSupported, 'gpg reached a card of another kind'),
      supports(0.5, gpgReachesNoCard, 'gpg 2.2 tries the first reader only'),
      excludes(4, scdaemonGot(VIOLATION), 'the reader was the right one and is in use'),
      excludes(2, scdaemonGot(0x80100067, 0x80100066), 'there is a card in that reader, and it is mute'),
      excludes(3, unless(either(seen('memory-card-told'), clientGot(0x80100067)), seen('card-answered')), 'there is a card in that reader, and it gets no answer'),
    ],
    decidedBy: 'the readers in pcscd\'s order, and which of them scdaemon connects.',
    next: ['pcsc_scan -r', 'cardcheck', 'gpgconf --list-options scdaemon | grep reader-port'],
  },
  'internal-ccid-driver-limited': {
    clauses: [
      supports(3.4, seen('scdaemon-usb-limited'), 'scdaemon\'s own driver says what it cannot do with this reader'),
      supports(1.2, both(seen('scdaemon-usb-log'), gpgFails), 'scdaemon works with its own driver, and the card does not answer'),
      supports(1, unless(both(ownDriverFails, seen('scdaemon-detected-reader')), interfaceBusy), 'scdaemon\'s own driver failed where PC/SC has a reader'),
      supports(0.8, both(seen('scdaemon-uses-usb'), gpgFails), 'scdaemon works with its own driver'),
      supports(0.5, gpgReachesNoCard, 'its own driver does not know every reader'),
      supports(0.8, both(seen('internal-reader'), either(onlyTold, gpgReachesNoCard)), 'its own driver does not know every built-in reader'),
      excludes(3, seen('scdaemon-pcsc-failed'), 'scdaemon goes through PC/SC'),
      excludes(1.5, interfaceBusy, 'another program has the interface'),
      excludes(1.5, accessRefused, 'the device could not even be opened'),
      excludes(2.5, onWindows, 'gpg for Windows has no driver of its own'),
    ],
    decidedBy: 'the same card with disable-ccid, through pcscd.',
    next: ['cardcheck', 'pcsc_scan -r'],
  },
  'gnupg-version-bug': {
    clauses: [
      supports(4.4, seen('scdaemon-crashed'), 'scdaemon crashed'),
      supports(2.4, both(either(gnupgWithin('2.2.24', '2.2.25'), gnupgWithin('2.2.28', '2.2.29'), gnupgWithin('2.3.0', '2.3.2'), gnupgWithin('2.4.7', '2.4.8'), gnupgWithin('2.5.7', '2.5.8'), gnupgWithin('2.2.36', '2.2.37'), gnupgWithin('2.3.7', '2.3.8')), either(gpgFails, seen('card-data-garbled'))), 'this gpg has a known fault with cards'),
      supports(1, both(seen('older-gnupg-cures'), seen('gpg-failed', ({ era }) => era === 'before-2.2.20')), 'and neither of the two is 2.3, where the way back to pcscd ended'),
      supports(2.4, unless(seen('older-gnupg-cures'), gnupgWithin('2.3.0', '9'), seen('pcsc-downgraded')), 'an older release of the same series works'),
      supports(3.8, both(seen('known-curve-refused'), either(gpgFails, seen('scdaemon-no-application'))), 'scdaemon refuses a curve that it knows, and with it the card: a fault of one release'),
      supports(2.8, seen('card-data-garbled'), 'gpg reads the card\'s data at the wrong place'),
      supports(3, seen('keytocard-time-refused'), 'gpg and its agent disagree on how the time of a key is handed over: a fault of some releases'),
      supports(3, scdaemonGot(INVALID_PARAMETER), 'scdaemon hands PC/SC a structure of another size: it was built wrongly for this system'),
      supports(1.2, gpgSays('eof'), 'scdaemon ended while it was asked'),
      supports(0.7, both(gpgSays('card-error', 'no-daemon', 'input-output', 'general'), seen('after-upgrade')), 'it began with an upgrade'),
      supports(0.3, gpgSays('card-error'), 'some releases fail so with some cards'),
    ],
    decidedBy: 'the same with the current release.',
    next: ['gpg --version', 'journalctl -k | grep scdaemon'],
  },
  'scdaemon-not-installed': {
    clauses: [
      supports(5, seen('scdaemon-not-installed'), 'the program scdaemon is not there'),
      supports(2.6, scdaemonSupplied, 'scdaemon was missing, or installing it is what was tried'),
      supports(2.1, gpgSays('no-daemon'), 'gpg says this when there is no scdaemon: many distributions package it apart'),
      supports(1, seen('scdaemon-start-failed'), 'gpg-agent could not start scdaemon'),
      supports(3, seen('scdaemon-not-executed'), 'gpg-agent could not execute scdaemon: it is not where it should be'),
      excludes(3, unless(gpgReachesNoCard, scdaemonSupplied), 'scdaemon is there: it found no card'),
      excludes(4, either(seen('scdaemon-ready'), seen('scdaemon-pcsc-failed'), seen('scdaemon-option-refused'), seen('scdaemon-ended-at-start'), seen('process', ({ program }) => program === 'scdaemon')), 'scdaemon is there and runs'),
      supports(0.6, seen('agent-empty'), 'without scdaemon gpg-agent has no key of a card to show'),
      supports(1.2, both(seen('agent-empty'), seen('agent-already-running')), 'gpg-agent runs, and reaches no card'),
      supports(1.4, both(seen('fedora'), seen('after-upgrade'), either(gpgFails, seen('trouble-told'))), 'new releases of Fedora package scdaemon apart'),
    ],
    decidedBy: 'whether the path in gpgconf --list-components exists.',
    next: ['gpgconf --list-components', 'cardcheck'],
  },
  'gnupg-home-unusable': {
    clauses: [
      supports(3.4, seen('gnupg-home-locking'), 'the home directory is on a file system where gpg cannot lock or make sockets as it wants to'),
      supports(3, seen('gnupg-home-bad'), 'gpg cannot use its home directory or sockets'),
      supports(0.8, gpgSays('no-daemon', 'no-agent'), 'the daemons cannot make their sockets'),
      excludes(2, seen('scdaemon-option-refused'), 'scdaemon found its home and read its configuration'),
    ],
    decidedBy: 'file system, owner and mode of the home directory and the socket directory.',
    next: ['gpgconf --list-dirs', 'stat -f "$(gpgconf --list-dirs homedir)"', 'cardcheck'],
  },
  'agent-socket-taken': {
    clauses: [
      decides(seen('agent-hijacked'), 'another program has taken the agent\'s place', 5),
      supports(3, seen('agent-socket-foreign'), 'the agent\'s socket is fed by something else'),
      supports(2.8, both(seen('wsl-systemd'), either(gpgFails, inWsl)), 'systemd in WSL starts an agent of its own on the socket that was forwarded'),
      supports(2.4, seen('agent-already-running'), 'an agent runs already'),
      supports(2.4, both(seen('agent-forwarded'), either(seen('gnupg-home-bad'), gpgSays('no-agent', 'no-device', 'no-daemon'))), 'an agent is forwarded to this place, and what answers on its socket is not that one'),
      supports(0.8, seen('wsl-systemd'), 'systemd starts an agent by itself'),
    ],
    decidedBy: 'which process listens on the agent\'s socket.',
    next: ['gpgconf --list-dirs agent-socket', 'ss -xlp | grep S.gpg-agent'],
  },
  'agent-not-used': {
    clauses: [
      supports(3.2, seen('agent-not-in-use'), 'ssh talks to another agent, or to none'),
      supports(0.9, both(seen('ssh-refused'), gpgSays('no-agent')), 'the agent was not reached'),
      excludes(2.5, seen('pkcs11-provider'), 'ssh-agent with a PKCS#11 library is in use, on purpose'),
      supports(0.5, unless(seen('ssh-refused'), either(gpgFails, anyoneGot(VIOLATION), seen('client-failed', ({ client }) => client !== 'ssh'))), 'the key was not offered'),
      excludes(2, seen('card-key-offered'), 'it is gpg-agent that ssh talks to: it offers the key of a card'),
      excludes(1.5, seen('pin-locked'), 'the agent was reached'),
      excludes(1.5, scdaemonSupplied, 'the agent was reached, and scdaemon was what it lacked'),
      supports(2.2, seen('agent-empty'), 'the agent that ssh talks to has no key'),
      excludes(0.8, both(seen('agent-empty'), seen('agent-already-running')), 'gpg-agent runs, and it has no key to show while it reaches no card'),
    ],
    decidedBy: 'SSH_AUTH_SOCK against gpgconf --list-dirs agent-ssh-socket.',
    next: ['echo "$SSH_AUTH_SOCK"', 'gpgconf --list-dirs agent-ssh-socket'],
  },
} satisfies Record<string, CauseRule>;
