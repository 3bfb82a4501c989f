/**
 * Pseudonyms for what points at a person: users, hosts, homes, serial numbers, arguments of processes. One original
 * has one pseudonym in the whole snapshot, so that a report of it still says that two things are the same.
 */
import { matchesGlob } from '../glob.ts';
import type { Process, Snapshot } from './schema.ts';

/** What a snapshot may not hold and its strings may contain. */
export interface KnownNames {
  /** Of the machine the snapshot was taken on: never that of the one it is read on. */
  hostname: string | null;
}

/** Accounts of the system; their names are the same everywhere. Human users begin at 1000 on Linux (login.defs), at 501 on macOS. */
const FIRST_HUMAN_UID = { linux: 1000, darwin: 501 };
const NOBODY = 65534;

/** Words that are the subject of every report; an account or host of that name points at nobody. */
const PUBLIC_WORDS = new Set(['root', 'nobody', 'localhost', 'pcscd', 'scdaemon', 'gpg', 'gpg-agent', 'cardcheck', 'linux', 'darwin', 'debian', 'ubuntu', 'fedora', 'home']);

/** Fields with one of a few fixed words; an account may be called "shared", the share mode stays what it was. */
const FIXED_FIELDS = new Set([
  'status', 'platform', 'place', 'kind', 'mode', 'backend', 'backends', 'outcome', 'access', 'from', 'homeDirFrom', 'state', 'shareMode', 'accessPcsc', 'accessCard', 'protocolFrom', 'loaders',
]);

const TIME = /^[+-]?\d{4,6}-\d\d-\d\dT[\d:.]+Z$/;
const USB_ID = /^[0-9a-f]{4}:[0-9a-f]{4}$/;
/** Fields of a fixed form, which stay where they have it: a host may be called "2026", a serial number be 1050. */
const FIXED_FORMS: Readonly<Record<string, RegExp>> = { startedAt: TIME, mtime: TIME, id: USB_ID, devices: USB_ID };

/** An ATR as the schema has it. In place of one may stand anything that somebody wrote into a file. */
const HEX = /^(?:[0-9A-F]{2})*$/;

/** Fields whose value is a table with keys from outside. */
const TABLES = new Set(['environment']);

/** Arguments that say how a program runs and nothing about whom it serves. */
const PUBLIC_ARGUMENTS = new Set([
  '--multi-server', '--server', '--daemon', '--supervised', '--foreground', '--auto-exit', '--homedir', '--options', '--use-standard-socket', '--system', '--user',
  '-f', '-x', '-a', '-d', '-D', '-c', '--debug', '--info', '--apdu', '--disable-polkit', '--polling-rate', '--force-reader-polling', '-m',
]);
/**
 * Programs that run another, and the options that may stand before its name: those without a value. Behind any other
 * one (`-c`, `-e`, `--eval`) may stand what somebody typed, with the password in it.
 */
const INTERPRETERS: readonly { name: RegExp; flag: RegExp }[] = [
  { name: /^python[\d.]*$/, flag: /^-(?:[bBdEiIOPqsSuvx]+|m)$/ },
  { name: /^perl[\d.]*$/, flag: /^-[tTuUwWX]+$/ },
  { name: /^ruby[\d.]*$/, flag: /^-[vwU]+$/ },
  { name: /^(?:bash|dash|sh)$/, flag: /^-[abefhiklmnpuvx]+$/ },
  { name: /^node$/, flag: /^--no-warnings$/ },
  { name: /^java$/, flag: /^-jar$/ },
];

/**
 * Where serial numbers stand in strings: in a reader's name, "Yubico YubiKey CCID (0012345678) 00 00" (pcsc-lite
 * src/hotplug_libudev.c, src/readerfactory.c), and in what scdaemon's internal driver calls a reader,
 * "1050:0407:0012345678:0" (GnuPG scd/ccid-driver.c). A reader need not be connected to be named in a file.
 */
const SERIALS = [/\(([^()]+)\) [0-9A-F]{2} [0-9A-F]{2}(?![0-9A-F])/g, /(?<![0-9A-F])[0-9A-F]{4}:[0-9A-F]{4}:([^:\s]+):\d/gi];
/** In names of readers that are written by hand, the numbers at the end may be left out. */
const SERIAL_IN_NAME = /\(([^()]+)\)\s*$/;
/** Personal folders, whoever's they are. */
const HOME = /\/(?:home|Users)\/([^/\s'":]+)/g;
/** The application identifier of an OpenPGP card: RID, application, version, manufacturer, then the serial number (OpenPGP card 3.4.1 §4.2.1). */
const OPENPGP_AID = /(D27600012401[0-9A-F]{8})[0-9A-F]{8}/gi;
/** Serial numbers of fewer characters are no serial numbers ("0", "A1"). */
const SHORTEST_SERIAL = 4;

/** A copy of the snapshot without originals; a redacted one is returned as it is. */
export function redact(snapshot: Snapshot, known: KnownNames = { hostname: null }): Snapshot {
  if (snapshot.redacted) return snapshot;
  const ofDevices = serials(snapshot);
  const names = pseudonyms(snapshot, known, ofDevices);
  const withoutArguments = mapProcesses(snapshot, (process) => ({ ...process, argv: publicArguments(process) }));
  const without = replaceStrings(withoutArguments, replacer(names), atrWithout(ofDevices));
  return { ...without, options: { ...without.options, reader: sameReaders(snapshot, without) ? without.options.reader : null }, redacted: true };
}

/** Whether `--reader` still means the same readers: a glob may have named one by a part of its serial number. */
function sameReaders(before: Snapshot, after: Snapshot): boolean {
  const [chosen, still] = [before, after].map(({ options: { reader }, facts }) => readerNames(facts).map((name) => reader === null || matchesGlob(reader, name)));
  return JSON.stringify(chosen) === JSON.stringify(still);
}

function readerNames({ readers, libraryReaders }: Snapshot['facts']): string[] {
  return [...(readers.status === 'ok' ? readers.value : []), ...(libraryReaders.status === 'ok' ? libraryReaders.value : [])].map(({ name }) => name);
}

/** Original → pseudonym. */
function pseudonyms(snapshot: Snapshot, { hostname }: KnownNames, ofDevices: readonly string[]): Map<string, string> {
  const text = JSON.stringify(snapshot);
  const names = new Map<string, string>();
  const name = (kind: string, originals: Iterable<string>) => {
    let n = 0;
    for (const original of new Set(originals)) {
      if (PUBLIC_WORDS.has(original.toLowerCase()) || names.has(original)) continue;
      let pseudonym: string;
      // A pseudonym that occurs already would make two things look like one.
      do pseudonym = `${kind}${++n}`;
      while (text.includes(pseudonym));
      names.set(original, pseudonym);
    }
  };
  name('user', userNames(snapshot, text));
  name('host', hostNames(snapshot, hostname));
  name('serial', ofDevices);
  return names;
}

function userNames(snapshot: Snapshot, text: string): string[] {
  const { host, gnupg } = snapshot.facts;
  const firstHuman = FIRST_HUMAN_UID[host.status === 'ok' ? host.value.platform : 'linux'];
  const found: string[] = [];
  const user = (uid: number, name: string | null) => {
    if (name !== null && name !== '' && uid >= firstHuman && uid !== NOBODY) found.push(name);
  };
  if (host.status === 'ok') user(host.value.user.uid, host.value.user.name);
  mapProcesses(snapshot, (process) => {
    user(process.uid, process.user);
    return process;
  });
  for (const [, name] of text.matchAll(HOME)) found.push(name as string);
  // A home outside /home is named after its user as well, or after something as personal.
  const home = gnupg.status === 'ok' ? /\/([^/]+)\/\.gnupg\/?$/.exec(gnupg.value.homeDir)?.[1] : undefined;
  return home === undefined ? found : [...found, home];
}

/** The whole name and its first label. */
function hostNames({ facts: { host } }: Snapshot, known: string | null): string[] {
  const names = [host.status === 'ok' ? host.value.hostname : null, known].filter((name) => name !== null);
  return names.flatMap((name) => [name, name.split('.')[0] as string]).filter((name) => name !== '');
}

function serials(snapshot: Snapshot): string[] {
  const { usbDevices, scdaemonConfig, pcscdConfig } = snapshot.facts;
  const devices = usbDevices.status === 'ok' ? usbDevices.value.map(({ serial }) => serial) : [];
  const everywhere = stringsIn(snapshot).flatMap((text) => SERIALS.flatMap((where) => [...text.matchAll(where)].map((match) => match[1])));
  const writtenNames = [
    ...(scdaemonConfig.status === 'ok' ? [scdaemonConfig.value.readerPort, ...scdaemonConfig.value.lines.filter(({ option }) => option === 'reader-port').map(({ value }) => value)] : []),
    ...(pcscdConfig.status === 'ok' ? [...pcscdConfig.value.ignoredReaders, ...pcscdConfig.value.readerConf.flatMap(({ readers }) => readers)] : []),
  ].map((name) => SERIAL_IN_NAME.exec(name ?? '')?.[1]);
  const found = [...devices, ...everywhere, ...writtenNames].filter((serial): serial is string => typeof serial === 'string');
  // gpg and labels leave leading zeros out.
  return found.flatMap((serial) => [serial, serial.replace(/^0+(?=\d+$)/, '')]).filter((serial) => serial.length >= SHORTEST_SERIAL);
}

/**
 * The ATR stays: it is what tells whoever helps which kind of card it is, and the same for all cards of a kind but for
 * what a maker puts into its historical bytes (ISO 7816-4 8.1.1, card issuer's and pre-issuing data, of no fixed form;
 * a YubiKey's spell "YubiKey"). A number there that is known for a serial number, in letters or in packed digits, goes.
 */
function atrWithout(known: readonly string[]): (atr: string) => string {
  const packed = known.filter((serial) => /^\d{6,}$/.test(serial)).map((serial) => (serial.length % 2 === 0 ? serial : `0${serial}`));
  const spelled = known.map((serial) => Buffer.from(serial, 'latin1').toString('hex'));
  const forms = new Set([...spelled, ...packed]);
  if (forms.size === 0) return (atr) => atr;
  const inside = new RegExp(`(?<=^(?:..)*)(?:${[...forms].sort((a, b) => b.length - a.length).join('|')})`, 'gi');
  return (atr) => atr.replace(inside, (bytes) => '0'.repeat(bytes.length));
}

function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsIn) : [];
}

/** What stays of a command line: the program, how it runs, and which script an interpreter runs. */
function publicArguments({ argv, exe }: Process): string[] {
  const [program, ...rest] = argv;
  if (program === undefined) return [];
  const known = scriptEnd(program, rest);
  return [programName(exe, program), ...rest.slice(0, known), ...rest.slice(known).filter((argument) => PUBLIC_ARGUMENTS.has(argument))];
}

/** How many arguments an interpreter's script ends behind; 0: it is no interpreter, or runs no script. */
function scriptEnd(program: string, rest: readonly string[]): number {
  const interpreter = INTERPRETERS.find(({ name }) => name.test(program.split('/').at(-1) as string));
  if (interpreter === undefined) return 0;
  const at = rest.findIndex((argument) => !interpreter.flag.test(argument));
  return at === -1 || rest[at]?.startsWith('-') ? 0 : at + 1;
}

/** A program may write all its arguments, or a title, into the first (setproctitle; Chromium's children): what follows a blank is no name then. */
function programName(exe: string | null, program: string): string {
  return exe !== null && (program === exe || program.startsWith(`${exe} `)) ? exe : (program.split(' ', 1)[0] as string);
}

function isProcess(value: object): value is Process {
  return 'pid' in value && 'argv' in value && 'comm' in value;
}

/** A copy with every process changed, wherever in the facts it stands. */
function mapProcesses<T>(value: T, change: (process: Process) => Process): T {
  const walk = (inner: unknown): unknown => {
    if (Array.isArray(inner)) return inner.map(walk);
    if (typeof inner !== 'object' || inner === null) return inner;
    if (isProcess(inner)) return change(inner);
    return Object.fromEntries(Object.entries(inner).map(([key, deeper]) => [key, walk(deeper)]));
  };
  return walk(value) as T;
}

const isFixed = (field: string, text: string): boolean => FIXED_FIELDS.has(field) || FIXED_FORMS[field]?.test(text) === true;

function replaceStrings<T>(value: T, replace: (text: string) => string, inAtr: (atr: string) => string): T {
  const walk = (inner: unknown, field: string | null): unknown => {
    if (typeof inner === 'string') return field === 'atr' && HEX.test(inner) ? inAtr(inner) : field !== null && isFixed(field, inner) ? inner : replace(inner);
    if (Array.isArray(inner)) return inner.map((entry) => walk(entry, field));
    if (typeof inner !== 'object' || inner === null) return inner;
    // Keys are ours, except those of a table of names.
    return Object.fromEntries(Object.entries(inner).map(([key, deeper]) => [field !== null && TABLES.has(field) ? replace(key) : key, walk(deeper, key)]));
  };
  return walk(value, null) as T;
}

/** Replaces whole words only: a user called "al" must not turn "serial" into something else. Longest first, so that a name within a name is safe. */
function replacer(names: ReadonlyMap<string, string>): (text: string) => string {
  const withoutAids = (text: string) => text.replace(OPENPGP_AID, '$100000000');
  if (names.size === 0) return withoutAids;
  const escaped = [...names.keys()].sort((a, b) => b.length - a.length).map((original) => original.replace(/[\\^$.|?*+()[\]{}]/g, '\\$&'));
  const words = new RegExp(`(?<![\\p{L}\\p{N}])(?:${escaped.join('|')})(?![\\p{L}\\p{N}])`, 'gu');
  return (text) => withoutAids(text.replace(words, (original) => names.get(original) ?? original));
}
