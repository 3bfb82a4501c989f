import type { Process } from '../snapshot/schema.ts';
import { perProcess, perRun } from './per-run.ts';
import type { System } from './port.ts';
import { darwinProcesses, programName } from './process-darwin.ts';

/** Clock ticks per second in /proc/PID/stat (USER_HZ, 100 on every architecture Node runs on). */
const USER_HZ = 100;
/** Bytes of a command line that are kept; the kernel allows megabytes. */
const CMDLINE_LIMIT = 16 * 1024;
/** Flag of the kernel's own threads in /proc/PID/stat (Linux include/linux/sched.h). */
const PF_KTHREAD = 0x00200000;
const STAT_LIMIT = 4096;
/** For files that grow with the machine: its users, its processors. */
const NAMES_LIMIT = 1024 * 1024;
/** Deeper chains of parents than any real one; a forged tree of files may contain a loop. */
const MAX_PARENTS = 64;

type Confinement = NonNullable<Process['confinement']>;

/** What one line of /proc/PID/stat says. */
export interface ProcessStat {
  comm: string;
  ppid: number;
  ttyNumber: number;
  /** In clock ticks since boot. */
  startTicks: number;
  kernelThread: boolean;
}

/** The file, or null where it is missing, closed to this user or its process has gone meanwhile. */
const readOrNull = (system: System, path: string, limit: number): Promise<string | null> => system.readFile(path, limit).catch(() => null);
const linkOrNull = (system: System, path: string): Promise<string | null> => system.readLink(path).catch(() => null);

/** Ids of the processes in /proc, ascending, as they were at the first call. Empty where there is no /proc. */
export const listPids = perRun(async (system): Promise<number[]> => {
  const names = await system.readDir('/proc').catch(() => []);
  return names
    .filter((name) => /^\d{1,10}$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
});

/**
 * The kernel's name (comm, at most 15 bytes) of every process, by pid: one short read each, done once per run.
 * The name is the program's own choice: good for finding a process, no proof of what it is.
 */
export const processNames = perRun(async (system): Promise<ReadonlyMap<number, string>> => {
  if (system.platform === 'darwin') return new Map((await darwinProcesses(system).catch(() => [])).map((process) => [process.pid, programName(process)]));
  const pids = await listPids(system);
  const comms = await Promise.all(pids.map((pid) => readOrNull(system, `/proc/${pid}/comm`, 64)));
  const names = new Map<number, string>();
  pids.forEach((pid, index) => {
    const comm = comms[index];
    if (typeof comm === 'string') names.set(pid, comm.replace(/\n$/, ''));
  });
  return names;
});

/** Pids of the processes with this kernel's name, e.g. `scdaemon`; ascending. */
export async function pidsNamed(system: System, comm: string): Promise<number[]> {
  return [...(await processNames(system))].filter(([, name]) => name === comm).map(([pid]) => pid);
}

/** Names of users by uid from /etc/passwd; users of a directory service (LDAP, homed) are not in it. */
export const userNames = perRun((system) => readNamesFile(system, '/etc/passwd'));
/** Names of groups by gid from /etc/group. */
export const groupNames = perRun((system) => readNamesFile(system, '/etc/group'));

/** Names by id of a file in the format of passwd(5) or group(5); the first entry of an id counts, as in libc. */
async function readNamesFile(system: System, path: string): Promise<ReadonlyMap<number, string>> {
  const names = new Map<number, string>();
  for (const line of ((await readOrNull(system, path, NAMES_LIMIT)) ?? '').split('\n')) {
    const [name, , id] = line.split(':', 3);
    if (name !== undefined && name !== '' && id !== undefined && /^\d+$/.test(id) && !names.has(Number(id))) names.set(Number(id), name);
  }
  return names;
}

/** /proc/PID/stat (proc(5)); null when the process is gone, has ended and waits for its parent to notice, or is withheld (hidepid). */
export const readStat = perProcess(async (system, pid): Promise<ProcessStat | null> => {
  const text = await readOrNull(system, `/proc/${pid}/stat`, STAT_LIMIT);
  return text === null ? null : parseStat(text);
});

/** States of a process that has ended (proc(5)): what is left of it has nothing open and runs nothing. */
const ENDED = new Set(['Z', 'X']);

/** The name may itself contain blanks and brackets, so it ends at the last bracket of the line. */
export function parseStat(text: string): ProcessStat | null {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open === -1 || close < open) return null;
  const fields = text.slice(close + 2).split(' ');
  if (ENDED.has(fields[0] ?? '')) return null;
  // Fields 4, 7, 9 and 22 of proc(5), counted from 1; field 3 is the first after the name.
  const [ppid = Number.NaN, ttyNumber = Number.NaN, flags = Number.NaN, startTicks = Number.NaN] = [1, 4, 6, 19].map((index) => Number(fields[index]));
  if (![ppid, ttyNumber, flags, startTicks].every(Number.isSafeInteger)) return null;
  return { comm: text.slice(open + 1, close), ppid, ttyNumber, startTicks, kernelThread: (flags & PF_KTHREAD) !== 0 };
}

/**
 * A process as this user may see it, from /proc alone, read once per run. Parts that are closed to this user are
 * null or empty; the process as a whole is null when it is gone or withheld (hidepid).
 */
export const readProcess = perProcess(async (system, pid): Promise<Process | null> => {
  if (system.platform === 'darwin') return readDarwinProcess(system, pid);
  const at = (name: string) => `/proc/${pid}/${name}`;
  const [stat, status, cmdline, cgroup, exe, namespaces, own, users, bootTimeMs] = await Promise.all([
    readStat(system, pid),
    readOrNull(system, at('status'), STAT_LIMIT),
    readOrNull(system, at('cmdline'), CMDLINE_LIMIT),
    readOrNull(system, at('cgroup'), STAT_LIMIT),
    linkOrNull(system, at('exe')),
    readNamespaces(system, pid),
    ownNamespaces(system),
    userNames(system),
    bootTime(system),
  ]);
  const uid = effectiveUid(status);
  if (stat === null || uid === null) return null;
  const [parents, hidden] = await Promise.all([readParents(system, stat.ppid), isHidden(system, pid, uid)]);
  const groups = controlGroup(cgroup ?? '');
  return {
    pid,
    ppid: stat.ppid === 0 ? null : stat.ppid,
    uid,
    user: users.get(uid) ?? null,
    comm: stat.comm,
    argv: splitArgv(cmdline ?? ''),
    // The kernel marks a program file that was replaced under a running process, e.g. by an upgrade.
    exe: exe?.replace(/ \(deleted\)$/, '') ?? null,
    startedAt: bootTimeMs === null ? null : isoTime(bootTimeMs + (stat.startTicks * 1000) / USER_HZ),
    tty: ttyName(stat.ttyNumber),
    unit: systemdUnit(groups),
    parents,
    confinement: confinementOf(groups) ?? (await flatpakOf(system, pid, namespaces, own)) ?? otherNamespace(namespaces, own),
    hidden,
  };
});

/** What ps tells of one; it shows neither the arguments apart from each other nor what confines a process. */
async function readDarwinProcess(system: System, pid: number): Promise<Process | null> {
  const [all, users] = await Promise.all([darwinProcesses(system).catch(() => []), userNames(system)]);
  const byPid = new Map(all.map((process) => [process.pid, process]));
  const found = byPid.get(pid);
  if (found === undefined) return null;
  const parents: Process['parents'] = [];
  for (let above = byPid.get(found.ppid); above !== undefined && parents.length < MAX_PARENTS && !parents.some((parent) => parent.pid === above?.pid); above = byPid.get(above.ppid)) {
    parents.push({ pid: above.pid, comm: programName(above) });
  }
  const { ppid, uid, startedAt, program } = found;
  return { pid, ppid: ppid === 0 ? null : ppid, uid, user: users.get(uid) ?? null, comm: programName(found), argv: [], exe: program.startsWith('/') ? program : null, startedAt, tty: null, unit: null, parents, confinement: null, hidden: false };
}

/** ISO 8601, or null for a time no calendar has (a forged boot time). */
function isoTime(ms: number): string | null {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : null;
}

/** Second number of the line `Uid:` (real, effective, saved, filesystem): what the process may do, as ps shows it. */
function effectiveUid(status: string | null): number | null {
  const match = /^Uid:\s+\d+\s+(\d+)/m.exec(status ?? '');
  return match === null ? null : Number(match[1]);
}

function splitArgv(cmdline: string): string[] {
  if (cmdline === '') return [];
  return cmdline.replace(/\0+$/, '').split('\0');
}

/** Time of the machine's start; whole seconds, so start times of processes may be up to a second off. */
const bootTime = perRun(async (system): Promise<number | null> => {
  const text = await readOrNull(system, '/proc/stat', NAMES_LIMIT);
  const match = /^btime (\d+)$/m.exec(text ?? '');
  return match === null ? null : Number(match[1]) * 1000;
});

async function readParents(system: System, ppid: number): Promise<Process['parents']> {
  const parents: Process['parents'] = [];
  const visited = new Set<number>();
  for (let pid = ppid; pid !== 0 && !visited.has(pid) && parents.length < MAX_PARENTS; ) {
    visited.add(pid);
    const stat = await readStat(system, pid);
    if (stat === null) break;
    parents.push({ pid, comm: stat.comm });
    pid = stat.ppid;
  }
  return parents;
}

/**
 * A non-dumpable process (prctl PR_SET_DUMPABLE 0; distributions build gpg-agent and scdaemon so) keeps its
 * user in `status` and on its folder, but the files in the folder belong to root (proc(5)).
 */
async function isHidden(system: System, pid: number, uid: number): Promise<boolean> {
  const [folder, file] = await Promise.all([`/proc/${pid}`, `/proc/${pid}/stat`].map((path) => system.stat(path).catch(() => null)));
  return folder?.uid === uid && file != null && file.uid !== uid;
}

/** Major numbers of terminals (Linux Documentation/admin-guide/devices.txt) whose minor numbers count from a name. */
const TERMINALS: Record<number, { name: string; first: number }[]> = {
  4: [
    { name: 'ttyS', first: 64 },
    { name: 'tty', first: 0 },
  ],
  188: [{ name: 'ttyUSB', first: 0 }],
  204: [{ name: 'ttyAMA', first: 64 }],
  229: [{ name: 'hvc', first: 0 }],
};
const PTS_MAJORS = { first: 136, last: 143 };

/** Name of a terminal as `ps` prints it: pts/3, tty2; null: none. */
export function ttyName(number: number): string | null {
  if (number === 0) return null;
  const major = (number >>> 8) & 0xfff;
  const minor = (number & 0xff) | ((number >>> 12) & 0xfff00);
  if (major >= PTS_MAJORS.first && major <= PTS_MAJORS.last) return `pts/${minor + (major - PTS_MAJORS.first) * 256}`;
  const line = TERMINALS[major]?.find(({ first }) => minor >= first);
  return line === undefined ? `terminal ${major}:${minor}` : `${line.name}${minor - line.first}`;
}

/** One descriptor of a process: its number and what it refers to, e.g. `socket:[4711]` or a path. */
export interface OpenFile {
  fd: number;
  target: string;
}

/** What a process has open; null when this user may not look (another user's, or non-dumpable), or it is gone. */
export const readOpenFiles = perProcess(async (system, pid): Promise<OpenFile[] | null> => {
  const folder = `/proc/${pid}/fd`;
  const names = await system.readDir(folder).catch(() => null);
  if (names === null) return null;
  const targets = await Promise.all(names.map((name) => linkOrNull(system, `${folder}/${name}`)));
  return names.flatMap((name, index) => {
    const target = targets[index];
    return typeof target === 'string' && /^\d+$/.test(name) ? [{ fd: Number(name), target }] : [];
  });
});

/** The components of a process's control group: systemd's own hierarchy first, else the unified one, else any that is not the root. */
function controlGroup(text: string): string[] {
  const paths = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^\d+:([^:]*):(.*)$/.exec(line);
    if (match !== null) paths.set(match[1] as string, match[2] as string);
  }
  const candidates = [paths.get('name=systemd'), paths.get(''), ...paths.values()];
  const path = candidates.find((candidate) => candidate !== undefined && candidate !== '/') ?? '';
  return path.split('/').filter(Boolean);
}

/** systemd writes bytes that may not be in a unit's name as \xNN (systemd.unit(5)). */
const unescapeUnit = (name: string): string => name.replace(/\\x([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

function systemdUnit(groups: readonly string[]): string | null {
  return groups.findLast((name) => /\.(service|scope|socket|mount)$/.test(name)) ?? null;
}

/**
 * How the makers of sandboxes and containers name control groups. `name` is built from what the pattern caught.
 * conmon, podman's monitor, and a virtual machine's emulator run outside of what their scopes are named after.
 */
const CONFINEMENTS: { pattern: RegExp; kind: Confinement['kind']; name: (caught: string) => string }[] = [
  { pattern: /^snap\.([^.]+)\./, kind: 'snap', name: (app) => app },
  { pattern: /^(?:app-)?flatpak-(.+)-\d+\.scope$/, kind: 'flatpak', name: (app) => app },
  { pattern: /^docker-([0-9a-f]{12})[0-9a-f]{52}\.scope$/, kind: 'container', name: (id) => `docker ${id}` },
  { pattern: /^libpod-([0-9a-f]{12})[0-9a-f]{52}(?:\.scope)?$/, kind: 'container', name: (id) => `podman ${id}` },
  { pattern: /^cri-containerd-([0-9a-f]{12})[0-9a-f]{52}\.scope$/, kind: 'container', name: (id) => `containerd ${id}` },
  { pattern: /^crio-([0-9a-f]{12})[0-9a-f]{52}\.scope$/, kind: 'container', name: (id) => `cri-o ${id}` },
  { pattern: /^lxc\.payload\.(.+)$/, kind: 'container', name: (name) => `lxc ${name}` },
  { pattern: /^machine-(?!qemu-)(.+)\.scope$/, kind: 'container', name: (name) => `machine ${name}` },
  { pattern: /^systemd-nspawn@(.+)\.service$/, kind: 'container', name: (name) => `systemd-nspawn ${name}` },
];
/** Folders of version 1 hierarchies whose child is the container. */
const CONTAINER_FOLDERS: Record<string, string> = { docker: 'docker', lxc: 'lxc', 'lxc.payload': 'lxc', libpod_parent: 'podman' };

function confinementOf(groups: readonly string[]): Confinement | null {
  const names = groups.map(unescapeUnit);
  for (const [index, group] of names.entries()) {
    for (const { pattern, kind, name } of CONFINEMENTS) {
      const match = pattern.exec(group);
      if (match !== null) return { kind, name: name(match[1] as string) };
    }
    const folder = CONTAINER_FOLDERS[group];
    const child = names[index + 1];
    if (folder !== undefined && child !== undefined) return { kind: 'container', name: `${folder} ${child.replace(/^([0-9a-f]{12})[0-9a-f]{52}$/, '$1')}` };
  }
  return null;
}

/**
 * The flatpak app of a process, from the file that flatpak puts into every sandbox, as xdg-desktop-portal reads it.
 * A control group of its own an app only has where flatpak finds systemd's user manager (flatpak common/flatpak-run.c,
 * flatpak_run_in_transient_unit).
 */
async function flatpakOf(system: System, pid: number, theirs: Namespaces, own: Namespaces): Promise<Confinement | null> {
  // In our own mount namespace the file would be our own sandbox's.
  if (sameNamespace(theirs.mnt, own.mnt) !== false) return null;
  const info = await readOrNull(system, `/proc/${pid}/root/.flatpak-info`, STAT_LIMIT);
  const name = /^\[(?:Application|Runtime)\]\n(?:[^[\n].*\n)*?name=(.+)$/m.exec(info ?? '')?.[1];
  return name === undefined ? null : { kind: 'flatpak', name };
}

/** Names like `net:[4026531840]`; null where this user may not see them. */
export interface Namespaces {
  mnt: string | null;
  net: string | null;
  pid: string | null;
}

/** The namespaces of a process (namespaces(7)); all null when it is closed to this user. */
export const readNamespaces = perProcess(async (system, pid): Promise<Namespaces> => {
  const [mnt, net, pidNamespace] = await Promise.all(['mnt', 'net', 'pid'].map((name) => linkOrNull(system, `/proc/${pid}/ns/${name}`)));
  return { mnt: mnt ?? null, net: net ?? null, pid: pidNamespace ?? null };
});

/** The namespaces cardcheck itself runs in. */
export const ownNamespaces = (system: System): Promise<Namespaces> => readNamespaces(system, system.pid);

/** Whether two namespaces are the same; null when either is unknown. */
export const sameNamespace = (one: string | null, other: string | null): boolean | null => (one === null || other === null ? null : one === other);

/** A process in another network or pid namespace that no control group explains, e.g. by unshare(1) or PrivateNetwork=. */
function otherNamespace(theirs: Namespaces, own: Namespaces): Confinement | null {
  for (const kind of ['pid', 'net'] as const) {
    const name = theirs[kind];
    if (name !== null && sameNamespace(name, own[kind]) === false) return { kind: 'namespace', name };
  }
  return null;
}
