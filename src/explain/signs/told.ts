import { plain, type Sign } from '../sign.ts';

const HID_PART = '(?:\\botp\\b|\\bu2f\\b|\\bfido2?\\b|webauthn|passkeys?|personali[sz]\\w+|\\bhid\\b|challenge[- /]response)';
/** Between words of one sentence; the dot of a version or a file's name ends none. */
const WITHIN = '(?:[^.]|\\.(?=\\w))';

/** What people tell of a token and of gpg beside the messages: what of it works, and what was changed before. */
export const toldSigns: readonly Sign[] = [
  // OTP and FIDO go over HID: where they work the token is sound and on the bus, and the way over PC/SC is what is closed.
  plain(
    'story',
    { name: 'hid-part-works' },
    [' works', ' worked', 'working', ' work ', ' work,', ' work.', ' succeeds', 'detected by', 'recognized by', 'recognised by', 'seen by', 'found by', 'detected in', 'visible in'],
    new RegExp(`${HID_PART}[^.,;]{0,50}(?<!not |n't |never |stopped |stops |no longer )\\b(?:works?|worked|working|succeeds)\\b(?! not|n't| (?:around|station|space))|(?<!not |n't |never |longer )(?:be )?\\b(?:detected|recogni[sz]ed|seen|found|visible) (?:by|in) [^.,;]{0,20}${HID_PART}`, 'i'),
  ),
  // What a firmware holds changes with its version.
  plain(
    'story',
    { name: 'firmware-changed' },
    ['firmware', 'flashed', 'flashing', 'micrologiciel'],
    new RegExp(`\\b(?:updat|upgrad|downgrad|flash|install)\\w{1,5}\\b${WITHIN}{0,60}\\bfirmware\\b|\\bfirmware[- ]?(?:updat|upgrad|aktualisier)\\w{1,5}\\b|\\b(?:firmware|micrologiciel)\\b${WITHIN}{0,20}\\b(?:(?:ge)?(?:updat|upgrad|downgrad|flash)\\w{1,5}|aktualisiert|mis à jour|actualizad[oa])(?!\\w)`, 'i'),
  ),
  // A new version of the driver or daemon is what broke it.
  plain(
    'story',
    { name: 'driver-broke' },
    ['libccid', ' ccid ', ' ccid,', ' ccid.', ' ccid-', 'pcsc-lite', 'pcsclite', 'pcscd '],
    /(?:\b(?:lib)?ccid\b|\bpcsc-?lite\b|\bpcscd\b)(?! driver)[^.]{0,60}\b(?:broke|breaks|broken|regress\w{0,5})\b|\b(?:broke|breaks|regress\w{0,5})\b[^.]{0,40}(?:\b(?:lib)?ccid\b|\bpcsc-?lite\b|\bpcscd\b)/i,
  ),
  // One command of a program meets a lock, others of it do not: nobody keeps the card from it all the time.
  plain('story', { name: 'other-commands-work' }, ['other operation', 'other command', 'other function', 'other action', 'other subcommand'], /\b(?:able to|can)\b[^.]{0,30}\bother (?:operations?|(?:sub)?commands?|functions?|actions?)\b|\bother (?:operations?|(?:sub)?commands?|functions?|actions?)\b[^.]{0,30}(?<!not |n't |never )\bwork/i),
  // The node of a device, refused by the kernel; what is open to root only.
  plain(
    'environment',
    { name: 'device-node-denied' },
    ['/dev/hidraw', '/dev/bus/usb', '/dev/ttyACM'],
    /\/dev\/(?:hidraw|bus\/usb|ttyACM)\S{0,20}.{0,80}(?:permission denied|access denied|EACCES|not permitted)|(?:permission denied|access denied|EACCES|not permitted).{0,80}\/dev\/(?:hidraw|bus\/usb|ttyACM)/i,
  ),
  // The node as ls -l shows it, open to its owner root at most and with no list of others (a plus sign).
  plain('environment', { name: 'device-node-denied' }, ['/dev/hidraw', '/dev/bus/usb', '/dev/ttyACM'], /^\s*c[rw-]{6}---[. ]\s*\d+ root +root\b.*\/dev\/(?:hidraw|bus\/usb|ttyACM)/),
  // libusb reads the names of a device only where it may open it (nitropy start list).
  plain('usb', { name: 'device-strings-unread' }, ["Nitrokey Start' keys"], /keys:?\W.*\bNone: None\b/),
  // KeePassXC says so of a token it may not open, and of one without a slot for it.
  plain('client', { name: 'hid-slot-missing' }, ['No hardware keys detected', 'no hardware keys found', 'find any hardware keys', 'hardware key with serial number'], /hardware keys|Could not find (?:or access|interface for) hardware key/i),
  plain('environment', { name: 'device-node-denied' }, ['accessing the hardware key', 'USB error: Access denied'], /(?:accessing the hardware key|USB error): .*(?:access denied|insufficient permissions)/i),
  // A PIN that has to be unblocked was given wrong too often.
  plain(
    'story',
    { name: 'pin-locked-told' },
    ['unblock', 'wrong 3', 'wrong three', 'wrong too', 'incorrectly', '3 times', 'three times', 'too many times', 'too often', 'attempts', 'retry counter', 'retries'],
    /\bunblock\w{0,3}\b[^.]{0,20}\b(?:PIN|card|key)\b|\bunblock-pin\b|\bPIN\b[^.]{0,40}\b(?:wrong|incorrect(?:ly)?)\b[^.]{0,20}\b(?:3|three|several|many|often)\b|\b(?:wrong|incorrect)(?: \w+)? PIN\b[^.]{0,30}\b(?:3|three|several|too many|too often)\b|\b(?:PIN|PUK)\b[^.]{0,30}\b(?:0|no|zero) (?:attempts|tries|retries)|\b(?:0|no|zero) (?:PIN )?(?:attempts|tries|retries)\b[^.]{0,20}\b(?:left|remain)/i,
  ),
  // Typed, beside the same without it: what root reads shows in the lines that follow.
  plain('command', { name: 'run-as-root' }, ['sudo gpg', 'sudo -E gpg', 'sudo ykman', 'sudo pcsc_scan', 'sudo opensc-tool', 'sudo pkcs11-tool'], /^\s*(?:\S{1,60}\s?)?[$%❯>]\s*sudo (?:-E )?(?:gpg2?|ykman|pcsc_scan|opensc-tool|pkcs11-tool)\b/),
  // gpg-agent says so, too, when it reaches no card.
  plain('ssh', { name: 'agent-empty' }, ['agent has no identities', 'no identities in the agent']),
  plain('gpg-agent', { name: 'agent-already-running' }, ['a gpg-agent is already', 'gpg-agent is running and available']),
  {
    kind: 'gpg',
    // The window of pinentry, as people tell of it; gpg's own words are in gpg.ts.
    needles: ['insert card with', 'insert smart', 'insert the card', 'insert my card', 'insert a card', 'insert your card', 'insert the smart', 'insert my yubikey', 'insert the yubikey', 'insert a yubikey', 'insert card"'],
    pattern: /\b(?:ask(?:s|ed|ing)?|prompt\w*|tell(?:s|ing)?|told|says?|popup|pop-up|want(?:s|ed)?|request\w*|get)\b[^.]{0,60}\binsert\b|\binsert\b[^.]{0,30}\bwith (?:the )?(?:id|serial|number)\b[^.]{0,60}\bpop/i,
    see: () => ({ name: 'gpg-failed', reason: 'no-device', era: null, apple: false }),
  },
  {
    kind: 'gpg',
    // That gpg does not see the card, without its message.
    needles: ['card-status', 'shows no card', ...['gpg', 'gpg2', 'gnupg', 'gpg4win', 'Kleopatra'].flatMap((who) => [` by ${who}`, `${who} can`, `${who} could`, `${who} does`, `${who} do not`, `${who} fail`, `${who} no longer`, `${who} is unable`, `${who} itself`])],
    pattern: /\b(?:gpg2?|gpg4win|kleopatra|gnupg|card-status)\b`?[^.:,;]{0,40}(?:\bunable to|\bcannot|\bcan't|\bcan ?not|\bcould ?n[o']t|\bdoes ?n[o']t|\bdo not|\bfail\w* to|\bno longer)[ \w]{0,12}\b(?:recogni[sz]e|detect|see|find|read|access|show|reach|interact with|communicate with|talk to)s?\b(?! (?:the |my |any )?(?:pass|pin|key ?server|public|pinentry))|(?:not|n't|never|no longer) (?:be )?(?:found|seen|detected|recogni[sz]ed|visible) (?:by|in|to|with) (?:gpg2?|gpg4win|kleopatra|gnupg)\b|card-status\b[^.:]{0,20}\bshows? (?:no|nothing)\b|^shows no cards?\b/i,
    see: () => ({ name: 'gpg-failed', reason: 'no-device', era: null, apple: false }),
  },
];
