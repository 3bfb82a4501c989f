import { type CauseRule, decides, excludes, supports } from '../cause.ts';
import { atLeast, type Query } from '../clause.ts';
import {
  anyoneGot, both, cardAnswers, clientGot, clientVague, COMM_ERROR, connected, either, gpgFails, gpgReachesNoCard, gpgSays, gpgVague, interfaceBusy, INVALID_HANDLE, killed, mentioned, NO_READERS, NO_MEMORY, NO_SMARTCARD, NOT_TRANSACTED, oldConnectFailure, onlyTold, onMac, onWindows, option, optionCures, otherFails, pcscdGave, pcscWithin, present, REMOVED, RESET,
  saidToHold, scdaemonGot, scdaemonLostService, seen, sharerAtWork, sharingViolation, UNAVAILABLE, unitIs, UNKNOWN_READER, unless, UNRESPONSIVE, violationOfOther, VIOLATION,
} from './queries.ts';

const LIVE = 'cardcheck';
const LIST_CLIENTS = 'sudo lsof -n +E -aU -p "$(cat /run/pcscd/pcscd.pid)"';

/** gpg never got to PC/SC at all, so no PC/SC lock can be what stops it. */
const notReached = [
  excludes(3, gpgSays('no-service', 'no-daemon', 'no-agent'), 'this fails before any card is connected, so no lock is involved'),
  excludes(3, anyoneGot(0x8010001d, 0x8010001e), 'the PC/SC service itself was not usable; no lock was reached'),
  excludes(3, seen('polkit-refused'), 'pcscd refused the client before it could meet a lock'),
  excludes(1.5, seen('service-unusable'), 'the PC/SC service itself was not usable; no lock was reached'),
];

/** The same log shows a shared connect that worked and an EXCLUSIVE one that did not: nobody held the reader alone. */
const onlyExclusiveRefused = both(seen('spy-connected', ({ mode }) => mode === 'SHARED'), seen('spy-failed', ({ code, mode }) => code === VIOLATION && mode === 'EXCLUSIVE'));

/**
 * pcscd calls a reader that one program holds alone exclusive, at its error level; an EXCLUSIVE connect that meets
 * shared handles it refuses without a word but the code, at its debug level (pcsc-lite src/winscard.c, SCardConnect).
 */
const refusedBySharing = unless(pcscdGave(VIOLATION), seen('pcscd-reader-exclusive'));

/** The device itself does not answer: no lock is needed for programs to fail. */
const busFails = unless(either(seen('usb-failed', ({ error }) => /NO_DEVICE|_IO\b|PIPE|TIMEOUT|OVERFLOW/.test(error)), seen('kernel-usb-trouble')), interfaceBusy, sharingViolation, scdaemonGot(VIOLATION));

/** GnuPG 1 drives readers by itself: what it meets is, as a rule, the scdaemon of GnuPG 2. */
const gpg1Refused = both(seen('gpg1-drives-reader'), scdaemonGot(VIOLATION));

const exclusiveRefused = seen('pcsc-code', ({ code, by }) => code === VIOLATION && (by === 'exclusive-app' || by === 'agent'));

/**
 * An agent that keeps an EXCLUSIVE connection loses the card under it (a failed transfer is SCARD_E_NOT_TRANSACTED in
 * pcsc-lite, which bindings call a non-existent transaction) and connects again without having closed the old one.
 */
const reconnectsOverItself = both(exclusiveRefused, either(anyoneGot(NOT_TRANSACTED, REMOVED, RESET), unless(connected('exclusive'), connected('scdaemon', 'shared'))));

/** Of programs that take cards EXCLUSIVE one is refused and one is named: that is itself, unless a listing shows it connected. */
const onlyItselfNamed: Query = (book) => {
  const named = seen('mentioned', ({ role }) => role === 'exclusive')(book);
  const programs = new Set(book.all('mentioned').flatMap(({ observation: { program, role } }) => (role === 'exclusive' ? [program] : [])));
  return programs.size === 1 && connected('exclusive')(book).length === 0 && exclusiveRefused(book).length > 0 ? named : [];
};

/** Programs that end scdaemon to get at the card (ykman pcsc kill_scdaemon, and what is built on it; age-plugin-yubikey key.rs). */
const endsScdaemon = either(seen('mentioned', ({ program }) => /yubioath|authenticator|ykman|age-plugin/.test(program)), seen('client-failed', ({ client }) => client === 'ykman' || client === 'age'), seen('after-tool'));

export const sharingRules = {
  'scdaemon-holds-card': {
    clauses: [
      supports(2.4, unless(violationOfOther, seen('gpg-failed'), gpgFails), 'a program other than gpg met a reader held EXCLUSIVE; scdaemon is the usual holder'),
      supports(2.2, both(otherFails, sharingViolation, either(gpgFails)), 'another program met a lock and gpg is in use here too'),
      supports(2, both(either(seen('client-failed', ({ client }) => client !== 'agent'), clientGot(VIOLATION)), either(killed('scdaemon', 'gpg-agent'), seen('scdaemon-commanded'))), 'the other program fails and scdaemon is at work or had to be ended'),
      supports(2, both(otherFails, seen('reader-mode', ({ mode }) => mode === 'exclusive')), 'the reader is taken EXCLUSIVE while another program fails'),
      supports(1, seen('reader-mode', ({ mode }) => mode === 'exclusive'), 'the reader is taken EXCLUSIVE; scdaemon is the usual holder'),
      supports(1.6, killed('scdaemon', 'gpg-agent'), 'ending scdaemon releases what it holds'),
      supports(2, both(otherFails, present('scdaemon')), 'another program fails and scdaemon is running'),
      supports(2.5, both(sharingViolation, connected('scdaemon')), 'scdaemon is connected to pcscd while another program meets a lock'),
      supports(0.9, seen('client-failed', ({ client }) => ['age', 'ykman', 'yubico-piv-tool', 'pkcs11'].includes(client)), 'a program that shares could not open a key that is plugged in'),
      supports(0.6, clientVague, 'a program reached no card, and does not tell why'),
      supports(0.6, seen('no-token'), 'a program sees the reader or library but no token: as if somebody held the card'),
      supports(2.6, both(otherFails, saidToHold('scdaemon')), 'gpg is said to keep the card from another program'),
      supports(1.4, saidToHold('scdaemon'), 'gpg is said to keep the card'),
      supports(1.8, both(otherFails, seen('after-gpg')), 'the other program fails once gpg has used the card, and scdaemon keeps it'),
      supports(1.6, both(unless(seen('after-gpg'), gpgFails), either(onlyTold, seen('replug-cures'))), 'it fails once gpg has used the card, and scdaemon keeps it'),
      supports(2, unless(seen('both-told'), seen('pin-asked-again')), 'gpg and a program for another application of the token keep each other out'),
      supports(0.8, seen('scdaemon-commanded'), 'scdaemon was asked to work, and it keeps the card afterwards'),
      supports(1.2, unless(seen('scdaemon-opened-by-pcsc'), option('pcsc-shared')), 'scdaemon has opened the card through PC/SC, EXCLUSIVE, and keeps it afterwards'),
      supports(1, seen('spy-failed', ({ code, mode, ownHandles }) => code === VIOLATION && mode === 'EXCLUSIVE' && ownHandles === 0), 'an EXCLUSIVE connect was refused, by whoever has a handle'),
      supports(2.4, seen('spy-failed', ({ code, mode, ownHandles }) => code === VIOLATION && mode !== 'EXCLUSIVE' && mode !== null && ownHandles === 0), 'a connect that would have shared was refused: somebody else holds the reader EXCLUSIVE'),
      supports(4.2, gpg1Refused, 'gpg 1 was refused the card; the scdaemon of GnuPG 2 keeps it EXCLUSIVE'),
      excludes(2, unless(scdaemonGot(VIOLATION), gpg1Refused), 'scdaemon is the one that was refused'),
      supports(0.55, onlyTold, 'gpg may keep the key'),
      supports(1, both(seen('ssh-refused'), seen('pkcs11-provider')), 'the library could not use the key, as when gpg keeps it'),
      excludes(1.5, clientGot(NO_SMARTCARD), 'the reader let the program in, and is empty'),
      excludes(1, seen('scdaemon-killed-by-tool'), 'the tool has ended scdaemon already'),
      excludes(2, unless(gpgReachesNoCard, otherFails, seen('both-told')), 'gpg itself cannot reach the card'),
      excludes(1.5, onlyExclusiveRefused, 'a shared connect to a reader worked'),
      excludes(1.5, both(sharingViolation, seen('reader-mode', ({ mode }) => mode === 'shared')), 'the reader is shared, so nobody holds it alone'),
      excludes(3, interfaceBusy, 'the fight is about the USB interface, below PC/SC'),
      excludes(2, refusedBySharing, 'pcscd did not call the reader exclusive'),
      excludes(1.2, busFails, 'the device does not answer on the bus'),
      excludes(1.2, seen('own-handle-leaked'), 'the refused program is an agent that keeps the card itself'),
      excludes(1.5, connected('exclusive'), 'another program that takes cards EXCLUSIVE is connected'),
      excludes(1.5, both(onMac, seen('macos-ctk')), 'a macOS service that opens cards is named'),
      excludes(1.5, either(seen('reader-connects'), seen('card-not-recognised')), 'the reader let the program in'),
      excludes(1.2, seen('remedy-in-vain', ({ target }) => target === 'scdaemon' || target === 'gpg-agent'), 'ending scdaemon did not help'),
      excludes(1.2, seen('other-commands-work'), 'other commands of the same program get in'),
      ...notReached,
    ],
    decidedBy: 'scdaemon lists a card as open, or is the only other client of pcscd.',
    next: [LIVE, "gpg-connect-agent --no-autostart 'GETINFO scd_running' /bye", LIST_CLIENTS],
  },
  'other-client-blocks-scdaemon': {
    clauses: [
      supports(3, both(scdaemonGot(VIOLATION), connected('shared')), 'scdaemon was refused the EXCLUSIVE connect it needs while other programs were connected'),
      supports(4.2, scdaemonGot(VIOLATION), 'scdaemon insists on an EXCLUSIVE connect and was refused: somebody has a handle'),
      supports(2, both(gpgReachesNoCard, unless(pcscdGave(VIOLATION), seen('pcscd-reader-exclusive'))), 'gpg reached no card and pcscd refused a connect because of other handles'),
      supports(2.6, both(gpgFails, seen('reader-mode', ({ mode }) => mode === 'shared')), 'the reader is shared by somebody while gpg fails, and gpg wants it EXCLUSIVE'),
      supports(2, both(gpgFails, sharerAtWork), 'gpg fails and a program that shares the card is at work'),
      supports(1.2, unless(both(gpgFails, present('exclusive')), seen('client-failed')), 'gpg fails and a program that takes the card EXCLUSIVE is at work'),
      supports(2.5, both(gpgFails, seen('spy-failed', ({ code, mode }) => code === VIOLATION && mode === 'EXCLUSIVE')), 'the connect that was refused asked for EXCLUSIVE, as scdaemon does'),
      supports(1.4, both(gpgFails, clientGot(VIOLATION)), 'the reader is in use while gpg fails'),
      supports(0.5, gpgVague, 'gpg does not reach the card, and does not tell why'),
      supports(0.6, both(seen('ssh-refused'), seen('card-key-offered')), 'gpg-agent knows the key of the card, and could not use it'),
      supports(1.3, gpgReachesNoCard, 'gpg says this for every connect that fails, a refused EXCLUSIVE one included'),
      supports(3, optionCures('pcsc-shared', 'shared-access'), 'pcsc-shared, which lets gpg share, is what helped'),
      supports(1.6, both(option('pcsc-shared'), seen('cure-told')), 'pcsc-shared, which lets gpg share, is in a configuration that helped'),
      supports(2.2, both(gpgFails, saidToHold('shared', 'exclusive')), 'another program is said to keep the card from gpg'),
      supports(1.2, both(gpgFails, seen('closing-cures')), 'it works when another program is closed'),
      supports(0.8, both(seen('closing-cures'), present('shared')), 'a program that keeps the card open is named'),
      supports(1.2, both(seen('closing-cures'), mentioned('shared', 'exclusive')), 'it works when another program is closed'),
      supports(1.4, both(gpgFails, seen('uninstall-cures')), 'gpg works without another program for cards'),
      supports(0.6, both(gpgReachesNoCard, killed('pcscd', 'holder')), 'restarting pcscd throws every client out'),
      supports(0.8, option('pcsc-shared'), 'pcsc-shared is the setting for exactly this'),
      supports(0.7, oldConnectFailure, 'gpg up to 2.1.15 says this of every reader that it cannot open, too'),
      supports(1.8, both(gpgFails, seen('cure-until-boot'), killed('pcscd', 'scdaemon', 'gpg-agent')), 'it helps until the next session: what starts with one takes the card again'),
      supports(0.8, both(gpgReachesNoCard, onWindows), 'services of Windows share every card that is inserted, and gpg wants it EXCLUSIVE'),
      supports(2.2, unless(both(option('shared-access'), onMac), gpgSays('no-daemon')), 'shared-access is what GPG Suite for the Mac calls pcsc-shared'),
      supports(0.8, both(gpgFails, unless(pcscdGave(VIOLATION), seen('pcscd-reader-exclusive'))), 'pcscd refused a connect without calling the reader exclusive: the connect asked for EXCLUSIVE while others share'),
      supports(1.4, seen('both-told'), 'gpg and a program for another application of the token keep each other out'),
      excludes(1.5, unless(seen('pin-asked-again'), gpgReachesNoCard, scdaemonGot(VIOLATION)), 'gpg asks for the PIN, so it reached the card'),
      excludes(3, seen('pcscd-reader-exclusive'), 'pcscd writes this only when one program holds the reader EXCLUSIVE; sharing ones are not the reason'),
      excludes(1.5, unless(connected('exclusive'), connected('shared')), 'what is connected takes cards EXCLUSIVE'),
      excludes(1.5, interfaceBusy, 'the fight is about the USB interface, below PC/SC'),
      excludes(1.2, both(option('pcsc-shared'), option('disable-ccid')), 'scdaemon is told to share'),
      excludes(1.2, busFails, 'the device does not answer on the bus'),
      excludes(1, seen('scdaemon-uses-usb'), 'this scdaemon drives the reader over USB, without PC/SC'),
      excludes(1.5, gpg1Refused, 'it was gpg 1 that was refused, not scdaemon'),
      ...notReached,
    ],
    decidedBy: 'the list of pcscd\'s clients at the moment gpg fails, or a scdaemon log with pcsc_connect failed: sharing violation.',
    next: [LIVE, LIST_CLIENTS],
  },
  'other-client-holds-card': {
    clauses: [
      supports(3.2, both(either(sharingViolation, otherFails, scdaemonGot(VIOLATION)), connected('exclusive')), 'a program that takes cards EXCLUSIVE is connected to pcscd'),
      supports(2.2, unless(both(either(sharingViolation, scdaemonGot(VIOLATION), seen('client-failed', ({ client }) => client !== 'agent' && client !== 'ssh')), present('exclusive')), seen('own-handle-leaked')), 'a program that takes cards EXCLUSIVE is at work'),
      supports(3.6, both(either(scdaemonGot(VIOLATION), gpgReachesNoCard), seen('pcscd-reader-exclusive')), 'gpg is refused, and pcscd says that the reader is held EXCLUSIVE'),
      supports(1.6, both(gpgReachesNoCard, present('exclusive')), 'gpg reaches no card while a program that takes cards EXCLUSIVE is at work'),
      supports(1.5, unless(violationOfOther, present('scdaemon')), 'a reader held EXCLUSIVE, and no scdaemon in sight'),
      supports(0.8, seen('reader-mode', ({ mode }) => mode === 'exclusive'), 'the reader is taken EXCLUSIVE'),
      supports(2, seen('spy-failed', ({ code, mode, ownHandles }) => code === VIOLATION && mode !== 'EXCLUSIVE' && mode !== null && ownHandles === 0), 'a connect that would have shared was refused: somebody else holds the reader EXCLUSIVE'),
      supports(1.2, unless(seen('lock-told'), sharingViolation), 'a program is said to lock the card for all others'),
      supports(2.4, saidToHold('exclusive'), 'a program that takes cards EXCLUSIVE is said to keep this one'),
      supports(1.2, both(otherFails, saidToHold('shared')), 'a program is said to keep the card'),
      supports(1.8, both(onlyTold, mentioned('exclusive'), mentioned('shared')), 'a program that takes cards EXCLUSIVE is named beside one that finds no card'),
      supports(0.8, both(onlyTold, mentioned('exclusive')), 'a program that takes cards EXCLUSIVE is named'),
      supports(1.2, unless(seen('uninstall-cures'), gpgFails, onMac), 'it works without another program for cards'),
      supports(1, seen('installed-then-lost'), 'it stopped when another program for cards was installed'),
      supports(1.5, both(killed('holder'), present('exclusive')), 'ending a program that takes cards EXCLUSIVE is what was tried'),
      supports(1.6, both(either(otherFails, gpgFails), seen('reader-mode', ({ mode }) => mode === 'exclusive')), 'the reader is taken EXCLUSIVE'),
      supports(1, killed('holder'), 'ending a program that holds the card helped'),
      supports(0.8, scdaemonGot(VIOLATION), 'scdaemon was refused'),
      supports(0.8, seen('scdaemon-killed-by-tool'), 'the tool looked for holders'),
      excludes(2, refusedBySharing, 'pcscd did not call the reader exclusive'),
      excludes(2.5, unless(onlyItselfNamed, reconnectsOverItself), 'the only program named that takes cards EXCLUSIVE is of the kind that was refused'),
      excludes(2.5, reconnectsOverItself, 'the refused program had lost its own connection just before'),
      excludes(1.2, seen('other-commands-work'), 'other commands of the same program get in'),
      ...notReached,
    ],
    decidedBy: 'the list of pcscd\'s clients while the reader is EXCLUSIVE.',
    next: [LIVE, LIST_CLIENTS],
  },
  'other-client-blocks-exclusive-app': {
    clauses: [
      supports(3, both(either(seen('pcsc-code', ({ code, by }) => code === VIOLATION && by === 'exclusive-app'), seen('client-failed', ({ client }) => client === 'agent')), either(connected('shared'), seen('process', ({ role }) => role === 'shared'))), 'a program that insists on EXCLUSIVE was refused while others share the reader'),
      supports(1.6, seen('pcsc-code', ({ code, by }) => code === VIOLATION && by === 'exclusive-app'), 'the refused program insists on EXCLUSIVE: any other handle is enough'),
      supports(1, both(seen('pcsc-code', ({ code, by }) => code === VIOLATION && by === 'exclusive-app'), seen('clients-listed')), 'the holder had to be looked for among pcscd\'s clients: it was not an obvious one'),
      supports(1, both(seen('pcsc-code', ({ code, by }) => code === VIOLATION && by === 'exclusive-app'), seen('mentioned', ({ role }) => role === 'shared')), 'programs that share are named'),
      supports(2, both(seen('pcsc-code', ({ code, by }) => code === VIOLATION && by === 'exclusive-app'), either(seen('reader-mode', ({ mode }) => mode === 'shared'), seen('closing-cures'))), 'the refused program insists on EXCLUSIVE, and others share the reader'),
      supports(3, both(unless(seen('mentioned', ({ role }) => role === 'exclusive'), gpgFails, sharingViolation), seen('exclusive-told')), 'a program is said to insist on EXCLUSIVE while others use the card'),
      supports(2, seen('spy-failed', ({ code, mode }) => code === VIOLATION && mode === 'EXCLUSIVE'), 'an EXCLUSIVE connect was refused: one shared handle is enough for that'),
      supports(2, onlyExclusiveRefused, 'a shared connect worked, an EXCLUSIVE one was refused: others share the reader'),
      supports(2.4, unless(refusedBySharing, gpgFails), 'pcscd refused a connect without calling the reader exclusive: the connect asked for EXCLUSIVE while others share'),
      supports(1.2, both(clientGot(VIOLATION), present('exclusive'), present('shared')), 'an EXCLUSIVE program and sharing ones meet'),
      ...notReached,
    ],
    decidedBy: 'the number of handles on the reader: 1 or more means shared, EXCLUSIVE means somebody took it alone.',
    next: [LIVE, LIST_CLIENTS],
  },
  'other-client-holds-transaction': {
    clauses: [
      supports(2.6, unless(seen('pcscd-lock-wait'), seen('pcscd-lock-released')), 'pcscd lets a connect wait for a transaction, and it was not released'),
      supports(1.5, seen('pcscd-lock-wait'), 'pcscd lets a connect wait: somebody has a transaction open'),
      supports(3, seen('spy-waited'), 'a PC/SC call waited for somebody else\'s transaction'),
      supports(2, seen('spy-unfinished', ({ call }) => /Connect|BeginTransaction|Status|Reconnect|Transmit/.test(call)), 'a PC/SC call never returned'),
      supports(1.8, unless(seen('lock-told'), sharingViolation), 'a program is said to lock the card for all others'),
      supports(1.6, seen('hangs'), 'a call that waits for a transaction does not fail, it blocks without limit'),
      supports(0.8, both(seen('hangs'), present('shared')), 'a program that opens transactions is named'),
      excludes(1, sharingViolation, 'a transaction makes connects wait, not fail'),
      excludes(2, gpgReachesNoCard, 'gpg failed instead of waiting'),
      excludes(1, seen('usb-failed'), 'the USB layer fails below'),
      ...notReached,
    ],
    decidedBy: 'a DIRECT connect that blocks while the reader is shared.',
    next: [LIVE, LIST_CLIENTS],
  },
  'client-leaks-connection': {
    clauses: [
      decides(seen('spy-failed', ({ code, ownHandles }) => code === VIOLATION && ownHandles > 0), 'the program has an open handle on this reader itself, and its second connect was refused'),
      supports(2.4, anyoneGot(NO_MEMORY), 'one program has as many handles as pcscd gives it'),
      supports(1, anyoneGot(0x80100001), 'pcscd says this of a reader with as many handles as it keeps'),
      supports(4.5, seen('pcscd-too-many-contexts'), 'pcscd ran out of contexts or handles: somebody opens them and does not close them'),
      supports(2.6, both(seen('own-handle-leaked'), either(clientGot(VIOLATION))), 'the refused program is an agent that opens and keeps the card itself'),
      supports(1.2, unless(both(clientGot(VIOLATION), seen('reads-card')), gpgFails), 'the program read the reader or card itself just before'),
      supports(1.8, both(onlyItselfNamed, killed('holder')), 'the refused program had to be ended, and no other of its kind is named'),
      supports(3, reconnectsOverItself, 'the refused program keeps an EXCLUSIVE connection itself, lost it, and connects again beside it'),
      supports(2.4, unless(both(exclusiveRefused, connected('exclusive')), connected('scdaemon', 'shared')), 'the only program connected to pcscd is of the kind that was refused'),
      supports(2, unless(both(clientGot(VIOLATION), seen('works-once')), gpgFails), 'the first run works and the next meets a lock'),
      supports(0.8, clientGot(VIOLATION), 'a second handle of the same program counts like a stranger\'s'),
      supports(2.2, both(clientGot(VIOLATION), seen('own-process-told')), 'it is said to be the program\'s own connection'),
      excludes(1, connected('scdaemon', 'exclusive', 'shared'), 'other programs are connected'),
      supports(2.4, both(clientGot(VIOLATION), seen('other-commands-work')), 'other commands of the same program get in, so this one is in its own way'),
      ...notReached,
    ],
    decidedBy: 'all connections to the reader belong to the refused program itself.',
    next: [LIVE, LIST_CLIENTS, 'LIBPCSCLITE_DELEGATE=libpcscspy.so.0 PROGRAM   # with pcsc-spy running'],
  },
  'other-client-polls': {
    clauses: [
      supports(2.4, both(seen('polled'), either(seen('nss-module'), present('shared'))), 'a program that loads a PKCS#11 module looks for cards again and again'),
      supports(1.3, seen('polled'), 'the card is touched again and again'),
      supports(1, seen('nss-module'), 'a PKCS#11 module is registered, so every program with NSS or p11-kit loads it'),
      excludes(1.5, gpgFails, 'something fails, it is not only busy'),
      excludes(1, sharingViolation, 'a lock was met'),
    ],
    decidedBy: 'which process connects each time the light blinks.',
    next: ['p11-kit list-modules', 'journalctl -u pcscd -f', LIVE],
  },
  'other-tool-kills-scdaemon': {
    clauses: [
      supports(3.4, seen('scdaemon-killed-by-tool'), 'a tool ends or signals scdaemon to get at the card'),
      supports(1.4, unless(seen('scdaemon-killed-by-tool'), seen('client-failed', ({ client }) => client === 'ykman')), 'and it is not the tool that fails'),
      supports(3.6, seen('remedy', ({ chained, target }) => chained && (target === 'scdaemon' || target === 'gpg-agent')), 'scdaemon or its agent is ended as part of running a tool'),
      supports(0.8, seen('pin-asked-again'), 'the PIN state goes when scdaemon is ended'),
      supports(2.2, unless(both(seen('pin-asked-again'), endsScdaemon), option('pcsc-shared')), 'a program that ends scdaemon when it wants the card is at work'),
      supports(1, both(killed('scdaemon'), gpgSays('no-agent', 'bad-pin')), 'the PIN state went with scdaemon'),
    ],
    decidedBy: 'scdaemon\'s process number before and after the tool ran.',
    next: ["pgrep -x scdaemon", 'ykman --version'],
  },
  'multiple-scdaemon': {
    clauses: [
      supports(4.2, atLeast(2, seen('process', ({ program, pid }) => program === 'scdaemon' && pid !== null)), 'more than one scdaemon runs'),
      supports(3.6, seen('scdaemons-side-by-side'), 'two scdaemon write to this log by turns'),
      supports(2, both(seen('scdaemons-side-by-side'), either(scdaemonGot(VIOLATION), gpgReachesNoCard)), 'and one of them is refused'),
      supports(1.5, both(atLeast(2, seen('process', ({ program, pid }) => program === 'scdaemon' && pid !== null)), either(scdaemonGot(VIOLATION), gpgReachesNoCard)), 'and one of them is refused'),
      supports(2.6, seen('gpg-failed', ({ reason }) => reason === 'conflict'), 'another session uses the card through scdaemon'),
      supports(1.2, both(scdaemonGot(VIOLATION), seen('pcscd-reader-exclusive')), 'a reader held EXCLUSIVE refuses scdaemon: another scdaemon would hold it so'),
      supports(1.5, both(gpgFails, seen('agent-already-running')), 'more than one gpg-agent was started'),
      supports(2.2, both(gpgFails, seen('second-scdaemon-told')), 'another scdaemon is told of'),
      supports(1.6, both(gpgReachesNoCard, seen('other-home-told')), 'another home directory is in play, and every one has a scdaemon of its own'),
      excludes(2, seen('scdaemon-not-installed'), 'scdaemon is not there at all'),
    ],
    decidedBy: 'the number of scdaemon processes over all users.',
    next: ['pgrep -ax scdaemon', 'pgrep -ax gpg-agent', LIVE],
  },
  'scdaemon-stale': {
    clauses: [
      supports(3, either(scdaemonGot(RESET, REMOVED, INVALID_HANDLE, UNAVAILABLE, COMM_ERROR), scdaemonLostService), 'scdaemon\'s connection went bad under it: the card was reset or pcscd restarted'),
      supports(1.6, scdaemonGot(NOT_TRANSACTED, UNKNOWN_READER), 'scdaemon works with a reader or card that is not there any more'),
      supports(1.8, gpgSays('removed', 'reset'), 'scdaemon still knows a card that is gone'),
      supports(2.6, both(gpgFails, seen('scdaemon-stale-told')), 'scdaemon is told to be stuck'),
      supports(1, unless(seen('scdaemon-stale-told'), gpgFails), 'scdaemon is told to be stuck'),
      supports(3.2, seen('daemon-outdated'), 'a daemon of an older release still runs: it was started before the upgrade'),
      supports(1.4, gpgSays('conflict'), 'scdaemon holds an old session'),
      supports(1.6, seen('general-of-gnupg2'), 'gpg has no word for what PC/SC told scdaemon: as for a connection that went bad'),
      supports(1.6, both(gpgFails, killed('scdaemon', 'gpg-agent')), 'gpg works again once scdaemon is restarted'),
      supports(1.4, unless(killed('scdaemon', 'gpg-agent'), otherFails, scdaemonGot(VIOLATION), seen('scdaemon-killed-by-tool'), seen('exclusive-told'), saidToHold('shared', 'exclusive', 'macos', 'scdaemon')), 'nothing but gpg is said to fail, and a new scdaemon helps'),
      supports(1.8, both(gpgFails, killed('pcscd'), killed('scdaemon', 'gpg-agent')), 'pcscd was restarted, and scdaemon with its dead connection had to be, too'),
      supports(1, both(gpgFails, seen('replug-cures')), 'it began when the key was plugged in again'),
      supports(0.9, gpgSays('not-present'), 'scdaemon does not see the card that is there'),
      supports(0.7, both(gpgFails, either(seen('after-sleep'), killed('pcscd'))), 'the service or device changed under scdaemon'),
      supports(0.6, gpgVague, 'gpg does not reach the card, and does not tell why'),
      supports(1.2, both(seen('ssh-refused'), seen('card-key-offered')), 'gpg-agent knows the key of the card, and could not use it'),
      supports(0.5, gpgReachesNoCard, 'gpg says this when its daemon holds a dead connection, too'),
      supports(1, gpgSays('eof'), 'the connection to scdaemon ended'),
      excludes(1.5, gpgSays('no-daemon', 'no-service'), 'scdaemon did not get so far'),
      excludes(2.5, scdaemonGot(NO_READERS), 'pcscd answered scdaemon, and had no reader for it'),
      excludes(2.6, seen('cure-until-boot'), 'it comes back with every session'),
      excludes(2, seen('remedy-in-vain', ({ target }) => target === 'scdaemon' || target === 'gpg-agent'), 'a new scdaemon did not help'),
    ],
    decidedBy: 'the same command works after gpgconf --kill scdaemon.',
    next: ['gpgconf --kill scdaemon   # the PIN is asked again', 'gpg --card-status'],
  },
  'shared-applet-switched': {
    clauses: [
      supports(3, both(gpgSays('card-error', 'bad-pin', 'not-present', 'input-output', 'general', 'not-supported', 'no-data'), option('pcsc-shared', 'shared-access')), 'scdaemon shares the card, and another program selected another applet'),
      supports(2, both(gpgSays('card-error', 'bad-pin'), present('shared')), 'another program uses the same card and gpg\'s commands are refused'),
      supports(2.2, unless(both(either(clientGot(RESET), scdaemonGot(RESET)), otherFails), either(seen('usb-failed'), seen('after-sleep'), seen('kernel-suspend'), seen('kernel-usb-reset'))), 'another program reset the card between two uses, and PIN and applet went with it'),
      supports(1.6, unless(seen('pin-asked-again'), killed('scdaemon', 'gpg-agent')), 'the PIN is asked again: whoever selects another applet or resets the card takes it away'),
      supports(2.2, unless(seen('applet-changed'), cardAnswers), 'the card does not know the command: another applet is selected'),
      supports(2, unless(seen('status-word', ({ sw }) => ['6D00', '6E00'].includes(sw)), cardAnswers), 'the card does not know the command: another applet is selected'),
      supports(2.2, both(gpgSays('card-error'), seen('status-word', ({ sw }) => ['6D00', '6E00'].includes(sw))), 'the command gpg failed with is one the selected applet does not know'),
      supports(1.4, both(gpgFails, seen('status-word', ({ sw }) => sw === '6982')), 'the PIN state is gone'),
      supports(2.2, seen('applet-told'), 'the change from one applet to another is the matter'),
      supports(2.4, both(seen('after-tool'), either(seen('ssh-refused'), gpgSays('card-error', 'bad-pin', 'general'))), 'it fails once a tool has used another applet of the same token'),
      supports(3, seen('scdaemon-reselected'), 'scdaemon found another applet selected and selected its own again'),
      supports(1.5, unless(gpgSays('card-error'), oldConnectFailure), 'the card answers, but not to gpg\'s applet'),
      supports(0.8, scdaemonGot(RESET), 'another program reset the card'),
      supports(0.6, option('pcsc-shared'), 'the card is shared'),
      excludes(2, gpgReachesNoCard, 'the card was not reached at all'),
      excludes(1.5, sharingViolation, 'a lock was met, so nothing is shared at that moment'),
      supports(1.2, both(seen('both-told'), seen('pin-asked-again')), 'two applications of one token are used in turn, and the PIN of one goes with the other'),
    ],
    decidedBy: 'a scdaemon log (debug cardio) with 6D00 or 6E00 after another program used the card.',
    next: ['gpgconf --kill scdaemon   # the PIN is asked again', LIST_CLIENTS],
  },
  'macos-ctk-holds-card': {
    clauses: [
      supports(4.2, seen('macos-ctk-refused'), 'macOS\'s own token service has the card'),
      supports(2.4, both(seen('macos-ctk'), either(sharingViolation, otherFails, anyoneGot(UNRESPONSIVE))), 'macOS\'s own token service is involved and a program meets a lock'),
      supports(2.4, both(seen('macos-ctk'), scdaemonGot(VIOLATION)), 'macOS\'s own token service has cards open, and scdaemon was refused the EXCLUSIVE connect it needs'),
      supports(1.6, both(onMac, scdaemonGot(VIOLATION)), 'on macOS the system itself opens cards that are inserted'),
      supports(2.4, both(seen('macos-ctk'), gpgSays('no-device')), 'macOS\'s own token service has cards open, and gpg cannot reach one'),
      supports(1.6, unless(both(seen('macos-ctk'), seen('mentioned', ({ role }) => role === 'macos')), seen('macos-reader-listed'), sharingViolation, otherFails, anyoneGot(UNRESPONSIVE)), 'macOS\'s own token service is named'),
      supports(1.2, both(onMac, either(sharingViolation, clientGot(VIOLATION))), 'on macOS the system itself opens cards that are inserted'),
      supports(1, seen('remedy', ({ target }) => target === 'macos-service'), 'ending macOS\'s service helped'),
      supports(2.2, both(either(onMac, seen('macos-ctk')), either(seen('uninstall-cures'), seen('installed-then-lost'))), 'a program that brings a token extension makes the difference'),
      supports(2.8, saidToHold('macos'), 'a token service of macOS is said to take the card'),
      supports(0.7, both(onMac, gpgReachesNoCard), 'on macOS the system itself opens cards that are inserted'),
      supports(1.6, both(onMac, gpgReachesNoCard, seen('piv-certificate-told')), 'macOS opens a card for the certificates on it'),
      supports(2.2, unless(both(onMac, scdaemonGot(VIOLATION)), present('shared', 'exclusive')), 'on macOS the system itself opens cards that are inserted, and no other program is named'),
      supports(0.8, clientGot(VIOLATION), 'on macOS the system itself opens cards that are inserted'),
      excludes(2.2, either(seen('pcscd-reader-exclusive'), seen('pcscd-authorized'), pcscdGave(VIOLATION), seen('pcscd-protocol'), seen('usb-failed'), unitIs('active', 'inactive'), pcscWithin('1.0', '9')), 'this is pcsc-lite, so not macOS'),
      excludes(1, seen('environment', ({ is }) => is === 'windows' || is === 'wsl' || is === 'container'), 'this is not macOS'),
      ...notReached,
    ],
    decidedBy: 'the list of processes that have the card open on the Mac, at the moment of the violation.',
    next: ['system_profiler SPSmartCardsDataType', "log show --last 5m --predicate 'process == \"ctkd\" OR process == \"com.apple.ctkpcscd\"'"],
  },
} satisfies Record<string, CauseRule>;
