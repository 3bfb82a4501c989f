import { isAbsolute, join } from 'node:path/posix';
import { CARD_NOT_PRESENT, errorCode } from '../gnupg/assuan.ts';
import { absent, failed, ok, skipped, valueOf } from '../snapshot/fact.ts';
import type { Fact, Process, Scdaemon } from '../snapshot/schema.ts';
import { type System, SystemError } from '../system/port.ts';
import { pidsNamed, readProcess } from '../system/process.ts';
import { darwinProcesses } from '../system/process-darwin.ts';
import { attempt } from './collector.ts';
import { withAgent } from './gpg-agent.ts';
import { CONFIG_NAME, type Installation } from './gnupg-installation.ts';
import { homeFolders, type User } from './gnupg-user.ts';

const MAX_THREADS = 64;
/** Kernel's names of programs that serve as scdaemon; the second is cut after 15 characters. */
const SCDAEMON_NAMES = ['scdaemon', 'gnupg-pkcs11-sc'];
/** The thread that the internal CCID driver starts with its first reader and ends with its last (GnuPG scd/ccid-driver.c). */
const CCID_THREAD = 'ccid_usb_thread';
/** Start times of processes are only that exact, because the kernel tells the time of boot in whole seconds. */
const START_TIME_ERROR_MS = 1000;

/** The commands that make an scdaemon of it; with any other it prints something and ends (GnuPG scd/scdaemon.c). */
const SERVES = /^--(?:server|multi-server|daemon)$/;

/** The scdaemons of everybody, and what takes their place. */
export async function scdaemonProcesses(system: System): Promise<Process[]> {
  const pids = (await Promise.all(SCDAEMON_NAMES.map((name) => pidsNamed(system, name)))).flat();
  const processes = await Promise.all(pids.map((pid) => readProcess(system, pid)));
  return processes.filter((process) => process !== null && !isInBetween(system, process) && !onlyAnswers(process)) as Process[];
}

/** A program without a single argument is just being started or ended, and what it will be cannot be told; ps on macOS shows none of anybody. */
export const isInBetween = ({ platform }: System, { argv }: Pick<Process, 'argv'>): boolean => platform === 'linux' && argv.length === 0;

/** Gpgconf and others, we among them, run it for a moment to ask for its version or its options. */
export const onlyAnswers = ({ comm, argv }: Pick<Process, 'comm' | 'argv'>): boolean => SCDAEMON_NAMES.includes(comm) && argv.length > 0 && !argv.some((argument) => SERVES.test(argument));

/**
 * Whose each is, whether it works over USB, whether its files changed since it started, and of our own whether it has a
 * card open.
 * @param timeoutMs for gpg-agent's answers
 */
export async function describeScdaemons(system: System, processes: readonly Process[], { gnupg: found }: Installation, user: User, timeoutMs: number): Promise<Fact<Scdaemon[]>> {
  const unseen = system.platform === 'darwin' ? await attempt(async () => ok(await darwinProcesses(system), 'ps')) : null;
  if (unseen !== null && unseen.status !== 'ok') return unseen;
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
  const asked = places.some(({ process, ours }) => ours && isGnupgsOwn(process)) ? await askAgent(system, known?.agentSocket ?? null, timeoutMs) : null;
  const described = places.map(async ({ process, home, ours }): Promise<Scdaemon> => {
    const [usesInternalCcid, configNewerThanProcess] = await Promise.all([hasCcidThread(system, process.pid), configIsNewer(system, process, home, known?.sysconfDir)]);
    return { process, home, ours, usesInternalCcid, configNewerThanProcess, cardOpen: cardOpen(process, ours, asked) };
  });
  return ok(await Promise.all(described), unseen?.source ?? '/proc');
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
