import { isAbsolute, join } from 'node:path/posix';
import { CARD_NOT_PRESENT, errorCode } from '../gnupg/assuan.ts';
import { scdaemonBackend } from '../gnupg/backend.ts';
import { type ConfigFile, type ConfigProblem, parseConfig } from '../gnupg/config-grammar.ts';
import { parseComponents, parseListDirs } from '../gnupg/gpgconf.ts';
import { assumeOptionTable, type OptionTable, parseOptionTable } from '../gnupg/option-table.ts';
import { configMessages } from '../gnupg/verdict.ts';
import { parseVersion, readsGlobalFile, rejectedLineIsFatal, versionInBanner } from '../gnupg/version.ts';
import { absent, denied, failed, ok, skipped, timedOut, valueOf } from '../snapshot/fact.ts';
import type { Fact, Facts, Gnupg, Process, Scdaemon, ScdaemonConfig } from '../snapshot/schema.ts';
import { type RunResult, type System, SystemError } from '../system/port.ts';
import { pidsNamed, readProcess, userNames } from '../system/process.ts';
import { defineCollector } from './collector.ts';
import { withAgent } from './gpg-agent.ts';

const RUN_MS = 1500;
/** Of the deadline of one answer: an agent that hangs must not cost what is known without it. */
const AGENT_SHARE = 1 / 3;
const CONFIG_LIMIT = 1024 * 1024;
/** More than any scdaemon is in size. */
const PROGRAM_LIMIT = 8 * 1024 * 1024;
const PASSWD_LIMIT = 1024 * 1024;
const MAX_THREADS = 64;
const CONFIG_NAME = 'scdaemon.conf';
/** Kernel's names of programs that serve as scdaemon; the second is cut after 15 characters. */
const SCDAEMON_NAMES = ['scdaemon', 'gnupg-pkcs11-sc'];
/** The thread that the internal CCID driver starts with its first reader and ends with its last (GnuPG scd/ccid-driver.c). */
const CCID_THREAD = 'ccid_usb_thread';
/** Start times of processes are only that exact, because the kernel tells the time of boot in whole seconds. */
const START_TIME_ERROR_MS = 1000;

/** GnuPG as the examined user has it: what is installed, how scdaemon is set up, which scdaemons run. Starts no daemon and touches no card. */
export const gnupg = defineCollector({
  name: 'gnupg',
  facts: ['gnupg', 'scdaemonConfig', 'scdaemons'],
  async collect(system, options) {
    const subject = examinedUser(system);
    const found = subject.then((user) => findGnupg(system, user));
    const [installed, running] = await Promise.all([found, scdaemonProcesses(system)]);
    const [config, daemons] = await Promise.all([
      readScdaemonConfig(system, installed).catch(failure),
      describeScdaemons(system, running, installed, await subject, options.timeoutMs),
    ]);
    return { gnupg: installed.gnupg, scdaemonConfig: config, scdaemons: daemons } satisfies Pick<Facts, 'gnupg' | 'scdaemonConfig' | 'scdaemons'>;
  },
});

/** Why a fact has no value, from what was thrown. */
function failure(error: unknown): Fact<never> {
  if (!(error instanceof SystemError)) return failed(error instanceof Error ? error.message : String(error));
  if (error.isDenied) return denied('root');
  return error.code === 'ETIMEDOUT' ? timedOut(RUN_MS) : failed(error.message);
}

// --- whose GnuPG --------------------------------------------------------------------------------

interface User {
  uid: number;
  name: string | null;
  home: string | null;
  /** Called cardcheck through sudo: the GnuPG in question is theirs, not root's. */
  throughSudo: boolean;
}

async function examinedUser(system: System): Promise<User> {
  const sudo = system.env('SUDO_UID') ?? '';
  const throughSudo = system.uid === 0 && /^[1-9]\d{0,9}$/.test(sudo);
  const uid = throughSudo ? Number(sudo) : system.uid;
  const [names, homes] = await Promise.all([userNames(system), homeFolders(system)]);
  const home = throughSudo ? undefined : system.env('HOME');
  return { uid, name: names.get(uid) ?? null, home: home ?? homes.get(uid) ?? null, throughSudo };
}

/** Home folders by uid from /etc/passwd. */
async function homeFolders(system: System): Promise<ReadonlyMap<number, string>> {
  const text = await system.readFile('/etc/passwd', PASSWD_LIMIT).catch(() => '');
  const rows = text.split('\n').map((line) => line.split(':'));
  return new Map(rows.reverse().flatMap(([, , uid, , , home]) => (uid !== undefined && /^\d+$/.test(uid) && home !== undefined ? [[Number(uid), home] as const] : [])));
}

// --- what is installed --------------------------------------------------------------------------

interface Installation {
  gnupg: Fact<Gnupg>;
  user: User;
  table: OptionTable | null;
  /** What scdaemon says of its files; null: it could not be asked. */
  tested: RunResult | null;
}

async function findGnupg(system: System, user: User): Promise<Installation> {
  try {
    const [dirsText, componentsText] = await Promise.all([output(system, 'gpgconf', '--list-dirs'), output(system, 'gpgconf', '--list-components')]);
    return await installation(system, user, parseListDirs(dirsText), parseComponents(componentsText));
  } catch (error) {
    const missing = error instanceof SystemError && error.isMissing;
    return { gnupg: missing ? absent('GnuPG is not installed: there is no gpgconf') : failure(error), user, table: null, tested: null };
  }
}

async function installation(system: System, user: User, dirs: ReadonlyMap<string, string>, components: ReadonlyMap<string, string>): Promise<Installation> {
  const expected = components.get('scdaemon') ?? null;
  const home = homeDir(system, user, dirs);
  const [gpg, scdaemon, tested] = await Promise.all([
    programVersion(system, components.get('gpg') ?? 'gpg'),
    describeProgram(system, expected),
    testConfig(system, expected, home.homeDir),
  ]);
  const sysconfDir = dirs.get('sysconfdir') ?? '/etc/gnupg';
  const bin = dirs.get('bindir');
  const value: Gnupg = {
    gpg,
    gpgconf: bin === undefined ? null : join(bin, 'gpgconf'),
    scdaemon: scdaemon?.about ?? null,
    expectedScdaemon: expected,
    uid: user.uid,
    ...home,
    sysconfDir,
    agentSocket: user.throughSudo ? await socketOf(system, user.uid, home.homeDir) : (dirs.get('agent-socket') ?? null),
  };
  return { gnupg: ok(value, 'gpgconf --list-dirs'), user, table: scdaemon?.table ?? null, tested };
}

function homeDir(system: System, user: User, dirs: ReadonlyMap<string, string>): Pick<Gnupg, 'homeDir' | 'homeDirFrom'> {
  const standard = user.home === null ? null : join(user.home, '.gnupg');
  if (user.throughSudo && standard !== null) return { homeDir: standard, homeDirFrom: 'SUDO_UID' };
  const told = dirs.get('homedir') ?? standard ?? '/nonexistent';
  if (system.env('GNUPGHOME') !== undefined) return { homeDir: told, homeDirFrom: 'GNUPGHOME' };
  return { homeDir: told, homeDirFrom: told === standard ? 'default' : 'gpgconf' };
}

/** Where the gpg-agent of another user with the default home listens (GnuPG common/homedir.c, _gnupg_socketdir_internal). */
async function socketOf(system: System, uid: number, home: string): Promise<string> {
  for (const base of ['/run/user', '/run/gnupg/user', '/var/run/user', '/var/run/gnupg/user']) {
    const folder = `${base}/${uid}/gnupg`;
    if (await exists(system, folder)) return join(folder, 'S.gpg-agent');
  }
  return join(home, 'S.gpg-agent');
}

const exists = (system: System, path: string): Promise<boolean> =>
  system.stat(path).then(
    () => true,
    () => false,
  );

async function output(system: System, program: string, ...args: string[]): Promise<string> {
  const { stdout } = await system.run(program, args, { timeoutMs: RUN_MS });
  return stdout;
}

/** null: not there. */
async function runIfThere(system: System, program: string, ...args: string[]): Promise<RunResult | null> {
  try {
    return await system.run(program, args, { timeoutMs: RUN_MS });
  } catch (error) {
    if (error instanceof SystemError && error.isMissing) return null;
    throw error;
  }
}

async function programVersion(system: System, path: string): Promise<Gnupg['gpg']> {
  const result = await runIfThere(system, path, '--version');
  return result === null ? null : { path, version: versionInBanner(result.stdout) ?? 'unknown' };
}

/** gpgconf lists scdaemon whether or not its package is installed. */
async function describeProgram(system: System, path: string | null): Promise<{ about: NonNullable<Gnupg['scdaemon']>; table: OptionTable | null } | null> {
  if (path === null) return null;
  const [program, dumped] = await Promise.all([programVersion(system, path), runIfThere(system, path, '--dump-option-table')]);
  if (program === null || dumped === null) return null;
  const told = parseOptionTable(dumped.stdout);
  const table = told ?? assumeOptionTable((await runIfThere(system, path, '--dump-options'))?.stdout ?? '');
  const internalCcid = told === null ? await linksLibusb(system, path) : hasInternalCcid(told);
  const about = { ...program, internalCcid, knowsPcscShared: table?.has('pcsc-shared') ?? null, options: table === null ? null : [...table.keys()] };
  return { about, table };
}

/** scdaemon's own judgement; the command reads the files, prints messages and ends (GnuPG scd/scdaemon.c, aGPGConfTest). */
const testConfig = async (system: System, program: string | null, home: string): Promise<RunResult | null> =>
  program === null ? null : system.run(program, ['--homedir', home, '--gpgconf-test'], { timeoutMs: RUN_MS }).catch(() => null);

/** Without the driver scdaemon hides `disable-ccid` from its help (GnuPG scd/scdaemon.c). */
function hasInternalCcid(table: OptionTable): boolean | null {
  const description = table.get('disable-ccid')?.description;
  return description === undefined ? null : !description.startsWith('@');
}

/** A scdaemon that describes no options: the driver is built in when the program needs libusb. */
const linksLibusb = (system: System, path: string): Promise<boolean | null> =>
  system.readBytes(path, 0, PROGRAM_LIMIT).then(
    (bytes) => bytes.includes('libusb-1.0.so'),
    () => null,
  );

// --- scdaemon.conf ------------------------------------------------------------------------------

type ConfigState = ScdaemonConfig['files'][number];

async function readScdaemonConfig(system: System, { gnupg: found, user, table, tested }: Installation): Promise<Fact<ScdaemonConfig>> {
  if (found.status !== 'ok') return found;
  const { scdaemon, homeDir: home, sysconfDir } = found.value;
  if (scdaemon === null) return absent('scdaemon is not installed');
  if (table === null) return failed(`${scdaemon.path} does not say which options it knows`);
  const version = parseVersion(scdaemon.version);
  const places = [
    ...(version === null || readsGlobalFile(version) ? [{ path: join(sysconfDir, CONFIG_NAME), global: true }] : []),
    { path: join(home, CONFIG_NAME), global: false },
  ];
  const files = await Promise.all(places.map((place) => readConfig(system, user, place)));
  const verdict = tested && { exitCode: tested.exitCode, messages: configMessages(tested.stderr, places.map(({ path }) => path)) };
  const readable = files.flatMap(({ file }) => file ?? []);
  const { lines, problems } = parseConfig(readable, table, user.name);
  const rejected = problems.some(({ effect }) => effect === 'rejected');
  const isSet = (option: string) => lines.some((line) => line.option === option);
  const disableCcid = isSet('disable-ccid');
  const pcscShared = isSet('pcsc-shared');
  const value: ScdaemonConfig = {
    files: files.map(({ state }) => state),
    lines,
    problems: [...problems, ...files.flatMap(({ state }) => unreadable(state, user))],
    verdict,
    fatal: verdict?.exitCode == null ? rejected && version !== null && rejectedLineIsFatal(version) : verdict.exitCode !== 0,
    disableCcid,
    pcscShared,
    readerPort: lines.findLast(({ option }) => option === 'reader-port')?.value ?? null,
    backend: scdaemonBackend({ version, internalCcid: scdaemon.internalCcid, disableCcid }),
    shareMode: pcscShared ? 'shared' : 'exclusive',
  };
  return ok(value, places.map(({ path }) => path).join(', '));
}

/** A file that scdaemon cannot open is skipped by it without a word. */
function unreadable(state: ConfigState, user: User): ConfigProblem[] {
  if (state.state !== 'unreadable') return [];
  const whose = state.uid === null ? '' : ` (it belongs to uid ${state.uid})`;
  return [{ file: state.path, line: null, text: null, effect: 'unreadable', message: `${user.name ?? `uid ${user.uid}`} may not read it${whose}; scdaemon skips it silently` }];
}

async function readConfig(system: System, user: User, place: Omit<ConfigFile, 'text'>): Promise<{ state: ConfigState; file: ConfigFile | null }> {
  const { path } = place;
  const stat = await system.stat(path).catch((error: SystemError) => error);
  if (stat instanceof SystemError) return { state: { path, state: stat.isMissing ? 'missing' : stat.isDenied ? 'unreadable' : 'error', uid: null, mtime: null }, file: null };
  const known = { path, uid: stat.uid, mtime: new Date(stat.mtimeMs).toISOString() };
  try {
    if (user.uid !== system.uid && !mayRead(stat, user.uid)) return { state: { ...known, state: 'unreadable' }, file: null };
    return { state: { ...known, state: 'read' }, file: { ...place, text: await system.readFile(path, CONFIG_LIMIT) } };
  } catch (error) {
    return { state: { ...known, state: error instanceof SystemError && error.isDenied ? 'unreadable' : 'error' }, file: null };
  }
}

/** For another user than the one who runs cardcheck: by owner and mode; groups and ACLs are rare on these files. */
const mayRead = (file: { uid: number; mode: number }, uid: number): boolean => (file.mode & (file.uid === uid ? 0o400 : 0o004)) !== 0;

// --- running scdaemons --------------------------------------------------------------------------

async function scdaemonProcesses(system: System): Promise<Process[]> {
  const pids = (await Promise.all(SCDAEMON_NAMES.map((name) => pidsNamed(system, name)))).flat();
  const processes = await Promise.all(pids.map((pid) => readProcess(system, pid)));
  return processes.filter((process) => process !== null);
}

async function describeScdaemons(system: System, processes: readonly Process[], { gnupg: found }: Installation, user: User, timeoutMs: number): Promise<Fact<Scdaemon[]>> {
  const known = valueOf(found);
  const homes = await homeFolders(system);
  const standard = (uid: number) => (uid === user.uid ? user.home : homes.get(uid)) ?? null;
  const places = await Promise.all(
    processes.map(async (process) => {
      const folder = standard(process.uid);
      const home = homeArgument(process.argv) ?? (folder === null ? null : join(folder, '.gnupg'));
      const ours = process.uid === user.uid && home !== null && known !== undefined && (await realOrSame(system, home)) === (await realOrSame(system, known.homeDir));
      return { process, home, ours };
    }),
  );
  const asked = places.some(({ process, ours }) => ours && isGnupgsOwn(process)) ? await askAgent(system, known?.agentSocket ?? null, Math.round(timeoutMs * AGENT_SHARE)) : null;
  const described = places.map(async ({ process, home, ours }): Promise<Scdaemon> => {
    const [usesInternalCcid, configNewerThanProcess] = await Promise.all([hasCcidThread(system, process.pid), configIsNewer(system, process, home, known?.sysconfDir)]);
    return { process, home, ours, usesInternalCcid, configNewerThanProcess, cardOpen: cardOpen(process, ours, asked) };
  });
  return ok(await Promise.all(described), '/proc');
}

const isGnupgsOwn = (process: Process): boolean => process.comm === 'scdaemon';
const realOrSame = (system: System, path: string): Promise<string> => system.realPath(path).catch(() => path);

/** gpg-agent hands over only a home that is not the default one (GnuPG agent/call-daemon.c). */
function homeArgument(argv: readonly string[]): string | null {
  const index = argv.findIndex((argument) => argument === '--homedir' || argument.startsWith('--homedir='));
  if (index === -1) return null;
  const home = argv[index] === '--homedir' ? argv[index + 1] : (argv[index] as string).slice('--homedir='.length);
  return home !== undefined && isAbsolute(home) ? home : null;
}

/** Names of threads may be read even of a process that hides everything else. null: not visible. */
async function hasCcidThread(system: System, pid: number): Promise<boolean | null> {
  const threads = await system.readDir(`/proc/${pid}/task`).catch(() => null);
  if (threads === null) return null;
  const names = await Promise.all(threads.slice(0, MAX_THREADS).map((thread) => system.readFile(`/proc/${pid}/task/${thread}/comm`, 64).catch(() => '')));
  return names.some((name) => name.trim() === CCID_THREAD);
}

/** scdaemon reads its files at its start only. null: could not be told, or too close to tell. */
async function configIsNewer(system: System, process: Process, home: string | null, sysconfDir: string | undefined): Promise<boolean | null> {
  if (process.startedAt === null || home === null) return null;
  const folders = [home, ...(sysconfDir === undefined ? [] : [sysconfDir])];
  const stats = await Promise.all(folders.map((folder) => system.stat(join(folder, CONFIG_NAME)).catch((error: SystemError) => error)));
  if (stats.some((stat) => stat instanceof SystemError && !stat.isMissing)) return null;
  const changes = stats.flatMap((stat) => (stat instanceof SystemError ? [] : [stat.mtimeMs]));
  const lead = Math.max(...changes, Number.NEGATIVE_INFINITY) - Date.parse(process.startedAt);
  return Math.abs(lead) <= START_TIME_ERROR_MS ? null : lead > 0;
}

/** What the agent says of its scdaemon: which process it is and whether that has a card open. */
interface AgentAnswer {
  pid: number | null;
  cardOpen: Fact<boolean>;
}

/**
 * Asks in this order, because any `SCD …` starts a scdaemon that does not run, and only these two leave cards alone
 * (GnuPG scd/command.c, cmd_getinfo): never `SCD GETINFO status`.
 */
async function askAgent(system: System, socket: string | null, timeoutMs: number): Promise<Fact<AgentAnswer>> {
  if (!system.live) return skipped('only a running machine can be asked');
  if (socket === null) return absent('gpgconf names no socket of gpg-agent');
  return withAgent(system, socket, timeoutMs, async (ask): Promise<AgentAnswer> => {
    if (!(await ask('GETINFO scd_running')).ok) return { pid: null, cardOpen: absent('gpg-agent runs no scdaemon') };
    const pid = await ask('SCD GETINFO pid');
    const list = await ask('SCD GETINFO card_list');
    const source = 'SCD GETINFO card_list';
    const none = !list.ok && errorCode(list) === CARD_NOT_PRESENT;
    const open = list.status.some((line) => line.startsWith('SERIALNO '));
    return { pid: /^\d{1,10}$/.test(pid.data) ? Number(pid.data) : null, cardOpen: list.ok || none ? ok(open, source) : failed(`${source}: ${list.text}`) };
  });
}

function cardOpen(process: Process, ours: boolean, asked: Fact<AgentAnswer> | null): Fact<boolean> {
  if (!isGnupgsOwn(process)) return skipped('not GnuPG\'s own scdaemon');
  if (!ours || asked === null) return skipped('of another user or another GnuPG home: only its own gpg-agent can ask it');
  if (asked.status !== 'ok') return asked;
  return asked.value.pid === process.pid ? asked.value.cardOpen : absent('its gpg-agent is gone or has another scdaemon');
}
