/** Questions several causes ask. */
import { both, either, seen, unless, versionWithin, type Query } from '../clause.ts';
import type { GpgReason, Role } from '../observation.ts';

export const VIOLATION = 0x8010000b;
export const NO_SERVICE = 0x8010001d;
export const SERVICE_STOPPED = 0x8010001e;
export const NO_READERS = 0x8010002e;
export const UNKNOWN_READER = 0x80100009;
export const UNAVAILABLE = 0x80100017;
export const SECURITY_VIOLATION = 0x8010006a;
export const UNRESPONSIVE = 0x80100066;
export const UNPOWERED = 0x80100067;
export const RESET = 0x80100068;
export const REMOVED = 0x80100069;
export const NO_SMARTCARD = 0x8010000c;
export const INVALID_HANDLE = 0x80100003;
export const INVALID_PARAMETER = 0x80100004;
export const INVALID_VALUE = 0x80100011;
export const COMM_ERROR = 0x80100013;
export const PROTO_MISMATCH = 0x8010000f;
export const NOT_TRANSACTED = 0x80100016;
export const NO_MEMORY = 0x80100006;
export const UNSUPPORTED_CARD = 0x80100065;
export const COMM_DATA_LOST = 0x8010002f;

/** gpg or scdaemon failed for one of these reasons. */
export const gpgSays = (...reasons: readonly GpgReason[]): Query => seen('gpg-failed', ({ reason }) => reasons.includes(reason));
/** scdaemon's own PC/SC call ended with this code. */
export const scdaemonGot = (...codes: readonly number[]): Query => seen('scdaemon-pcsc-failed', ({ code }) => codes.includes(code));
/** A program other than gpg got this code from PC/SC, as it says itself. */
export const clientGot = (...codes: readonly number[]): Query => seen('pcsc-code', ({ code, by }) => codes.includes(code) && by !== 'gpg' && by !== 'pcscd');
/** pcscd gave this code to a client it does not name. */
export const pcscdGave = (...codes: readonly number[]): Query => seen('pcsc-code', ({ code, by }) => codes.includes(code) && by === 'pcscd');
export const anyoneGot = (...codes: readonly number[]): Query => either(scdaemonGot(...codes), seen('pcsc-code', ({ code }) => codes.includes(code)), seen('spy-failed', ({ code }) => codes.includes(code)));

/** Calls that a program can make only with a context it was given: the service answered then. */
const LATER_CALL = /Begin|EndTransaction|Transmit|Status|Reconnect|Disconnect|Control|ListReaders/;
const isLater = ({ call }: { call: string | null }): boolean => call !== null && LATER_CALL.test(call);
/** scdaemon had a context, which is what it asks for first (scd/apdu.c). */
const hadContext = ({ call }: { call: string }): boolean => !/establish/i.test(call);
const gone = (code: number): boolean => code === NO_SERVICE || code === SERVICE_STOPPED;
/** The service ended under scdaemon, which goes on with what it had. */
export const scdaemonLostService: Query = seen('scdaemon-pcsc-failed', (got) => gone(got.code) && hadContext(got));
/** The service went away under a program that had reached it. */
export const serviceLost: Query = either(scdaemonLostService, seen('pcsc-code', (got) => gone(got.code) && isLater(got)));
/** A daemon says so of a client's version when it is asked for a context; later it means that the service ended. */
export const stoppedAtStart: Query = either(seen('scdaemon-pcsc-failed', (got) => got.code === SERVICE_STOPPED && !hadContext(got)), seen('pcsc-code', (got) => got.code === SERVICE_STOPPED && !isLater(got)), seen('spy-failed', (got) => got.code === SERVICE_STOPPED && !isLater(got)));
/** The card was refused to a user and read as root. */
export const rootReads: Query = both(seen('run-as-root'), seen('gpg-failed'), seen('sound', ({ what }) => what === 'gpg read the card'));
/** A program had a connection to the card when it was taken from it. */
export const removedInUse: Query = seen('pcsc-code', (got) => got.code === REMOVED && got.by !== 'gpg' && isLater(got));
/** What the program knows by name or handle is no longer there: pcscd looks readers up by both (winscard.c, RFReaderInfo, RFReaderInfoById, RFCheckReaderStatus). */
export const readerLost: Query = either(clientGot(UNKNOWN_READER, INVALID_VALUE, INVALID_HANDLE, UNAVAILABLE), removedInUse);
const COMMAND_CALL = /Transmit|BeginTransaction|EndTransaction/;
/** The card is gone from under a program that had connected it. */
export const cardVanished: Query = seen('pcsc-code', ({ code, call }) => (code === REMOVED || code === NO_SMARTCARD) && call !== null && COMMAND_CALL.test(call));
/** A program connected a reader that has no card in it. */
export const readerEmpty: Query = seen('pcsc-code', ({ code, by, call }) => (code === REMOVED || code === NO_SMARTCARD) && by !== 'gpg' && by !== 'pcscd' && !(call !== null && COMMAND_CALL.test(call)));
/** The driver could not get a command to the card, or its answer back (pcsc-lite src/ifdwrapper.c, IFDTransmit). */
export const transferFailed: Query = either(anyoneGot(NOT_TRANSACTED, COMM_DATA_LOST), cardVanished);
/** Up to pcsc-lite 1.9.8 a daemon that refuses a client hangs up; that is before any call but the first. */
export const hungUpAtStart: Query = seen('pcsc-code', (got) => got.code === COMM_ERROR && got.by !== 'gpg' && got.by !== 'pcscd' && !isLater(got) && !/Connect/.test(got.call ?? ''));
/** Nobody answered a program that asked for the service. */
export const serviceMissing: Query = either(seen('scdaemon-pcsc-failed', (got) => got.code === NO_SERVICE && !hadContext(got)), seen('pcsc-code', (got) => got.code === NO_SERVICE && !isLater(got)), seen('spy-failed', ({ code }) => code === NO_SERVICE));

/** A program of this role is in a process listing or named. */
export const present = (...roles: readonly Role[]): Query => either(seen('process', ({ role }) => roles.includes(role)), mentioned(...roles));
/** Named, and not as the program that fails: who complains of a lock does not hold it. */
export const mentioned =
  (...roles: readonly Role[]): Query =>
  (book) => {
    const victims = new Set(book.all('mentioned').filter(({ observation }) => observation.fails).map(({ observation }) => observation.program));
    return seen('mentioned', ({ program, role }) => roles.includes(role) && !victims.has(program))(book);
  };
/** Commands that are over as soon as they have answered: who merely ran one keeps no card with it. */
const PASSING = /^(?:opensc-tool|pkcs11-tool|pkcs15-tool|pkcs11-register|yubico-piv-tool|nitropy|solo2)$/;
/** A program that shares cards and goes on running is named or listed. */
export const sharerAtWork: Query = (book) =>
  present('shared')(book).filter(({ observation }) => observation.name === 'process' || (observation.name === 'mentioned' && !PASSING.test(observation.program)));
/** Somebody says so in plain words. */
export const saidToHold = (...roles: readonly Role[]): Query => seen('said-to-hold', ({ role }) => roles.includes(role));
export const optionCures = (...names: readonly string[]): Query => seen('option-cures', ({ option: name }) => names.includes(name));
/** …in a listing of PC/SC users. */
export const connected = (...roles: readonly Role[]): Query => seen('process', ({ role, connected: users }) => users && roles.includes(role));

/** The card answers commands, so what it refuses in between is part of finding out what it is. */
export const cardAnswers: Query = either(seen('status-word', ({ sw }) => sw === '9000'), seen('sound', ({ what }) => what === 'gpg read the card'));

/** The card that gpg reached is of another kind; an agent that is told to do without scdaemon says the same of every card. */
export const cardNotSupported: Query = unless(gpgSays('not-supported'), seen('scdaemon-disabled'));

/** gpg could not reach the card at all; the reason is not in the message (scd/app.c turns every connect failure into ENODEV). */
export const gpgReachesNoCard: Query = gpgSays('no-device');
/** Up to GnuPG 2.1.15 scdaemon calls every reader that cannot be opened a card error (scd/command.c, open_card). */
export const oldConnectFailure: Query = unless(seen('gpg-failed', ({ reason, era }) => reason === 'card-error' && era === 'before-2.2.20'), seen('version', ({ of, version }) => of === 'gnupg' && versionWithin(version, '2.1.16', '9')), cardAnswers);
/** Without a way back to pcscd, or before it was tried: gpg ≤ 2.2 goes on through PC/SC, and nothing has failed. */
export const ownDriverFails: Query = unless(seen('scdaemon-usb-open-failed'), seen('scdaemon-opened-by-pcsc'));
/** gpg or scdaemon is the one that fails. */
export const gpgFails: Query = either(seen('gpg-failed'), seen('scdaemon-pcsc-failed'), ownDriverFails);
/** gpg fails with a card, for no reason that these lines give. */
export const gpgVague: Query = unless(gpgSays('other'), seen('gpg-failed', ({ reason }) => reason !== 'other'), seen('scdaemon-pcsc-failed'), ownDriverFails, seen('scdaemon-not-installed'), seen('scdaemon-start-failed'), seen('gnupg-home-bad'), seen('agent-not-in-use'), seen('pcsc-code'), seen('scdaemon-option-refused'));
/** Another program is the one that fails. */
export const otherFails: Query = either(seen('client-failed', ({ client }) => client !== 'pcsc_scan'), seen('pcsc-code', ({ by }) => by === 'client' || by === 'exclusive-app' || by === 'agent'));
export const onMac: Query = either(seen('environment', ({ is }) => is === 'macos'), seen('macos-ctk'), seen('macos-reader-listed'), seen('gpg-failed', ({ apple }) => apple));
export const inWsl: Query = seen('environment', ({ is }) => is === 'wsl');
/** And not in the Linux that it runs. */
export const onWindows: Query = unless(seen('environment', ({ is }) => is === 'windows'), inWsl);
export const inContainer: Query = seen('environment', ({ is }) => is === 'container');
export const inSandbox: Query = seen('environment', ({ is }) => is === 'snap' || is === 'flatpak' || is === 'appimage');
/** An AppImage brings its libraries and confines nothing. */
export const confined: Query = seen('environment', ({ is }) => is === 'snap' || is === 'flatpak' || is === 'firejail');
/** pcsc_scan got a context, and no reader is in what it printed. */
const emptyScan: Query = unless(seen('service-answers'), seen('reader-listed'), seen('sound', ({ what }) => what === 'a reader with a card is listed'));
export const unitIs = (...states: readonly string[]): Query => seen('unit', ({ state }) => states.includes(state));
/** By itself: what was told to end has not failed. */
export const pcscdDied: Query = unless(seen('pcscd-died'), seen('pcscd-told-to-end'));
/** pcscd did not come up, or nothing is there to start it. */
export const pcscdDown: Query = either(pcscdDied, seen('pcscd-configuration-broken'), unitIs('missing', 'failed', 'masked'));
/** A program asked pcscd and was given no reader. */
export const noReader: Query = either(clientGot(NO_READERS), scdaemonGot(NO_READERS), seen('no-reader'), emptyScan);
/** pcscd made a reader of the device, or a client sees it. */
export const readerSeen: Query = either(seen('pcscd-reader-added'), seen('pcscd-card-inserted'), seen('reader-listed'), seen('sound', ({ what }) => what === 'a reader with a card is listed'), seen('pcsc-works-told'));
/** A program reached no card, and does not print what PC/SC told it. */
export const clientVague: Query = unless(seen('client-failed', ({ client }) => client === 'other' || client === 'opensc'), seen('pcsc-code'), noReader, seen('no-token'), seen('service-unusable'), seen('java-no-terminal'), seen('card-unresponsive'), seen('card-mute'), seen('usb-failed'), seen('token-applet-missing'));
/** Somebody tells that it does not work, and nothing else here says more: every frequent cause is open. */
export const onlyTold: Query = unless(seen('trouble-told'), gpgFails, otherFails, noReader, seen('no-token'), seen('usb-failed'), seen('polkit-refused'), seen('pcscd-protocol-mismatch'), seen('pcscd-reader-exclusive'), seen('pcsc-code'), seen('hid-only'), seen('service-unusable'), seen('hangs'), seen('polled'), seen('java-no-terminal'), seen('pcscd-reader-failed'), seen('card-not-recognised'), seen('not-attached-told'));
/** The interface is claimed by somebody else. */
export const interfaceBusy: Query = either(seen('usb-failed', ({ op, error }) => op === 'claim' && error.includes('BUSY')), seen('scdaemon-claim-failed', ({ error }) => error.includes('BUSY')));
export const accessRefused: Query = either(seen('usb-failed', ({ op, error }) => op !== 'claim' && error.includes('ACCESS')), seen('scdaemon-usb-denied'));
/** Rights are looked at when a device is opened. A claim is refused so by macOS, where another driver has the interface (libusb darwin_usb.c, kIOReturnExclusiveAccess). */
export const claimRefused: Query = either(seen('usb-failed', ({ op, error }) => op === 'claim' && error.includes('ACCESS')), seen('scdaemon-claim-failed', ({ error }) => error.includes('ACCESS')));
export const option = (...names: readonly string[]): Query => seen('scdaemon-config', ({ option: name }) => names.includes(name));
export const gnupgWithin = (from: string, before: string): Query => seen('version', ({ of, version }) => of === 'gnupg' && versionWithin(version, from, before));
export const pcscWithin = (from: string, before: string): Query => seen('version', ({ of, version }) => of === 'pcsc-lite' && versionWithin(version, from, before));
export const ccidWithin = (from: string, before: string): Query => seen('version', ({ of, version }) => of === 'libccid' && versionWithin(version, from, before));
export const killed = (...targets: readonly string[]): Query => seen('remedy', ({ target, chained }) => targets.includes(target) && !chained);
export const pcscdWorks: Query = either(seen('pcscd-authorized'), seen('pcscd-card-inserted'), unitIs('active'), seen('pcscd-reader-added'));
export const sharingViolation: Query = either(clientGot(VIOLATION), pcscdGave(VIOLATION), seen('pcscd-reader-exclusive'));
/** The reader refused a client, and it was not gpg that complains. */
export const violationOfOther: Query = unless(either(clientGot(VIOLATION), seen('pcscd-reader-exclusive'), pcscdGave(VIOLATION)), gpgReachesNoCard, scdaemonGot(VIOLATION));
export { both, either, seen, unless };
