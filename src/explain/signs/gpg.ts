import type { GpgReason, Observation } from '../observation.ts';
import { harmless, plain, type Sign, sound } from '../sign.ts';
import { agentAlreadyRuns, cardNotAvailable, noAgentRunning, permanentlyLocked } from './gpg-languages.ts';
import { reasonOfCode, reasonOfText, translations } from './gpg-reasons.ts';

/** gpg says "selecting openpgp" up to 2.2.19 and "selecting card" later (g10/call-agent.c). */
function failed(reason: GpgReason, text: string): Observation {
  const era = /selecting openpgp/i.test(text) ? 'before-2.2.20' : /selecting card/i.test(text) ? 'since-2.2.20' : null;
  return { name: 'gpg-failed', reason, era, apple: /supported by device|vom Gerät nicht|par le périphérique/.test(text) };
}

/** `error getting version from 'scdaemon'`, `selecting card failed`, …: the text behind the last colon is gpg_strerror. */
const complaints = [
  'selecting openpgp failed', 'selecting card failed', 'OpenPGP card not available', 'error getting version from', 'card reader not available',
  'public key decryption failed', 'decryption failed', 'signing failed', 'error reading card', 'getting serial number', 'KEYTOCARD failed', 'error getting current key info', 'key generation failed', 'Error changing the PIN', 'error checking the PIN', 'error setting the PIN',
  'operation sign result', 'operation decipher result', 'operation auth result', 'app_sign failed', 'app_decipher failed', 'app_auth failed', 'app_check_pin failed', 'app_readcert failed', 'app_readkey failed',
  'verify CHV', 'smartcard decryption failed', 'smartcard signing failed', 'failed to unprotect the secret key', 'card_pksign', 'command PKAUTH failed', 'command PKSIGN failed',
  ...cardNotAvailable,
];

/** "3 tries left before the PIN is blocked": then it is not. */
export const TRIES_LEFT = /^(?!.{0,300}\b[1-9]\d?\b.{0,60}\bbefore\b)/i;

/** strerror of a socket whose other end is gone. */
const LOST_SCDAEMON = /^(?:broken pipe|connection (?:refused|reset)|bad file descriptor)/i;
/** Nothing but the card can be what failed there, whatever gpg says behind the colon. */
const ABOUT_CARD = /^(?:selecting (?:openpgp|card) failed|OpenPGP card not available)/i;

/** GnuPG: libgpg-error numbers are source << 24 | code; source 6 is scdaemon, 4 gpg-agent. */
const ERROR_SOURCES = new Map([[0, 'an unnamed source'], [2, 'gpg'], [4, 'gpg-agent'], [6, 'scdaemon'], [7, 'GPGME'], [15, 'Assuan']]);

/** Who made a libgpg-error number. */
export const sourceName = (source: number): string => ERROR_SOURCES.get(source) ?? `source ${source}`;

/** Observations for one libgpg-error number as printed in `ERR 100696144 No such device <SCD>`. */
export function seeGpgNumber(number: number): Observation[] {
  const source = (number >>> 24) & 0x7f;
  const code = number & 0xffff;
  const reason = reasonOfCode(code);
  if (!ERROR_SOURCES.has(source) || reason === null) return [];
  return [{ name: 'gpg-error-number', source, code }, { name: 'gpg-failed', reason, era: null, apple: false }];
}

export const gpgSigns: readonly Sign[] = [
  {
    kind: 'gpg',
    needles: complaints,
    pattern: new RegExp(`(?:${complaints.join('|')})[^:：]*[:：]\\s*(.+)$`, 'i'),
    see: (match, text) => {
      const said = (match[1] as string).replace(/["'`”]+$/, '');
      const reason = LOST_SCDAEMON.test(said) ? 'eof' : reasonOfText(said);
      if (reason !== 'other') return failed(reason, text);
      // libgpg-error's texts are known in these languages; what is left is the system's, which has one for a missing device.
      if (cardNotAvailable.some((words) => match[0].startsWith(words))) return failed('no-device', text);
      return ABOUT_CARD.test(match[0]) ? failed('other', text) : null;
    },
  },
  {
    kind: 'gpg',
    // A message in another language, or quoted without the sentence around it.
    needles: translations,
    pattern: /gpg|OpenPGP|scdaemon|ERR \d|card|carte|Karte|карт|カード|卡/iu,
    see: (_, text) => {
      const reason = reasonOfText(/[:：]\s*([^:：]+)$/u.exec(text)?.[1] ?? text);
      return reason === 'other' ? null : failed(reason, text);
    },
  },
  {
    kind: 'gpg',
    // The English ones are everybody's words, so gpg must be named.
    needles: ['No such device', 'Operation not supported by device', 'No SmartCard daemon', 'Service is not running', 'Card not present', 'Card removed', 'Card reset required', 'Conflicting use', 'Forbidden', 'Hardware problem'],
    pattern: /^(?!.*keyserver).*?(?:\bgpg|GnuPG|scdaemon|OpenPGP|<SCD>).*?(No such device(?! or address)|Operation not supported by device|No SmartCard daemon|Service is not running|Card not present|Card removed|Card reset required|Conflicting use|\bForbidden\b|Hardware problem)/i,
    see: (match, text) => failed(reasonOfText(match[1] as string), text),
  },
  {
    kind: 'gpg',
    // …and these only where a program of GnuPG ends its line with them: whatever it did, it did it with a card.
    needles: [': Card error', ': Bad PIN', ': PIN blocked'],
    pattern: /(?:^|[\s>|"'`])(?:gpg2?|gpgsm|gpg-card|gpg-agent|scdaemon|gpgme)(?:\.exe)?(?:\[[\d.]+\])?: .*: (Card error|Bad PIN|PIN blocked)[\s.]*(?:<[^>]*>)?["'`]*$/i,
    see: (match, text) => failed(reasonOfText(match[1] as string), text),
  },
  {
    kind: 'gpg-number',
    // GnuPG doc/DETAILS: what failed, and the number of the error.
    needles: ['[GNUPG:] ERROR ', '[GNUPG:] FAILURE '],
    pattern: /\[GNUPG:\] (?:ERROR|FAILURE) \S+ (\d{6,10})\b/,
    see: (match) => seeGpgNumber(Number(match[1])),
  },
  // GnuPG doc/DETAILS, CARDCTRL: no reader; no card in it; no daemon for cards. SC_OP_FAILURE 2 is a wrong PIN.
  plain('gpg', { name: 'gpg-failed', reason: 'no-device', era: null, apple: false }, ['[GNUPG:] CARDCTRL 4']),
  plain('gpg', { name: 'gpg-failed', reason: 'not-present', era: null, apple: false }, ['[GNUPG:] CARDCTRL 5']),
  plain('gpg', { name: 'gpg-failed', reason: 'no-daemon', era: null, apple: false }, ['[GNUPG:] CARDCTRL 6']),
  plain('gpg', { name: 'gpg-failed', reason: 'bad-pin', era: null, apple: false }, ['[GNUPG:] SC_OP_FAILURE 2']),
  {
    kind: 'gpg',
    needles: ['card-status', '--card-edit', '--edit-card', 'gpg-agent', 'gpg --card', 'gpg2 --card', 'gpg --edit', 'gpg gives', 'gpg says', 'gpg shows', 'gpg returns', 'gpg reports', 'gpg gets', 'gpg fails'],
    pattern: /(?:returns?|says|fails? with|gets?|gives?|shows?|prints?|reports?)\b[^"'`]*["'`]?(card error|no such device(?! or address)|card not present|card removed|conflicting use|not supported|no smartcard daemon|service is not running|operation not supported by device)/i,
    see: (match, text) => failed(reasonOfText(match[1] as string), text),
  },
  {
    kind: 'gpg',
    // Told without the message.
    needles: ['gpg-agent', 'GnuPG ', ...['can', 'could', 'does', 'is', 'fail', 'not', 'stop', 'will', 'was', 'acts'].flatMap((verb) => [`gpg ${verb}`, `gpg2 ${verb}`]), 'gpg CLI', ' by gpg', ' by gnupg', ...['can', 'could', 'does', 'fail', 'not', 'stop', 'hang', 'is not', 'gets'].map((verb) => `scdaemon ${verb}`)],
    pattern: /\b(?:gpg2?|gpg-agent|gnupg|scdaemon)\b`?[^.:]{0,40}(?:\bunable|\bcannot|\bcan't|\bcould not|does ?n[o']t|not (?:be )?(?:recogni|detect|see|find|work)\w*|\bfails?\b|stops? working|stopped working|acts? (?:like|as if)|acting (?:like|as if))|(?:not|n't|never|no longer) (?:be )?(?:found|seen|detected|recogni[sz]ed) by (?:gpg2?|gnupg)\b/i,
    see: () => ({ name: 'gpg-failed', reason: 'other', era: null, apple: false }),
  },
  // agent/divert-scd.c, ask_for_card: scdaemon found no card, or one with another number.
  plain('gpg-agent', { name: 'gpg-failed', reason: 'no-device', era: null, apple: false }, ['insert the card with serial', 'insert the smartcard with', 'insert the smart card with', 'insert smart', 'insert card', 'insert the', 'insert my', 'insert your'], /^(?!.*remove the current).*\binsert (?:the |your |my |a )?(?:smart[ -]?card|card|key|token|yubikey) with (?:the )?(?:id|serial|number)|\b(?:gpg2?|gnupg|pinentry|scdaemon)\b.{0,80}\bask(?:s|ed|ing)? (?:me )?to insert\b/i),
  plain('gpg-agent', { name: 'gpg-failed', reason: 'other', era: null, apple: false }, ['remove the current card and insert']),
  {
    kind: 'gpg-number',
    needles: ['ERR 671', 'ERR 1006', 'ERR 335'],
    pattern: /\bERR (\d{6,10})\b/,
    see: (match) => seeGpgNumber(Number(match[1])),
  },
  plain('gpg', { name: 'gpg-failed', reason: 'general', era: null, apple: false }, ['card reader not available']),
  plain('gpg', { name: 'pin-locked' }, ['PIN blocked', 'is permanently locked', 'card is permanently locked', 'PIN is blocked', 'PIN locked', ...permanentlyLocked], TRIES_LEFT),
  {
    kind: 'gpg',
    needles: ['PIN retry counter'],
    pattern: /PIN retry counter\s*[.:]+\s*:?\s*(\d+) (\d+) (\d+)/,
    see: (match) => (match[1] === '0' ? { name: 'pin-locked' } : null),
  },
  // Length and counters read at the wrong place: no card has a negative length or a maker nobody knows by number.
  plain('gpg', { name: 'card-data-garbled' }, ['Max. PIN lengths', 'Manufacturer .....:'], /Max\. PIN lengths[ .]*:.* -\d|Manufacturer \.+: \?\s*$/),
  sound('gpg', 'gpg read the card', ['Application ID ...', 'Signature counter :', 'Version ..........:']),
  {
    kind: 'gpg',
    needles: ['Reader ...........:'],
    pattern: /Reader \.+: (?!\[none\])(?:([0-9A-F]{4}:[0-9A-F]{4}:\S*)|.+)/i,
    // A reader named VID:PID:SERIAL:N is one of scdaemon's internal driver (scd/ccid-driver.c).
    see: (match) => (match[1] === undefined ? { name: 'sound', what: 'gpg read the card' } : [{ name: 'sound', what: 'gpg read the card' }, { name: 'scdaemon-uses-usb' }]),
  },
  {
    kind: 'version',
    needles: ['gpg (GnuPG', 'scdaemon (GnuPG', 'gpg-agent (GnuPG', 'GnuPG version', ' gpg 2.', '(gpg 2.', 'gpg version 2', 'gnupg version 2', 'gnupg 2.', 'gnupg-2.', 'gnupg2-2.', 'gnupg2 2.'],
    pattern: /\(GnuPG[^)]*\) (\d+\.\d+\.\d+)|GnuPG version (\d+\.\d+\.\d+)|\b(?:gpg|gnupg2?)(?: version)?[ -](2\.\d+\.\d+)/i,
    see: (match) => ({ name: 'version', of: 'gnupg', version: (match[1] ?? match[2] ?? match[3]) as string }),
  },
  plain('gpg-agent', { name: 'agent-already-running' }, ['gpg-agent is already running', ...agentAlreadyRuns]),
  plain('gpg-agent', { name: 'agent-hijacked' }, ['hijacked the GnuPG agent', 'keyring manager hijacked']),
  plain('gpg-agent', { name: 'agent-restricted' }, ['in restricted mode']),
  plain('gpg-agent', { name: 'scdaemon-not-installed' }, ['probably not installed', 'scdaemon: not found', 'scdaemon: command not found', 'scdaemon: No such file', "scdaemon': No such file", 'scdaemon is not installed'], /scdaemon|SmartCard|SCdaemon/i),
  plain('gpg-agent', { name: 'scdaemon-start-failed' }, ["can't connect to the SCdaemon", "can't connect to the daemon", 'failed to start scdaemon', "error running '/usr", 'scdaemon finished', 'scdaemon exited', 'SCdaemon died'], /scdaemon/i),
  plain('gpg-agent', { name: 'scdaemon-ended-at-start' }, ["can't connect to the SCdaemon", "can't connect to the daemon"], /scdaemon.*(?:End of file|Dateiende|Fin de fichier|EOF\b)/i),
  // agent/call-scd.c, start_scd: one runs, and its socket takes nobody.
  plain('gpg-agent', { name: 'scdaemon-stale-told' }, ["won't accept further connections"], /(?:scdaemon|daemon)\b.{0,20} is running but/i),
  plain('gpg', { name: 'gpg-failed', reason: 'no-agent', era: null, apple: false }, ['no gpg-agent running in this session', ...noAgentRunning]),
  plain('gpg', { name: 'gnupg-home-locking' }, ['done via O_EXCL', 'waiting for lock (held by', 'gnupg_spawn_agent_sentinel', 'gnupg_spawn_scdaemon_sentinel'], /O_EXCL|waiting for lock|can't (?:create|lock)/),
  plain(
    'gpg',
    { name: 'gnupg-home-bad' },
    ['unsafe ownership on homedir', "can't create directory", "can't create socket", 'error binding socket', 'socket name too long', 'is too long', 'file name too long', "can't use '", 'homedir has been removed', 'IPC connect call failed', 'can\'t connect to the agent', 'error creating lock'],
    /^(?!.*already in use|.*can't connect to the (?:SCdaemon|daemon )).*(?:gnupg|homedir|agent|scdaemon|dirmngr|S\.gpg|socket|lock)/i,
  ),
  harmless('gpg', 'gpg warns of a home directory that others may read, and goes on', ['unsafe permissions on homedir', 'unsafe permissions on configuration']),
  plain('gpg-agent', { name: 'agent-forwarded' }, ['S.gpg-agent.extra', 'S.gpg-agent:'], /^(?!.* is too long).*(?:-R|RemoteForward|StreamLocalBind|extra)/),
  plain('gpg-agent', { name: 'agent-forwarded' }, ['RemoteForward', 'StreamLocalBindUnlink'], /gpg-agent|StreamLocal/i),
  plain('gpg-agent', { name: 'agent-socket-foreign' }, ['assuan-pipe', 'npiperelay', 'wsl2-ssh-pageant', 'gpg-bridge', 'socat UNIX', 'S.gpg-agent.ssh already', 'Address already in use'], /gpg|assuan|S\.|pageant/i),
];
