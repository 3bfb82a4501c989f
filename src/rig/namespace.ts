import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { searchPath } from './requirements.ts';
import { RigError } from './rig-error.ts';

/** Everything the rig writes lives in a tmpfs that vanishes with the namespaces; short, because a socket path has 108 bytes at most. */
export const rigFolder = '/run/rig';
export const userId = 65534;

/**
 * Folders of the machine that must not be seen from inside: its USB devices (so that neither pcscd nor scdaemon can
 * open one, and no report mentions one) and its system-wide GnuPG configuration (so that "default" means default).
 */
const hiddenFolders = ['/dev/bus/usb', '/sys/bus', '/etc/gnupg'];

/** Runs as process 1 of the namespaces and reaps orphans while it waits; ends, and everything with it, at end of input. */
const initScript = `
set -e
node=$1 app=$2
shift 2
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/pcscd ${rigFolder}/app ${rigFolder}/reader.conf.d ${rigFolder}/home/root ${rigFolder}/home/user ${rigFolder}/tmp
chmod 1777 ${rigFolder}/tmp
chown ${userId}:${userId} ${rigFolder}/home/user 2>/dev/null || true
touch ${rigFolder}/node
mount --bind "$node" ${rigFolder}/node
mount --rbind "$app" ${rigFolder}/app
if [ -d /etc/reader.conf.d ]; then mount --bind ${rigFolder}/reader.conf.d /etc/reader.conf.d; fi
for folder; do
  if [ -d "$folder" ]; then mount -t tmpfs -o mode=755 tmpfs "$folder"; fi
done
# A machine with a USB bus and nothing on it, whatever there is outside.
mkdir -p /sys/bus/usb/devices
ip link set lo up
# vpcd sends length and payload apart; without this each APDU waits 40 ms for a delayed acknowledgement.
ip route replace local 127.0.0.1 dev lo table local proto kernel scope host src 127.0.0.1 quickack 1 || true
echo ready
cat >/dev/null
exit 0
`;

export type As = 'root' | 'user';

export interface EnterOptions {
  /** `root` is root of the namespaces; `user` an ordinary account (nobody), to be had only where the rig was started by root. */
  as?: As;
  /** Variables besides the inherited ones; undefined unsets. */
  env?: Record<string, string | undefined>;
  /** Working directory; default that of this process, or the home folder for `user`. */
  cwd?: string;
  stdio?: SpawnOptions['stdio'];
  /** false keeps the process in the terminal's foreground group, so that Ctrl-C reaches it. */
  detached?: boolean;
}

export interface RunResult extends Exit {
  stdout: string;
  stderr: string;
}

/** A process inside the namespaces. */
export interface Inmate {
  /** The process that carries the pipes and the exit status. */
  readonly child: ChildProcess;
  /** Id as seen from this process; 0 when it is already gone. */
  readonly pid: number;
  /** Id as seen inside. */
  readonly insidePid: number;
  /** Signals the process itself; true when it was there. */
  kill(signal?: NodeJS.Signals): boolean;
  readonly exited: Promise<Exit>;
  /** What it has said so far, where its output is piped. */
  readonly said: { stdout(): string; stderr(): string };
}

interface Exit {
  /** null when a signal ended it. */
  exitCode: number | null;
  signal: NodeJS.Signals | null;
}

/** Mount, pid and network namespaces (and a user namespace where need be) that live as long as this process wants, and no longer. */
export class Namespace {
  readonly initPid: number;
  /** False inside a user namespace, where root's is the only uid. */
  readonly hasUsers: boolean;
  readonly #holder: ChildProcess;
  /** The nsenter processes. One whose program is stopped stops itself as well, and must be woken to see the program's end. */
  readonly #carriers = new Set<ChildProcess>();

  private constructor(holder: ChildProcess, initPid: number, hasUsers: boolean) {
    this.#holder = holder;
    this.initPid = initPid;
    this.hasUsers = hasUsers;
  }

  /**
   * @throws RigError where the system forbids namespaces
   */
  static async create(): Promise<Namespace> {
    const isRoot = process.getuid?.() === 0;
    const failures: string[] = [];
    for (const hasUsers of isRoot ? [true, false] : [false]) {
      const attempt = await Namespace.#attempt(hasUsers);
      if (attempt instanceof Namespace) return attempt;
      failures.push(attempt);
    }
    throw new RigError(`the system forbids private namespaces: ${failures[0]}`, forbiddenHelp(isRoot));
  }

  static async #attempt(hasUsers: boolean): Promise<Namespace | string> {
    const node = await realpath(process.execPath);
    const unshare = ['unshare', hasUsers ? '-mnp' : '-Urmnp', '--fork', '--kill-child', '--mount-proc'];
    // Two cords: the pipe to init ends with this process whatever ends it, and so does the parent-death signal.
    const holder = spawn('setpriv', ['--pdeathsig', 'KILL', ...unshare, 'sh', '-c', initScript, 'rig', node, packageRoot, ...hiddenFolders], {
      stdio: 'pipe',
      detached: true,
      env: { ...process.env, PATH: searchPath.join(':'), LC_ALL: 'C' },
    });
    holder.stdin.on('error', () => undefined);
    const complaint = collect(holder.stderr);
    const ready = await Promise.race([once(holder.stdout, 'data').then(() => true), once(holder, 'close').then(() => false), once(holder, 'error').then(() => false)]);
    if (!ready) return complaint().trim().split('\n').at(-1) || 'unshare failed';
    const initPid = childrenOf(holder.pid ?? 0)[0];
    if (initPid === undefined) return 'its first process ended';
    return new Namespace(holder, initPid, hasUsers);
  }

  /** Where a path of the inside is found from here. */
  path(inside: string): string {
    return `/proc/${this.initPid}/root${inside}`;
  }

  /**
   * Starts a program inside; it dies with the namespaces.
   * @throws RigError for `as: 'user'` where there are no users
   */
  async spawn(command: string, args: readonly string[], options: EnterOptions = {}): Promise<Inmate> {
    const as = options.as ?? 'root';
    if (as === 'user' && !this.hasUsers) throw new RigError('an ordinary user exists inside only when root starts the rig');
    const home = `${rigFolder}/home/${as}`;
    const namespaces = ['-t', String(this.initPid), '-m', '-n', '-p', ...(this.hasUsers ? [] : ['-U', '--preserve-credentials'])];
    const identity = as === 'user' ? ['setpriv', `--reuid=${userId}`, `--regid=${userId}`, '--clear-groups'] : [];
    const cwd = options.cwd ?? (as === 'user' ? home : process.cwd());
    // Ctrl-C is for the program: were nsenter to die of it first, the program's end would be seen by nobody.
    const child = spawn('env', ['--ignore-signal=INT', 'nsenter', ...namespaces, 'env', '--default-signal=INT', '-C', cwd, ...identity, command, ...args], {
      stdio: options.stdio ?? 'pipe',
      detached: options.detached ?? true,
      env: {
        ...process.env,
        PATH: searchPath.join(':'),
        HOME: home,
        TMPDIR: `${rigFolder}/tmp`,
        ...withoutSession,
        ...options.env,
      },
    });
    const exited = new Promise<Exit>((resolve) => {
      child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }));
      child.once('error', () => resolve({ exitCode: 127, signal: null }));
    });
    // At once: Node throws away what a process said when it ends before anybody listens.
    this.#carriers.add(child);
    void exited.then(() => this.#carriers.delete(child));
    const said = { stdout: collect(child.stdout), stderr: collect(child.stderr) };
    const pid = await untilForked(child);
    const kill = (signal: NodeJS.Signals = 'SIGTERM'): boolean => signalProcess(pid, signal) && (signal === 'SIGSTOP' || child.kill('SIGCONT'));
    return { child, pid, insidePid: insidePidOf(pid), exited, said, kill };
  }

  /**
   * Runs a program inside to its end.
   * @param options.timeoutMs kills it with SIGKILL; default 30 000 ms
   * @param options.input what it reads on stdin; default nothing
   */
  async run(command: string, args: readonly string[], options: EnterOptions & { timeoutMs?: number; input?: string } = {}): Promise<RunResult> {
    const inmate = await this.spawn(command, args, { ...options, stdio: 'pipe' });
    const { child, said } = inmate;
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(options.input ?? '');
    const timer = setTimeout(() => inmate.kill('SIGKILL'), options.timeoutMs ?? 30_000);
    const end = await inmate.exited;
    clearTimeout(timer);
    await outputEnded(child);
    return { ...end, stdout: said.stdout(), stderr: said.stderr() };
  }

  /** Ends every process inside and waits until the namespaces are gone. */
  async destroy(): Promise<void> {
    if (this.#holder.exitCode !== null || this.#holder.signalCode !== null) return;
    const gone = once(this.#holder, 'exit');
    signalProcess(this.initPid, 'SIGKILL');
    for (const carrier of this.#carriers) carrier.kill('SIGCONT');
    await gone;
  }
}

/** The session's own sockets and settings lead out of the namespaces. */
const withoutSession = {
  XDG_RUNTIME_DIR: undefined,
  DBUS_SESSION_BUS_ADDRESS: undefined,
  GNUPGHOME: undefined,
  GPG_AGENT_INFO: undefined,
  SSH_AUTH_SOCK: undefined,
  PCSCLITE_CSOCK_NAME: undefined,
};

/** The installed package: two folders above this file in src/rig as well as in dist/app. */
export const packageRoot = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

function forbiddenHelp(isRoot: boolean): string[] {
  return isRoot
    ? ['in a container, give it the right to make them: docker run --cap-add SYS_ADMIN --security-opt apparmor=unconfined --security-opt seccomp=unconfined …']
    : ['as root it works without user namespaces: sudo cardcheck demo', 'or allow them to users: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0 user.max_user_namespaces=10000'];
}

/** nsenter forks to enter a pid namespace; the child is the program. */
async function untilForked(child: ChildProcess): Promise<number> {
  while (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
    const [pid] = childrenOf(child.pid);
    if (pid !== undefined) return pid;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return 0;
}

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number));
  } catch {
    return [];
  }
}

/** proc(5): NSpid lists the ids of a process from the outermost to the innermost pid namespace. */
function insidePidOf(pid: number): number {
  try {
    const ids = /^NSpid:\s*(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]?.split(/\s+/);
    return Number(ids?.at(-1) ?? 0);
  } catch {
    return 0;
  }
}

function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return pid > 0 && process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** A daemon that a program leaves behind may keep its pipes open for ever, so their end is not waited for without limit. */
async function outputEnded(child: ChildProcess): Promise<void> {
  const isOpen = (): boolean => [child.stdout, child.stderr].some((stream) => stream !== null && !stream.readableEnded);
  for (let waited = 0; isOpen() && waited < 300; waited += 5) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Keeps what a stream says; the function returns it as text. */
function collect(stream: NodeJS.ReadableStream | null): () => string {
  const chunks: Buffer[] = [];
  stream?.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString('utf8');
}
