import type { Observation, Role } from '../observation.ts';
import { plain, type Sign } from '../sign.ts';
import { inVain } from './vain.ts';

/**
 * Programs that use a card, and how they take it (read in their sources: piv-go pcsc_unix.go, gsd-smartcard-manager.c,
 * reader-pcsc.c, pcsc-relay pcsc.c …). Names as ps, lsof and ss print them; comm is cut at 15 characters.
 */
const programs: readonly (readonly [Role, readonly string[]])[] = [
  ['scdaemon', ['scdaemon', 'gnupg-pkcs11-scd', 'gnupg-pkcs11-sc']],
  ['exclusive', ['yubikey-agent', 'piv-agent', 'step-ca', 'step-kms-plugin', 'pcsc-relay', 'lpac', 'gscriptor', 'yubikey-touch', 'step-agent', 'sks-agent', 'pivy-agent']],
  [
    'shared',
    [
      'gsd-smartcard', 'geoclue', 'firefox', 'firefox-esr', 'thunderbird', 'chrome', 'chromium', 'google-chrome', 'brave', 'msedge', 'evolution', 'epiphany', 'goa-daemon', 'p11-kit-server', 'p11-kit-remote', 'ssh-pkcs11-helper', 'ssh-pkcs11-help',
      'opensc-notify', 'pkcs11_eventmgr', 'pkcs11-register', 'p11_child', 'AusweisApp', 'AusweisApp2', 'keepassxc', 'KeePassXC', 'authenticator-helper', 'authenticator-h', 'yubioath', 'yubioath-desktop', 'yubico-authenticator', 'Yubico Authenticator', 'ykman-gui', 'qdigidoc4', 'eid-viewer',
      'beid', 'opensc-tool', 'pkcs11-tool', 'pkcs15-tool', 'yubico-piv-tool', 'openpgp-card-ssh-agent', 'openpgp-card-ss', 'xfreerdp', 'remmina', 'freerdp', 'libykcs11', 'opensc-pkcs11', 'NetworkManager', 'wpa_supplicant', 'autofirma', 'esteid', 'web-eid', 'seahorse', 'org.keepassxc.KeePassXC', 'nitropy', 'solo2', 'teams', 'citrix', 'wfica', 'vmware-view', 'horizon-client', 'sssd', 'pam_pkcs11', 'gnome-settings-daemon', 'signal-desktop', 'pcsc-tools-helper', 'CertPropSvc', 'SCPolicySvc',
    ],
  ],
  ['observer', ['pcsc_scan']],
  ['usb', ['qemu-system', 'VBoxHeadless', 'VirtualBoxVM', 'vmware-vmx', 'usbipd', 'vboxusb']],
  ['macos', ['com.apple.ctkpcscd', 'ctkpcscd', 'com.apple.ifdreader', 'usbsmartcardreaderd', 'pivtoken', 'OpenSCToken', 'CryptoTokenKit', 'tokend', 'OberthurTokend']],
];
const roleOf = new Map(programs.flatMap(([role, names]) => names.map((name) => [name.toLowerCase(), role] as const)));
/** lsof cuts COMMAND at nine characters. */
const cutByLsof = new Map([...roleOf].filter(([name]) => name.length > 9).map(([name, role]) => [name.slice(0, 9), role]));
const names = [...roleOf.keys()].filter((name) => name.length >= 4).sort((a, b) => b.length - a.length);
const escape = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const anyName = names.map(escape).join('|');
// pcscdaemon.c is in every other line of pcscd's log, hence what stands around scdaemon. Names of six letters and less cannot be needles; the words that surround them in a listing are.
const needles = [...names.filter((name) => name.length >= 7 && name !== 'scdaemon'), '/chrome', ' chrome', 'tokend', 'usbipd ', 'process: ', '->INO=', ...[...cutByLsof.keys()].map((name) => `${name} `), ...[' ', '/', '"', "'", '('].map((before) => `${before}scdaemon`), 'scdaemon '];

/** ps aux, ps -ef, pgrep -a, lsof, fuser, ss, systemd's process tree, a list of libpcsclite users. */
const listings: readonly { pattern: RegExp; connected: boolean }[] = [
  // lsof +E of pcscd's own sockets names the other end.
  { pattern: new RegExp(`pcscd.*->INO=\\d+ (\\d+),(${anyName})`, 'i'), connected: true },
  { pattern: new RegExp(`process: \\S*?/?(${anyName})\\S*.*?\\((\\d+)\\)`, 'i'), connected: true },
  { pattern: new RegExp(`^\\s*/proc/(\\d+)/(?:maps|fd)\\S*.*?(${anyName})`, 'i'), connected: true },
  // lsof: COMMAND PID [TID] USER FD TYPE …, here of pcscd's socket, libpcsclite or the USB node.
  { pattern: new RegExp(`^\\s*(${anyName}|${[...cutByLsof.keys()].map(escape).join('|')})\\S*\\s+(\\d+)\\s.*(?:pcsc|/dev/bus/usb)`, 'i'), connected: true },
  { pattern: new RegExp(`^\\s*[├└│─ ]*(?:\\S+\\s+)?(\\d+)\\s(?:.*?[\\s/])?(${anyName})(?=$|[\\s:-])`, 'i'), connected: false },
  { pattern: new RegExp(`^\\s*(${anyName})\\S*\\s+(\\d+)\\s`, 'i'), connected: false },
  { pattern: new RegExp(`[├└]─\\s*(\\d+)\\s\\S*?(${anyName})`, 'i'), connected: false },
];
const anywhere = new RegExp(`(?<![\\w-])(${anyName})(?![\\w])`, 'i');

function seeProgram(_: RegExpExecArray, text: string): Observation | null {
  // What ss lists needs the other end, see socketSign.
  if (text.includes('users:((')) return null;
  for (const { pattern, connected } of listings) {
    const match = pattern.exec(text);
    if (match === null) continue;
    const [first, second] = [match[1] as string, match[2] as string];
    const [name, pid] = /^\d+$/.test(first) ? [second, first] : [first, second];
    const program = name.toLowerCase();
    return { name: 'process', program, role: (roleOf.get(program) ?? cutByLsof.get(program)) as Role, pid: Number(pid), connected };
  }
  const named = anywhere.exec(text)?.[1]?.toLowerCase();
  if (named === undefined || /^\S* ?(?:scdaemon|pcscd)\[\d+\]/.test(text)) return null;
  return { name: 'mentioned', program: named, role: roleOf.get(named) as Role, fails: OWN_FAILURE.test(text) };
}

/** A program's own line about a failure: who writes it met the lock, and does not hold it. */
const OWN_FAILURE = /other connections outstanding|sharing violation|0x8010|\[ERROR\]|could not reach|couldn't open|unable to open|agent \d+:/i;

/** Who is said to keep the card: the program named before the verb, or behind "by". gpg and its agent work through scdaemon. */
export function roleSaidToHold(text: string, verb: number): Role | null {
  const isPassive = /\bby\b/i.test(text.slice(verb, verb + 16));
  const where = isPassive ? text.slice(verb) : text.slice(0, verb);
  if (/\b(?:gpg2?|gpg4win|kleopatra|gnupg|gpg-agent|scdaemon)\b(?![^]*(?:because|while))/i.test(where)) return 'scdaemon';
  const named = [...where.matchAll(new RegExp(anywhere, 'gi'))].at(isPassive ? 0 : -1)?.[1]?.toLowerCase();
  return named === undefined ? null : (roleOf.get(named) ?? null);
}

type Target = Extract<Observation, { name: 'remedy' }>['target'];
const targets: readonly (readonly [RegExp, Target])[] = [
  [/scdaemon|killscd/i, 'scdaemon'],
  [/gpg-agent|gpgconf --kill (?:all|gpg-agent)/i, 'gpg-agent'],
  [/\bctk|ctkpcscd|ifdreader|securityd|usbsmartcardreaderd|pivtoken/i, 'macos-service'],
  [/pcscd/i, 'pcscd'],
  [new RegExp(names.filter((name) => roleOf.get(name) !== 'observer').map(escape).join('|'), 'i'), 'holder'],
];

/** Not the RESTART of the Assuan protocol, with which scdaemon's client ends a session (GnuPG scd/command.c). */
const REMEDY =
  /(?:killall|pkill|gpgconf\s+(?:-K|-R|--kill|--reload)|scd killscd|killscd|kill(?:s|ed|ing)?\s+(?:the\s+)?(?:-\w+\s+)?|(?<!<- |-> )restart(?:ing|ed)?|systemctl\s+(?:--user\s+|--now\s+)*(?:try-|reload-or-)?(?:restart|stop|mask|disable|kill)|service\s+[\w.@-]+\s+(?:restart|stop)|launchctl\s+\w+)\s*[^&;|#"]*/i;

/** gpg names the command that ends outdated daemons, in every language (common/asshelp.c, warn_server_version_mismatch). */
const ADVICE_OF_GPG = /^[\s>]*gpg\S{0,6}: .*gpgconf --kill all/;
/** What a program was seen to run is nothing that somebody found to help. */
const BY_A_PROGRAM = /\b(?:started|run|spawned|executed|called|issued|invoked) by\b/i;

function seeRemedy(_: RegExpExecArray, text: string): Observation[] {
  if (ADVICE_OF_GPG.test(text)) return [];
  return [...text.matchAll(new RegExp(REMEDY, 'gi'))].flatMap((match) => {
    if (BY_A_PROGRAM.test(text.slice(match.index, match.index + 100))) return [];
    const found = remediesOf(match[0], text.slice(match.index + match[0].length), text);
    return inVain(text, match.index) ? found.map(({ target }): Observation => ({ name: 'remedy-in-vain', target })) : found;
  });
}

function remediesOf(command: string, behind: string, text: string): Extract<Observation, { name: 'remedy' }>[] {
  // "killall X && Y": the kill is part of using Y, not a cure tried once.
  const chained = /(?:\balias\b|before (?:running|using|every)|always kill)/i.test(text) || /^\s*(?:&&|;)\s*(?:\S*\/)?(?:ykman|yubico|piv|age|ssh)/i.test(behind);
  // "until restarted", "the service must be restarted in order to …": what, is said elsewhere in the sentence.
  const where = /^restart(?:ed|ing)?\b/i.test(command) && !targets.some(([pattern]) => pattern.test(command)) ? text : command;
  const hit = targets.filter(([pattern]) => pattern.test(where)).map(([, target]) => target);
  // What else is named in the sentence is not what was ended.
  return hit.filter((target) => target !== 'holder' || hit.length === 1).map((target) => ({ name: 'remedy', target, chained }));
}

/** Packages by the names distributions give them; the driver before the daemon, whose name is in it. */
const supplies: readonly (readonly [RegExp, Extract<Observation, { name: 'supplied' }>['what']])[] = [
  [/scdaemon/i, 'scdaemon'],
  [/libccid|\bccid\b|pcsc-lite-ccid|pcsc-ccid|ifd-ccid/i, 'libccid'],
  [/libpcsclite1?|pcsc-lite-libs|pcsclite-dev/i, 'libpcsclite'],
  [/pcscd|pcsc-lite|pcsclite/i, 'pcscd'],
];

/** The packages named in a text. @param most how many of them count */
const suppliedIn = (text: string, most: number): Observation[] =>
  supplies.filter(([pattern]) => pattern.test(text)).slice(0, most).map(([, what]) => ({ name: 'supplied', what }));

const PACKAGE = '(?:[\\w-]*scdaemon|pcscd|pcsc-lite(?:-ccid)?|pcsclite|libccid|ccid|libpcsclite\\w*)';
/** What is merely installed somewhere is no cure: it must have been missing, or have helped. */
const TOLD_SUPPLY = new RegExp(
  [
    `(?:\\bmissing|\\black(?:s|ed|ing)|\\bneeds|\\brequires|depend\\w* on)\\b[^.]{0,30}?\\b(${PACKAGE})\\b`,
    `\\b(${PACKAGE})\\b[\x60"']?(?: package| service| daemon)? (?:is |was |were )?(?:missing|not (?:yet )?installed|to be installed|needs? to be (?:installed|started|running|enabled))`,
    `\\b(${PACKAGE})\\b[^.]{0,30}? (?:is|are) (?:a |an )?(?:required|needed|necessary|dependency|prerequisite)\\b`,
    `\\b(?:install|start|enabl)(?:ed|ing)\\b[^.]{0,30}?\\b(${PACKAGE})\\b(?:\\.(?:socket|service))?[^.]{0,60}\\b(?:works?|worked|fix(?:es|ed)?|solv(?:es|ed)|resolv(?:es|ed)|help(?:s|ed)|did)\\b`,
    `\\b(?:works?|worked|fixed|solved|resolved|helped)\\b[^.]{0,30}\\b(?:by|after|once)\\b[^.]{0,20}\\b(?:install|start|enabl)(?:ed|ing)\\b[^.]{0,20}?\\b(${PACKAGE})\\b`,
  ].join('|'),
  'i',
);

/** Rows of ss remembered, for the row of the other end. */
const MAX_ROWS = 5000;
const SOCKET_ROW = /^\s*(?:u_str|u_seq)\s+ESTAB\s+\d+\s+\d+\s+(\S+)\s+(\d+)\s+\S+\s+(\d+)\s+users:\(\("([^"]+)",pid=(\d+)/;

/**
 * `ss -xp` names one process per row and joins the rows by inode: who is connected to pcscd is in the row whose peer
 * is a socket of pcscd's, and in no other. A row for itself says nothing, every program has sockets.
 */
function socketSign(): Sign {
  const accepted = new Set<string>();
  const waiting = new Map<string, Observation>();
  return {
    kind: 'process',
    needles: ['users:(('],
    pattern: SOCKET_ROW,
    see: ([, path, inode, peer, name, pid]) => {
      if (accepted.size + waiting.size > MAX_ROWS) return null;
      if (/pcscd\.comm$/.test(path as string)) {
        accepted.add(inode as string);
        return waiting.get(peer as string) ?? null;
      }
      const program = (name as string).toLowerCase();
      const role = roleOf.get(program);
      if (role === undefined) return null;
      const client: Observation = { name: 'process', program, role, pid: Number(pid), connected: true };
      if (accepted.has(peer as string)) return client;
      waiting.set(inode as string, client);
      return null;
    },
  };
}

/** Two daemons in one listing of ps or pgrep; what systemd shows is one daemon at several times. */
const PCSCD_PROCESS = /^\s*(?:[\w+-]+\s+)?(\d+)\s(?:[^└├│]*\s)?((?:\/[\w.@+-]+)*\/pcscd)(?=\s|$)/;

function seePcscd(match: RegExpExecArray): Observation[] {
  const daemon: Observation = { name: 'process', program: 'pcscd', role: 'pcscd', pid: Number(match[1]), connected: false };
  return /^\/snap\/|\/(?:overlay2?|containers?|flatpak)\//.test(match[2] as string) ? [daemon, { name: 'pcscd-second' }] : [daemon];
}

/**
 * A log to which two daemons write by turns: one that wrote before another came, and goes on writing, did not end for it.
 * Told apart by the process number in brackets (GnuPG common/logging.c).
 */
function daemonsByTurns(): Sign {
  const before = new Set<string>();
  let last: string | null = null;
  return {
    kind: 'process',
    needles: ['scdaemon['],
    pattern: /\bscdaemon\[(\d+)\][: ]/,
    see: ({ 1: pid, index }, text) => {
      // A line is read once more together with the one before it, as one that was wrapped: its order tells nothing then.
      if (pid === last || before.size > MAX_ROWS || text.includes('scdaemon[', index + 1)) return null;
      const isBack = before.has(pid as string);
      if (last !== null) before.add(last);
      last = pid as string;
      return isBack ? { name: 'scdaemons-side-by-side' } : null;
    },
  };
}

export const programSigns = (): readonly Sign[] => [
  socketSign(),
  daemonsByTurns(),
  { kind: 'process', needles: ['bin/pcscd'], pattern: PCSCD_PROCESS, see: seePcscd },
  { kind: 'process', needles, see: seeProgram, pattern: new RegExp(`${anyName}|->INO=|^(?:${[...cutByLsof.keys()].map(escape).join('|')}) `, 'i') },
  {
    kind: 'command',
    needles: ['killall', ' pkill ', 'pkill -', 'gpgconf -', 'gpgconf --', 'killscd', 'restart', 'systemctl', 'kill -9', 'kill -H', 'kill -I', 'kill -T', 'kills scdaemon', 'kill scdaemon', 'killing', 'launchctl', 'service pcscd'],
    pattern: REMEDY,
    see: seeRemedy,
  },
  {
    kind: 'command',
    needles: ['apt install', 'apt-get install', 'dnf install', 'yum install', 'pacman -S', 'apk add', 'zypper in', 'emerge ', 'rpm-ostree install', 'systemctl start', 'systemctl enable', 'enable --now', 'service pcscd start', 'rc-service', 'services.pcscd', 'pcscd.enable', 'enable pcscd', 'enabling pcscd', 'start pcscd', 'starting pcscd', 'install pcscd', 'installing pcscd', 'running `pcscd', 'running pcscd'],
    pattern: /(?:install|pacman -S\w*|apk add|zypper in\w*|emerge|systemctl(?: --now)? (?:start|enable)(?: --now)?|service|rc-service|services\.|\b(?:by|had to|have to|needs? to|needed to|must|should|try)\s+(?:\w+\s+)?(?:enabl|start|install)(?:e|ing|ed)?|not running)[ .][^&;|]*/i,
    see: (match) => suppliedIn(match[0], 2),
  },
  {
    kind: 'command',
    // What a package manager prints while it installs: apt and dpkg, dnf, pacman, zypper, apk, emerge.
    needles: ['Setting up ', 'Selecting previously unselected', 'Installing : ', 'Packages (', 'new packages (', 'NEW packages', ') Installing ', '>>> Emerging', '>>> Installing'],
    pattern: /(?:Setting up|unselected package|Installing :|Packages \(\d|NEW packages|\) Installing|>>> (?:Emerging|Installing)).*/i,
    see: (match) => suppliedIn(match[0], 1),
  },
  {
    kind: 'command',
    // Told instead of typed: what was missing, and what helped once it was there.
    needles: ['install', 'missing', ' needs ', 'requires ', 'depend', 'lacking', ' required', 'necessary', 'started ', 'starting ', 'enabled ', 'enabling '],
    pattern: TOLD_SUPPLY,
    see: (match) => {
      const named = match.slice(1).find((name) => name !== undefined) ?? '';
      // The interface of that name is none.
      return named === 'CCID' ? null : suppliedIn(named, 1);
    },
  },
  plain('command', { name: 'clients-listed' }, ['pcscd.comm', 'list_pcsc_applications', 'libpcsclite'], /lsof|fuser|ss -\w*x|list_pcsc_applications|grep.*\/proc/),
  plain('command', { name: 'scdaemon-commanded' }, ['scd apdu', 'scd serialno', 'SCD LEARN', 'scd getinfo', 'scd reset', 'gpg-connect-agent'], /gpg-connect-agent\b.*\b(?:scd|learn)\b|\bscd\s+\w+/i),
  plain('age', { name: 'scdaemon-killed-by-tool' }, ['Stopped scdaemon', 'looking for agent processes', 'Sent SIGHUP to yubikey-agent', 'SIGINT received - immediate shutdown']),
  plain('command', { name: 'scdaemon-killed-by-tool' }, [' scdaemon', 'gpg-agent', 'yubikey-agent', 'piv-agent'], /(?:ykman|age-plugin|plugin|authenticator|nitropy|tool)\S*\s+(?:\w+\s+){0,3}(?:p?kill|terminat|stop|signal)s?\w*\s+(?:[\w-]+\s+){0,2}(?:scdaemon|gpg-agent)|(?:kill(?:s|ed|ing)?|terminates?)\s+(?:the\s+)?(?:scdaemon|gpg-agent)\s+(?:process\s+)?(?:before|every|whenever|each)|(?:scdaemon|(?:gpg|yubikey|piv)-agent)\b[^.]{0,30}\b(?:receiv\w{1,3}|gets?|got)\s(?:an?\s|the\s)?(?:SIG)?(?:HUP|INT|TERM|KILL)\b|^(?!.*(?:\b(?:I|you|we|manually)\b|\$ )).*pkill -9 scdaemon/i),
];
