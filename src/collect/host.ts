import * as os from 'node:os';
import { ok } from '../snapshot/fact.ts';
import type { Host } from '../snapshot/schema.ts';
import { perRun } from '../system/per-run.ts';
import type { System } from '../system/port.ts';
import { groupNames, readProcess, userNames } from '../system/process.ts';
import { attempt, defineCollector } from './collector.ts';
import { readAssignments } from './environment-file.ts';

/** Bytes; real ones have less than a thousandth of it. */
const OS_RELEASE_LIMIT = 64 * 1024;
const LINE_LIMIT = 4096;

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? '';
const readOrNull = (system: System, path: string, limit = LINE_LIMIT): Promise<string | null> => system.readFile(path, limit).catch(() => null);
const exists = (system: System, path: string): Promise<boolean> => system.stat(path).then(() => true, () => false);

async function readDistribution(system: System): Promise<Host['distribution']> {
  if (system.platform === 'darwin') return readMacVersion(system);
  const text = (await readOrNull(system, '/etc/os-release', OS_RELEASE_LIMIT)) ?? (await readOrNull(system, '/usr/lib/os-release', OS_RELEASE_LIMIT));
  if (text === null) return null;
  const release = readAssignments(text);
  // Defaults of os-release(5).
  return {
    id: release.ID ?? 'linux',
    like: (release.ID_LIKE ?? '').split(' ').filter(Boolean),
    version: release.VERSION_ID ?? null,
    name: release.PRETTY_NAME ?? release.NAME ?? 'Linux',
  };
}

async function readMacVersion(system: System): Promise<Host['distribution']> {
  const text = await readOrNull(system, '/System/Library/CoreServices/SystemVersion.plist');
  const version = /<key>ProductVersion<\/key>\s*<string>([^<]*)</.exec(text ?? '')?.[1] ?? null;
  return { id: 'macos', like: [], version, name: version === null ? 'macOS' : `macOS ${version}` };
}

async function readKernel(system: System): Promise<string> {
  const release = await readOrNull(system, '/proc/sys/kernel/osrelease');
  return release === null ? (system.live ? os.release() : 'unknown') : firstLine(release);
}

/** /proc/sys/kernel/arch exists since Linux 6.1. */
async function readArch(system: System): Promise<string> {
  const arch = await readOrNull(system, '/proc/sys/kernel/arch');
  return arch === null ? (system.live ? os.machine() : 'unknown') : firstLine(arch);
}

/** The kernel's own; a container may have another than its host. */
async function readHostname(system: System): Promise<string | null> {
  const name = await readOrNull(system, '/proc/sys/kernel/hostname');
  return name === null ? (system.live ? os.hostname() : null) : firstLine(name);
}

async function readUser(system: System): Promise<Host['user']> {
  const [users, groups] = await Promise.all([userNames(system), groupNames(system)]);
  const ids = [...new Set([system.gid, ...system.groups])];
  return {
    uid: system.uid,
    name: users.get(system.uid) ?? system.env('USER') ?? system.env('LOGNAME') ?? String(system.uid),
    groups: ids.map((gid) => groups.get(gid) ?? String(gid)),
  };
}

/** sudo(8) leaves the uid of who called it; commands in the report are for that user's shell. */
async function readCaller(system: System): Promise<Host['calledBy']> {
  const uid = system.env('SUDO_UID') ?? '';
  if (system.uid !== 0 || !/^[1-9]\d{0,9}$/.test(uid)) return null;
  return { uid: Number(uid), name: (await userNames(system)).get(Number(uid)) ?? null };
}

/**
 * The login session as polkit will see it: the one of this process's control group, else the user's graphical one
 * (logind gives programs started by `systemd --user` no session of their own). logind's files in /run/systemd are
 * its private ones, but asking it costs a process and a message.
 */
export const readSession = perRun(async (system): Promise<Host['session']> => {
  if (system.platform === 'darwin') return remoteByEnvironment(system) ?? { place: 'local', active: null, seat: null, evidence: 'no SSH_CONNECTION in the environment' };
  const session = await findSession(system);
  if (session !== null) {
    const remote = session.values.REMOTE === '1';
    return {
      place: remote ? 'remote' : 'local',
      active: session.values.ACTIVE === undefined ? null : session.values.ACTIVE === '1',
      seat: session.values.SEAT ?? null,
      evidence: `/run/systemd/sessions/${session.id}, ${session.from}`,
    };
  }
  const remote = remoteByEnvironment(system);
  if (remote !== null) return remote;
  const logind = await exists(system, '/run/systemd/sessions');
  return logind
    ? { place: 'none', active: null, seat: null, evidence: 'logind knows no session of this process or user' }
    : { place: 'unknown', active: null, seat: null, evidence: 'logind does not run' };
});

function remoteByEnvironment(system: System): Host['session'] | null {
  const name = ['SSH_CONNECTION', 'SSH_TTY'].find((variable) => system.env(variable) !== undefined);
  return name === undefined ? null : { place: 'remote', active: null, seat: null, evidence: `${name} is set` };
}

async function findSession(system: System): Promise<{ id: string; from: string; values: Record<string, string> } | null> {
  const [process, user] = await Promise.all([readProcess(system, system.pid), readOrNull(system, `/run/systemd/users/${system.uid}`)]);
  const candidates = [
    { id: /^session-(\w+)\.scope$/.exec(process?.unit ?? '')?.[1], from: 'from the control group of cardcheck' },
    { id: readAssignments(user ?? '').DISPLAY, from: 'the graphical session of this user' },
    { id: system.env('XDG_SESSION_ID'), from: 'from XDG_SESSION_ID' },
  ];
  for (const { id, from } of candidates) {
    if (id === undefined || !/^\w+$/.test(id)) continue;
    const text = await readOrNull(system, `/run/systemd/sessions/${id}`);
    if (text !== null) return { id, from, values: readAssignments(text) };
  }
  return null;
}

/** Files by which container managers mark their containers; the value of systemd's own says which manager. */
const CONTAINER_MARKS = [
  { path: '/run/.containerenv', name: 'podman' },
  { path: '/.dockerenv', name: 'docker' },
  { path: '/.flatpak-info', name: 'flatpak' },
];

/** The container cardcheck itself runs in (systemd.io/CONTAINER_INTERFACE); null: none that shows. */
export const readContainer = perRun(async (system): Promise<string | null> => {
  if (system.platform === 'darwin') return null;
  const [marks, systemd, init] = await Promise.all([
    Promise.all(CONTAINER_MARKS.map(({ path }) => exists(system, path))),
    readOrNull(system, '/run/systemd/container'),
    readOrNull(system, '/proc/1/environ'),
  ]);
  const marked = CONTAINER_MARKS.find((_, index) => marks[index]);
  if (marked !== undefined) return marked.name;
  const name = systemd === null ? init?.split('\0').find((variable) => variable.startsWith('container='))?.slice('container='.length) : firstLine(systemd);
  return name === undefined || name === '' ? null : name;
});

/** The flatpak cardcheck itself runs in, by the file that flatpak puts into every sandbox (flatpak-metadata(5)). */
async function readFlatpak(system: System): Promise<Host['flatpak']> {
  const info = await readOrNull(system, '/.flatpak-info', OS_RELEASE_LIMIT);
  const section = (name: string): string => info?.split(/^(?=\[)/m).find((one) => one.startsWith(`[${name}]`)) ?? '';
  const value = (name: string, key: string): string | undefined => readAssignments(section(name))[key];
  const app = value('Application', 'name') ?? value('Runtime', 'name');
  return app === undefined ? null : { app, pcsc: (value('Context', 'sockets') ?? '').split(';').includes('pcsc') };
}

async function readHost(system: System): Promise<Host> {
  const [distribution, kernel, arch, hostname, user, session, container, flatpak] = await Promise.all([
    readDistribution(system),
    readKernel(system),
    readArch(system),
    readHostname(system),
    readUser(system),
    readSession(system),
    readContainer(system),
    readFlatpak(system),
  ]);
  return { platform: system.platform, distribution, kernel, arch, hostname, user, root: system.uid === 0, calledBy: await readCaller(system), session, container, flatpak, wsl: /microsoft/i.test(kernel) };
}

/** The machine and the user's place on it. */
export default defineCollector({
  name: 'host',
  facts: ['host'],
  collect: async (system) => ({ host: await attempt(async () => ok(await readHost(system), 'os-release, /proc, /run/systemd')) }),
});
