import { parseCode, pcscCodes } from '../../pcsc/codes.ts';
import type { Observation } from '../observation.ts';
import type { Sign } from '../sign.ts';

/** Whose call a line is about. A Go program on piv-go connects EXCLUSIVE always (piv-go piv/pcsc_unix.go), others as named. */
export function callerOf(text: string): Extract<Observation, { name: 'pcsc-code' }>['by'] {
  if (/scdaemon|\bgpg[\w-]*:|pcsc_\w+ failed/.test(text)) return 'gpg';
  // Its own log, not a sentence or a container's log that names it.
  if (/\bpcscd(?:\[\d+\])?: |winscard(?:_svc)?\.c|ContextThread|readerfactory\.c|for client \d/.test(text)) return 'pcscd';
  if (/"error":|could not reach YubiKey|couldn't open card|"card":/.test(text)) return 'agent';
  if (/connecting to smart card|connecting to psc|connecting to pcsc|yubikey-agent|piv-agent|\blpac\b|pcsc-relay|\bstep\b/.test(text)) return 'exclusive-app';
  return 'client';
}

/** Calls as bindings name them: pyscard's exceptions, the Rust crate's methods. */
const spokenCalls: readonly (readonly [RegExp, string])[] = [
  [/establish(?:ing)? context|EstablishContext/i, 'SCardEstablishContext'],
  [/list(?:ing)? readers|ListReaders/i, 'SCardListReaders'],
  [/(?:to|failed:?|while) transmit(?:ting)?\b/i, 'SCardTransmit'],
  [/status change/i, 'SCardGetStatusChange'],
];

const callOf = (text: string): string | null => /\bSCard[A-Z]\w+/.exec(text)?.[0] ?? spokenCalls.find(([pattern]) => pattern.test(text))?.[1] ?? null;

/**
 * Texts of PC/SC codes: pcsc_stringify_error of pcsc-lite (error.c), and the Windows texts that Go (piv-go),
 * Rust (pcsc crate) and Java bindings print on every system.
 */
const phrases: readonly (readonly [string, number])[] = [
  ['Sharing violation', 0x8010000b],
  ['because of other connections outstanding', 0x8010000b],
  ['Reader in use by another application', 0x8010000b],
  ['[IN USE]', 0x8010000b],
  ['SharingViolation', 0x8010000b],
  ['sharing_violation', 0x8010000b],
  ['Service was stopped', 0x8010001e],
  ['resource manager has shut down', 0x8010001e],
  ['ServiceStopped', 0x8010001e],
  ['Service not available', 0x8010001d],
  ['resource manager is not running', 0x8010001d],
  ['Smart card service is not running', 0x8010001d],
  ['Smartcard resource manager is not running', 0x8010001d],
  ['PCSC service is not', 0x8010001d],
  ['PC/SC service is not', 0x8010001d],
  ['smart card service is not', 0x8010001d],
  ['NoService', 0x8010001d],
  ['pcscd is not running', 0x8010001d],
  ['Cannot find a smart card reader', 0x8010002e],
  ['NoReadersAvailable', 0x8010002e],
  ['reader name is not recognized', 0x80100009],
  ['Unknown reader specified', 0x80100009],
  ['no smart card is currently in the device', 0x8010000c],
  ['No smart card inserted', 0x8010000c],
  ['Card is unresponsive', 0x80100066],
  ['Card unresponsive', 0x80100066],
  ['Unresponsive card', 0x80100066],
  ['not responding to a reset', 0x80100066],
  ['Card is unpowered', 0x80100067],
  ['Power has been removed from the smart card', 0x80100067],
  ['Card was reset', 0x80100068],
  ['smart card has been reset', 0x80100068],
  ['Card was removed', 0x80100069],
  ['smart card has been removed', 0x80100069],
  ['because of a security violation', 0x8010006a],
  ['Reader is unavailable', 0x80100017],
  ['reader is not currently available for use', 0x80100017],
  ['Card protocol mismatch', 0x8010000f],
  ['protocols are incompatible with the protocol currently in use', 0x8010000f],
  ['end a non-existent transaction', 0x80100016],
  ['RPC transport error', 0x80100013],
  ['internal communications error', 0x80100013],
  ['due to ATR configuration conflicts', 0x80100065],
  // Variants of the Rust crate's Error and of pcsc-sharp's exceptions.
  ['UnknownReader', 0x80100009],
  ['NoSmartcard', 0x8010000c],
  ['CardNotPresentException', 0x8010000c],
  ['UnresponsiveCard', 0x80100066],
  ['UnpoweredCard', 0x80100067],
  ['ResetCard', 0x80100068],
  ['RemovedCard', 0x80100069],
  ['SecurityViolation', 0x8010006a],
  ['ReaderUnavailable', 0x80100017],
  ['ProtoMismatch', 0x8010000f],
  ['NotTransacted', 0x80100016],
];
const OPENSC_TEXTS: readonly (readonly [string, number])[] = [
  ['Transmit failed', 0x80100016],
  ['Card removed', 0x80100069],
  ['Card reset', 0x80100068],
  ['Reader detached', 0x80100009],
  ['Card not present', 0x8010000c],
];
/** Words of pcsc_stringify_error that everybody uses: the call must stand before them. */
const bare: readonly (readonly [string, number])[] = [
  ['Internal error', 0x80100001],
  ['Not enough memory', 0x80100006],
  ['Transaction failed', 0x80100016],
  ['Card is not supported', 0x80100065],
  ['Invalid handle', 0x80100003],
  ['Invalid parameter given', 0x80100004],
  ['Subsystem not ready', 0x80100010],
];
/** "make sure that pcscd is not running", "when pcscd is not running it works": told as a condition, not met as a failure. */
const CONDITION = /(?:\bmak(?:e|ing) sure|\bwhen|\bif|\bwhile|\bas long as)(?: that)?(?: the)? $/i;
const codeOfPhrase = new Map(phrases.map(([text, code]) => [text.toLowerCase(), code]));

/** Calls whose failure is part of normal work: waiting for a change ends with a timeout, lists are asked for twice. */
const ordinary = new Set([0x80100002, 0x8010000a, 0x80100008, 0]);

function see(code: number | null, text: string): Observation | null {
  if (code === null || ordinary.has(code)) return null;
  const by = callerOf(text);
  // gpg's own PC/SC failures have a sign of their own, with the call.
  if (by === 'gpg' && /pcsc_\w+ failed/.test(text)) return null;
  if (by === 'pcscd' && /for client/.test(text)) return null;
  return { name: 'pcsc-code', code, by, call: callOf(text) };
}

/** A result that spells ASCII or lies outside every range of PC/SC: the answer was read at the wrong place. */
function seeGarbled(match: RegExpExecArray): Observation | null {
  const bytes = Buffer.from(match[1] as string, 'hex');
  return bytes.every((byte) => byte >= 0x20 && byte < 0x7f) ? { name: 'garbled-code' } : null;
}

/** In full, too: the longer a needle, the less a large log costs. */
export const failureNames: readonly string[] = pcscCodes.filter(({ number }) => number !== 0).map(({ name }) => name);

export const codeSigns: readonly Sign[] = [
  {
    kind: 'pcsc-code',
    needles: ['0x8010', 'rv=0x80100', ' (0x80100', ': 0x80100', ' [0x80100', ...failureNames, 'rc=8010', '=80100', '(80100', ' 80100', ':80100', 'ffff8010', 'SCARD_E_', 'SCARD_W_', 'SCARD_F_', '-2146435', '-2146434', '2148532'],
    pattern: /\b(SCARD_[EWF]_[A-Z_]+)|(?:0x)?(?:f{8})?(80100[0-9a-f]{3})\b|(-214643[45]\d{3}|\b2148532\d{3})\b/i,
    see: (match, text) => see(parseCode((match[1] ?? (match[2] && `0x${match[2]}`) ?? match[3]) as string), text),
  },
  {
    kind: 'pcsc-code',
    needles: phrases.map(([text]) => text),
    pattern: new RegExp(phrases.map(([text]) => text.replace(/[[\]]/g, '\\$&')).join('|'), 'i'),
    see: (match, text) => (CONDITION.test(text.slice(0, match.index)) ? null : see(codeOfPhrase.get((match[0] as string).toLowerCase()) ?? null, text)),
  },
  {
    kind: 'pcsc-code',
    needles: bare.map(([text]) => text),
    pattern: new RegExp(`\\bSCard[A-Z]\\w{2,24}(?:\\(\\))?[^.]{0,30}: (${bare.map(([text]) => text).join('|')})\\b`, 'i'),
    see: (match, text) => see(bare.find(([words]) => words.toLowerCase() === (match[1] as string).toLowerCase())?.[1] ?? null, text),
  },
  {
    kind: 'pcsc-code',
    // sc_strerror of OpenSC (errors.c), for what its reader driver makes of codes (reader-pcsc.c, pcsc_to_opensc_error).
    needles: OPENSC_TEXTS.map(([text]) => text),
    pattern: new RegExp(`(?:-11\\d\\d \\(|(?:[Ff]ailed|[Ee]rror)(?: to \\w+ (?:to )?(?:card|reader))?: )(${OPENSC_TEXTS.map(([text]) => text).join('|')})\\b`),
    see: (match, text) => see(OPENSC_TEXTS.find(([words]) => words === match[1])?.[1] ?? null, text),
  },
  {
    kind: 'pcsc-code',
    // Programs that translate the code into words of their own.
    needles: ['by another', 'by some other', 'by other app', 'by other prog', 'in another app', 'in another prog'],
    pattern: /(?:card|reader|device|key|token)\b[^.]{0,60}\b(?:used?|locked|held|opened|busy|blocked|claimed)\b[^.]{0,20}\b(?:by|in) (?:some |an?)?other (?:app\w*|program|process|client|user|software)/i,
    see: (_, text) => (CONDITION.test(text) ? null : see(0x8010000b, text)),
  },
  {
    kind: 'pcsc-code',
    needles: ['Access denied', 'AccessDenied'],
    pattern: /(?:SCard\w|context|pcsc|smart ?card|reader)[^]*Access ?denied/i,
    see: (_, text) => see(0x8010006a, text),
  },
  { kind: 'pcsc-code', needles: ['SCardEstablishContext:', 'SCardConnect:', 'SCardListReaders:', 'unknown PC/SC', 'Unknown error:', 'EstablishContext failed', 'ListReaders failed', 'Connect failed'], pattern: /(?:0x|rv=|rc=)([2-7][0-9a-f]{7})\b/i, see: seeGarbled },
];
