import type { GpgReason, Observation } from '../observation.ts';
import { harmless, plain, type Sign, sound } from '../sign.ts';
import { reasonOfText } from './gpg-reasons.ts';

/** scd/apdu.c pcsc_error_string; 0x6a is SECURITY_VIOLATION though scdaemon's table calls it "inserted card". */
const PCSC_TEXTS = new Map([
  ['sharing violation', 0x8010000b],
  ['no service', 0x8010001d],
  ['service stopped', 0x8010001e],
  ['no smartcard', 0x8010000c],
  ['unknown reader', 0x80100009],
  ['reader unavailable', 0x80100017],
  ['not ready', 0x80100010],
  ['comm error', 0x80100013],
  ['timeout', 0x8010000a],
  ['invalid handle', 0x80100003],
  ['invalid parameter', 0x80100004],
  ['unsupported card', 0x80100065],
  ['unresponsive card', 0x80100066],
  ['unpowered card', 0x80100067],
  ['reset card', 0x80100068],
  ['removed card', 0x80100069],
  ['inserted card', 0x8010006a],
  ['no readers available', 0x8010002e],
  ['protocol mismatch', 0x8010000f],
  ['proto mismatch', 0x8010000f],
  ['not transacted', 0x80100016],
  ['no memory', 0x80100006],
]);

const failures = /pcsc_(connect|establish_context|list_readers|transmit|get_status_change|status|disconnect|begin_transaction|reconnect)\s+failed: ([^(]*)(?:\((?:rc=)?0x([0-9a-f]+)\))?/i;

function seePcscFailure(match: RegExpExecArray): Observation | null {
  const [, call, text, hex] = match;
  const said = (text as string).trim().toLowerCase();
  // Quoted in a sentence there may be more behind it.
  const code = hex === undefined ? [...PCSC_TEXTS].find(([known]) => said.startsWith(known))?.[1] : Number.parseInt(hex.slice(-8), 16);
  return code === undefined ? null : { name: 'scdaemon-pcsc-failed', call: call as string, code };
}

/** Options of any scdaemon, and those people write though no upstream scdaemon ever had them (scd/scdaemon.c; shared-access is a patch of MacGPG2). */
export const scdaemonOptions = [
  'pcsc-shared', 'disable-ccid', 'reader-port', 'pcsc-driver', 'card-timeout', 'shared-access', 'disable-application', 'application-priority', 'disable-pinpad',
  'enable-pinpad-varlen', 'disable-opensc', 'allow-admin', 'deny-admin', 'debug-ccid-driver', 'debug-level', 'log-file', 'ctapi-driver', 'disable-ccid-driver', 'pcsc-share', 'enable-shared',
] as const;
const optionLine = new RegExp(`^(?:[+>|$ \\t]|\\d+[:\\t])*(?:echo\\s+["'])?(#?)(-{0,2})(${scdaemonOptions.join('|')})(?=$|[\\s"'=:])[ \\t=:]*([^>]*)`, 'i');

/** Home Manager and NixOS write a flag as `disable-ccid = true;`. */
const NIX_FLAG = /^true;?$/;
/** A line that a diff adds is what somebody changes to be helped. */
const ADDED = /^\s*\+(?!\+)/;

function seeConfig(match: RegExpExecArray, text: string): Observation | readonly Observation[] | null {
  const [, comment, , name, given] = match;
  if (comment === '#') return null;
  const option = (name as string).toLowerCase();
  const value = (given as string).replace(/["'\s]+$/, '').slice(0, 80);
  const set: Observation = { name: 'scdaemon-config', option, value: NIX_FLAG.test(value) ? '' : value };
  return ADDED.test(text) ? [set, { name: 'option-cures', option }] : set;
}

/** scd/apdu.c, host_sw_string: why a command did not get to the card. */
const HOST_REASONS = new Map<string, GpgReason>([['no card', 'not-present'], ['card inactive', 'not-present'], ['card removed', 'removed'], ['no reader', 'removed'], ['card I/O error', 'input-output'], ['USB I/O error', 'input-output'], ['general error', 'general'], ['USB no device', 'removed'], ['busy', 'busy'], ['USB busy', 'busy']]);

/** Commands whose answer 6A82 says: this card does not have what scdaemon asked for. */
const applicationReason = (text: string): GpgReason => reasonOfText(/:\s*([^:]+)$/.exec(text)?.[1] ?? '');

export const scdaemonSigns: readonly Sign[] = [
  {
    kind: 'scdaemon',
    needles: ['pcsc_connect failed', 'pcsc_establish_context failed', 'pcsc_list_readers failed', 'pcsc_transmit failed', 'pcsc_get_status_change failed', 'pcsc_status failed', 'pcsc_disconnect failed'],
    pattern: failures,
    see: seePcscFailure,
  },
  {
    kind: 'scdaemon',
    needles: ['detected reader'],
    pattern: /detected reader [`'‘"]([^'’"]+)/,
    see: (match) => ({ name: 'scdaemon-detected-reader', reader: match[1] as string }),
  },
  plain('scdaemon', { name: 'scdaemon-uses-usb' }, ['using ccid driver', 'ccid-driver: using CCID reader', 'ccid_usb_thread']),
  plain('scdaemon', { name: 'scdaemon-usb-log' }, ['DBG: ccid-driver']),
  plain('scdaemon', { name: 'scdaemon-usb-open-failed' }, ['ccid open error']),
  // scd/apdu.c, pcsc_get_status and pcsc_send_apdu: the internal driver prints neither.
  plain('scdaemon', { name: 'scdaemon-opened-by-pcsc' }, ['active protocol', 'PCSC_data:'], /slot \d+: active protocol|PCSC_data: [0-9A-F]{2}/),
  plain('scdaemon', { name: 'scdaemon-usb-denied' }, ['check permission of USB device']),
  {
    kind: 'scdaemon',
    needles: ['usb_claim_interface failed', 'usb_open failed', 'libusb_claim_interface failed'],
    pattern: /usb_(?:claim_interface|open) failed: (-?\d+|LIBUSB_\w+)/,
    // libusb.h: -3 ACCESS, -4 NO_DEVICE, -6 BUSY.
    see: (match) => ({ name: 'scdaemon-claim-failed', error: { '-3': 'LIBUSB_ERROR_ACCESS', '-4': 'LIBUSB_ERROR_NO_DEVICE', '-6': 'LIBUSB_ERROR_BUSY' }[match[1] as string] ?? (match[1] as string) }),
  },
  plain(
    'scdaemon',
    { name: 'scdaemon-usb-limited' },
    ['this is not available', 'device not supported', 'ccid_transceive failed', 'TPDU or APDU level exchange', 'Setting PPS failed', 'hardware error detected', 'conflicting exchange levels'],
    /ccid|exchange|PPS|device not supported/i,
  ),
  {
    kind: 'scdaemon',
    needles: ['apdu_send_simple(', 'apdu_send_direct(', 'apdu_send_direct failed'],
    pattern: new RegExp(`apdu_send_(?:simple|direct)\\S* (?:for get response )?failed: (${[...HOST_REASONS.keys()].join('|')})`),
    see: (match) => ({ name: 'gpg-failed', reason: HOST_REASONS.get(match[1] as string) ?? 'other', era: null, apple: false }),
  },
  plain('scdaemon', { name: 'scdaemon-driver-missing' }, ['failed to open driver', 'invalid PC/SC driver'], /(?:failed to open driver|invalid PC\/SC driver) [`'‘"].*(?:pcsclite|PCSC|winscard)/i),
  {
    kind: 'scdaemon',
    needles: ['invalid option', 'argument not expected', 'missing argument', 'unexpected meta command', 'invalid command', 'keyword too long'],
    pattern: /scdaemon(?:\.conf|\[\d+\])?.*?(invalid option|argument not expected|missing argument|unexpected meta command|invalid command|keyword too long)/i,
    see: (match) => ({ name: 'scdaemon-option-refused', problem: (match[1] as string).toLowerCase() }),
  },
  {
    kind: 'scdaemon',
    needles: ['no supported card application', "can't select application"],
    see: (_, text) => ({ name: 'scdaemon-no-application', reason: applicationReason(text) }),
  },
  plain('scdaemon', { name: 'scdaemon-no-application', reason: 'not-supported' }, ['not an OpenPGP card', 'invalid OpenPGP card', 'invalid structure of OpenPGP card']),
  {
    kind: 'scdaemon',
    needles: ['response: sw=', 'more: sw='],
    pattern: /sw=([0-9A-F]{4})\b/i,
    see: (match) => ({ name: 'status-word', sw: (match[1] as string).toUpperCase() }),
  },
  sound('scdaemon', 'scdaemon started and answers', ["Smartcard server ready", 'listening on socket'], /scdaemon|Smartcard server/i),
  plain('scdaemon', { name: 'scdaemon-ready' }, ["Smartcard server ready"]),
  plain('scdaemon', { name: 'scdaemon-crashed' }, ['scdaemon[', 'scdaemon:', 'Ohhhh jeeee'], /segfault|general protection|Ohhhh jeeee|Assertion.*failed|core dumped|signal SEGV/i),
  plain('scdaemon', { name: 'scdaemon-crashed' }, ['segfault at', ' segfault', 'segmentation fault'], /scdaemon|gpg/i),
  plain('scdaemon', { name: 'scdaemon-reselected' }, ['re-selected', 'forced re-select', 'app openpgp: switched', 'can\'t switch'], /slot \d+, app|application '/i),
  { kind: 'scdaemon.conf', needles: scdaemonOptions, pattern: optionLine, see: seeConfig },
  harmless('scdaemon', 'the card has no such vendor function; scdaemon only asks whether the reader has a pinpad', ['pcsc_control failed', 'GET_FEATURE_REQUEST failed', 'pcsc_vendor_specific_init']),
  harmless('gpg', 'gpg looks for its own path in the way of another operating system and goes on without', ["symlink '/proc/curproc/file'", 'reading symlink']),
  harmless('scdaemon', 'scdaemon asks every 500 ms whether a card came or went; that is its normal idle work', ['pcsc_get_status_change: ']),
];
