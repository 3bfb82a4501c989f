import { dirname, join } from 'node:path/posix';
import { ok, valueOf } from '../snapshot/fact.ts';
import type { Fact, FactValue, Gnupg, Process } from '../snapshot/schema.ts';
import { type System, SystemError } from '../system/port.ts';
import { listPids, pidsNamed, readOpenFiles, readProcess, readStat } from '../system/process.ts';
import type { User } from './gnupg-user.ts';
import { failure, type Installation } from './gnupg-installation.ts';
import { obstaclesAmong, OPTION_FILE_LIMIT } from './gnupg-option-file.ts';
import { parseUnixTable } from './unix-sockets.ts';

type Home = FactValue<'gnupgHome'>;
type Agent = FactValue<'gpgAgent'>;

const UNIX_TABLE_LIMIT = 16 * 1024 * 1024;
const AGENT_CONF = 'gpg-agent.conf';
/** Of the programs that must run before scdaemon is asked anything. */
const PROGRAM_FILES = ['gpg.conf', AGENT_CONF];

/** Whether GnuPG can work in its home directory. Nothing is written. */
export async function readHome(system: System, { gnupg }: Installation, user: User): Promise<Fact<Home>> {
  if (gnupg.status !== 'ok') return gnupg;
  try {
    return ok(await lookAt(system, gnupg.value, user), gnupg.value.homeDir);
  } catch (error) {
    return failure(error);
  }
}

async function lookAt(system: System, { homeDir: path, sysconfDir }: Gnupg, user: User): Promise<Home> {
  // What root may do there says nothing of the user it was called by.
  const mayWrite = (folder: string) => (user.uid === system.uid ? system.access(folder, 'read-write').catch(() => null) : null);
  const obstacles = await obstaclesAmong(system, user, [sysconfDir, path].flatMap((folder) => PROGRAM_FILES.map((name) => join(folder, name))));
  try {
    const { kind, uid, mode } = await system.stat(path);
    return { path, kind: kind === 'directory' ? 'directory' : 'other', uid, mode, usable: kind === 'directory' ? await mayWrite(path) : false, obstacles };
  } catch (error) {
    if (!(error instanceof SystemError) || !error.isMissing) throw error;
    // gpg makes the directory itself, though not its parents (GnuPG common/homedir.c).
    const parent = await system.stat(dirname(path)).then(() => true, () => false);
    return { path, kind: 'missing', uid: null, mode: null, usable: parent ? await mayWrite(dirname(path)) : false, obstacles };
  }
}

/** Who answers for gpg-agent, and whom ssh asks. Nobody is connected to: a connect would start an agent. */
export async function readAgent(system: System, { gnupg }: Installation, user: User): Promise<Fact<Agent>> {
  const known = valueOf(gnupg);
  if (known === undefined) return gnupg as Fact<never>;
  const socket = known.agentSocket;
  const [{ listeners, unseen }, sshSupport] = await Promise.all([
    socket === null ? { listeners: [], unseen: false } : listenersOf(system, socket, user),
    readSshSupport(system, user, [join(known.homeDir, AGENT_CONF), join(known.sysconfDir, AGENT_CONF)]),
  ]);
  const sshAuthSock = user.throughSudo ? null : (system.env('SSH_AUTH_SOCK') ?? null);
  return ok({ socket, listeners, unseen, sshSocket: socket === null ? null : `${socket}.ssh`, sshSupport, sshAuthSock }, '/proc/net/unix');
}

/** Only where no gpg-agent of this user runs: one that lost its socket ends by itself within a minute (GnuPG agent/gpg-agent.c, check_own_socket). */
async function listenersOf(system: System, socket: string, user: User): Promise<Pick<Agent, 'listeners' | 'unseen'>> {
  const nobody = { listeners: [], unseen: false };
  const owners = await Promise.all((await pidsNamed(system, 'gpg-agent')).map((pid) => readProcess(system, pid)));
  if (owners.some((process) => process?.uid === user.uid)) return nobody;
  const table = parseUnixTable(await system.readFile('/proc/net/unix', UNIX_TABLE_LIMIT).catch(() => ''));
  const inodes = new Set(table.flatMap(({ path, connected, inode }) => (path === socket && !connected ? [`socket:[${inode}]`] : [])));
  if (inodes.size === 0) return nobody;
  const look = async (pids: readonly number[]) =>
    Promise.all(
      pids.map(async (pid) => {
        const files = await readOpenFiles(system, pid);
        return { pid, closed: files === null && (await readStat(system, pid))?.kernelThread === false, has: files?.some(({ target }) => inodes.has(target)) === true };
      }),
    );
  // systemd listens for an agent that sleeps: the usual case, and then nobody else need be looked at.
  const bySystemd = (await look(await pidsNamed(system, 'systemd'))).filter(({ has }) => has);
  const looks = bySystemd.length > 0 ? bySystemd : await look(await listPids(system));
  const listeners = (await Promise.all(looks.filter(({ has }) => has).map(({ pid }) => readProcess(system, pid)))).filter((process): process is Process => process !== null);
  return { listeners, unseen: listeners.length === 0 && looks.some(({ closed }) => closed) };
}

/** null: none of the files could be read, or one is none. */
async function readSshSupport(system: System, user: User, files: readonly string[]): Promise<boolean | null> {
  if ((await obstaclesAmong(system, user, files)).length > 0) return null;
  const texts = await Promise.all(files.map((file) => system.readFile(file, OPTION_FILE_LIMIT).catch((error: SystemError) => (error.isMissing ? '' : null))));
  return texts.every((text) => text === null) ? null : texts.some((text) => /^\s*enable-ssh-support\s*$/m.test(text ?? ''));
}
