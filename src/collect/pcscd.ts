import { type Protocol, protocolOf } from '../pcsc/compatibility.ts';
import { absent, denied, failed, ok } from '../snapshot/fact.ts';
import type { Fact, FactValue, PcscdProcess } from '../snapshot/schema.ts';
import { perRun } from '../system/per-run.ts';
import { type System, SystemError } from '../system/port.ts';
import { listPids, ownNamespaces, processNames, readNamespaces, readOpenFiles, readProcess, sameNamespace } from '../system/process.ts';
import { attempt, defineCollector } from './collector.ts';
import { readPcscdEnvironment } from './environment-file.ts';
import { findError, parseReaderConf } from './reader-conf.ts';
import { isAtLeast } from './version.ts';

/** Kernel's names of pcscd: its own, and that of NixOS's wrapper. */
const PCSCD_NAMES = new Set(['pcscd', '.pcscd-wrapped']);
/** A user's PATH often lacks sbin. */
const PCSCD_PATHS = ['/usr/sbin/pcscd', '/usr/local/sbin/pcscd', '/usr/bin/pcscd', '/run/current-system/sw/bin/pcscd'];
const MAX_PROCESSES = 64;
/** Bytes of /proc/net/unix; a desktop has about 100 000. */
const UNIX_LIMIT = 8 * 1024 * 1024;
const CONF_LIMIT = 64 * 1024;
const MAX_CONF_FILES = 64;
/** pcscd's directory for readers that cannot be found by USB, unless it was built otherwise. */
const READER_CONF_DIR = '/etc/reader.conf.d';
const SOCKET_NAME = 'pcscd.comm';
/** Default ipcdir since pcsc-lite 1.9.0, and before. */
const IPC_DIRS = ['/run/pcscd', '/var/run/pcscd'];
/** SO_ACCEPTCON in the flags of /proc/net/unix: a socket that listens. */
const LISTENING = /^\S+ \S+ \S+ 00010000 \S+ \S+ +(\d+) (.+)$/gm;

/** Inode and path of every listening unix socket of the network namespace that a file `net/unix` shows. */
async function readListeners(system: System, path: string): Promise<Map<string, string>> {
  const text = await system.readFile(path, UNIX_LIMIT).catch(() => '');
  return new Map(Array.from(text.matchAll(LISTENING), ([, inode, name]) => [inode as string, name as string]));
}

const ownListeners = perRun((system) => readListeners(system, '/proc/net/unix'));

// --- processes

/** Every pcscd that shows in /proc: of all users, and those of containers on this machine. */
export const findPcscd = perRun(async (system): Promise<PcscdProcess[]> => {
  const pids = [...(await processNames(system))].filter(([, name]) => PCSCD_NAMES.has(name)).map(([pid]) => pid);
  const found = await Promise.all(pids.slice(0, MAX_PROCESSES).map((pid) => readPcscd(system, pid)));
  return found.filter((one) => one !== null);
});

async function readPcscd(system: System, pid: number): Promise<PcscdProcess | null> {
  const [process, own, theirs, files] = await Promise.all([readProcess(system, pid), ownNamespaces(system), readNamespaces(system, pid), readOpenFiles(system, pid)]);
  if (process === null) return null;
  const sameMountNamespace = sameNamespace(own.mnt, theirs.mnt);
  const sameNetworkNamespace = sameNamespace(own.net, theirs.net);
  const sockets = (files ?? []).flatMap(({ target }) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []);
  const listeners = sockets.length === 0 ? null : await (sameNetworkNamespace === false ? readListeners(system, `/proc/${pid}/net/unix`) : ownListeners(system));
  return {
    process,
    sameMountNamespace: sameMountNamespace === false && isSandboxedByUnit(process, sameNetworkNamespace) ? true : sameMountNamespace,
    sameNetworkNamespace,
    listensOn: [...new Set(sockets.flatMap((inode) => listeners?.get(inode) ?? []))],
  };
}

/** pcscd.service gives it a mount namespace of its own over the machine's files (PrivateTmp=, ProtectSystem=; seen with 2.3.3); a container's shows as such. */
const isSandboxedByUnit = ({ unit, confinement }: PcscdProcess['process'], sameNetworkNamespace: boolean | null): boolean =>
  unit === 'pcscd.service' && confinement === null && sameNetworkNamespace !== false;

async function readProcesses(system: System): Promise<Fact<PcscdProcess[]>> {
  if (system.platform === 'darwin') return absent('macOS has no pcscd');
  const [found, pids] = await Promise.all([findPcscd(system), listPids(system)]);
  if (pids.length === 0) return absent('no /proc');
  // Mounted with hidepid, /proc shows a user no process but the own ones, not even the first.
  if (found.length === 0 && pids[0] !== 1) return denied('root: /proc hides the processes of other users');
  return ok(found, '/proc');
}

// --- build

type PcscdBuild = FactValue<'pcscdBuild'>;

/** What `pcscd -v` prints; the option makes it print and end, before it looks at anything else. */
export const readBuild = perRun((system): Promise<Fact<PcscdBuild>> => attempt(() => askBuild(system)));

/** What to announce to pcscd: the version of the installed one, so that it has nothing to log; undefined where that is not known. */
export async function greeting(system: System): Promise<Protocol | undefined> {
  const build = await readBuild(system);
  return (build.status === 'ok' ? protocolOf(build.value.version) : null) ?? undefined;
}

async function askBuild(system: System): Promise<Fact<PcscdBuild>> {
  if (system.platform === 'darwin') return absent('macOS has no pcscd');
  const path = await findProgram(system);
  if (path === null) return absent(`pcscd is not installed (looked for ${PCSCD_PATHS.join(', ')})`);
  const { stdout } = await system.run(path, ['-v'], { limit: CONF_LIMIT });
  const build = parseBuild(stdout);
  if (build === null) return failed(`${path} -v prints no version`);
  return ok({ path, ...build, polkit: build.polkit ?? (await linksPolkit(system, path)) }, `${path} -v`);
}

/** An installed program, else that of a running pcscd of our own file system. */
async function findProgram(system: System): Promise<string | null> {
  const installed = await firstFile(system, PCSCD_PATHS);
  if (installed !== null) return installed;
  const running = (await findPcscd(system)).filter(({ sameMountNamespace }) => sameMountNamespace === true);
  return firstFile(system, running.flatMap(({ process }) => process.exe ?? []));
}

async function firstFile(system: System, paths: readonly string[]): Promise<string | null> {
  const exist = await Promise.all(paths.map((path) => system.stat(path).then(({ kind }) => kind === 'file', () => false)));
  return paths.find((_, index) => exist[index]) ?? null;
}

/**
 * Reads the output of `pcscd -v` of autotools builds (≤ 2.2) and meson builds (≥ 2.2), whose lists of features
 * have their own orders and spellings. Whether polkit is built in is listed since 2.0.0.
 */
export function parseBuild(stdout: string): (Omit<PcscdBuild, 'path'> & { polkit: boolean | null }) | null {
  const version = /^pcsc-lite version (\d+(?:\.\d+)+[\w+~-]*)/m.exec(stdout)?.[1];
  if (version === undefined) return null;
  const features = (/^Enabled features: *(.*)$/m.exec(stdout)?.[1] ?? '').split(/\s+/).filter(Boolean);
  const setting = (name: string) => features.find((feature) => feature.startsWith(`${name}=`))?.slice(name.length + 1) ?? null;
  return {
    version,
    features,
    polkit: features.includes('polkit') ? true : isAtLeast(version, '2.0.0') ? false : null,
    ipcDir: setting('ipcdir'),
    usbDropDir: setting('usbdropdir'),
  };
}

/** Whether the program is linked with polkit's library: its name stands in the table of needed libraries. */
function linksPolkit(system: System, path: string): Promise<boolean | null> {
  return system.readBytes(path, 0, 1024 * 1024).then(
    (bytes) => (bytes.subarray(0, 4).equals(Buffer.from('\x7fELF')) ? bytes.includes('libpolkit-gobject-1.so') : null),
    () => null,
  );
}

// --- socket

type PcscdSocket = FactValue<'pcscdSocket'>;

async function readSocket(system: System): Promise<Fact<PcscdSocket>> {
  if (system.platform === 'darwin') return absent('macOS has no pcscd');
  const { path, from } = await findSocket(system);
  try {
    const stat = await system.stat(path);
    const [writable, listening] = await Promise.all([system.access(path, 'write'), isListening(system, path)]);
    return ok({ path, from, kind: stat.kind === 'socket' ? 'socket' : 'other', mode: stat.mode, uid: stat.uid, writable, listening }, path);
  } catch (error) {
    if (!(error instanceof SystemError) || !(error.isMissing || error.isDenied)) throw error;
    const gone = error.isMissing;
    return ok({ path, from, kind: gone ? 'missing' : 'unreachable', mode: null, uid: null, writable: gone ? null : false, listening: gone ? false : null }, path);
  }
}

/** The socket libpcsclite would use: PCSCLITE_CSOCK_NAME, else the first that exists where pcscd puts it. */
async function findSocket(system: System): Promise<Pick<PcscdSocket, 'path' | 'from'>> {
  const given = system.env('PCSCLITE_CSOCK_NAME');
  // Also when it is empty: libpcsclite takes it as it is.
  if (given !== undefined) return { path: given, from: 'PCSCLITE_CSOCK_NAME' };
  for (const path of IPC_DIRS.map((dir) => `${dir}/${SOCKET_NAME}`)) {
    const missing = await system.stat(path).then(() => false, (error: unknown) => error instanceof SystemError && error.isMissing);
    if (!missing) return { path, from: 'default' };
  }
  const build = await readBuild(system);
  const ipcDir = (build.status === 'ok' ? build.value.ipcDir : null) ?? IPC_DIRS[0];
  return { path: `${ipcDir}/${SOCKET_NAME}`, from: 'default' };
}

/** Mount points of file systems that are this machine's own, not a piece lent to a container. */
const OWN_MOUNTS = new Set(['/', '/run', '/var', '/var/run']);

/**
 * Whether somebody listens on the path. /proc/net/unix shows this network namespace only: a socket that was mounted
 * into a container has its listener elsewhere, and nothing can be said.
 */
async function isListening(system: System, path: string): Promise<boolean | null> {
  const [listeners, real] = await Promise.all([ownListeners(system), system.realPath(path)]);
  // The kernel keeps the name as the listener gave it: /var/run may be a link to /run.
  const names = new Set([path, real, real.replace(/^\/run\//, '/var/run/')]);
  if ([...listeners.values()].some((name) => names.has(name))) return true;
  const [own, first, mounts] = await Promise.all([ownNamespaces(system), readNamespaces(system, 1), system.readFile('/proc/self/mountinfo').catch(() => null)]);
  if (mounts === null || sameNamespace(own.net, first.net) === false) return null;
  return isOwnMount(mounts, real) ? false : null;
}

/** Whether the deepest mount above a path is one of the machine's own (proc(5), /proc/PID/mountinfo). */
function isOwnMount(mountinfo: string, path: string): boolean {
  const above = mountinfo.split('\n').flatMap((line) => {
    const [, , , root, point] = line.split(' ');
    return root !== undefined && point !== undefined && (path === point || path.startsWith(point === '/' ? '/' : `${point}/`)) ? [{ root, point }] : [];
  });
  const deepest = above.reduce<{ root: string; point: string } | null>((best, one) => (best === null || one.point.length >= best.point.length ? one : best), null);
  return deepest !== null && OWN_MOUNTS.has(deepest.point);
}

// --- units

const UNITS = ['pcscd.socket', 'pcscd.service'];
const PROPERTIES = ['Id', 'LoadState', 'ActiveState', 'SubState', 'UnitFileState', 'FragmentPath', 'DropInPaths', 'ExecStart'];

type Unit = FactValue<'pcscdUnits'>[number];
interface ShownUnit extends Unit {
  /** Arguments it starts its program with, variables not yet put in. */
  argv: string[];
}

const showUnits = perRun((system): Promise<Fact<ShownUnit[]>> =>
  attempt(async () => {
    const running = await system.stat('/run/systemd/system').then(() => true, () => false); // sd_booted(3)
    if (!running) return absent('systemd does not run here');
    const { exitCode, stdout, stderr } = await system.run('systemctl', ['show', ...UNITS, `--property=${PROPERTIES.join(',')}`], { limit: CONF_LIMIT });
    if (exitCode !== 0) return failed(`systemctl show: ${stderr.trim().split('\n', 1)[0]?.slice(0, 200) || `exit code ${exitCode}`}`);
    return ok(parseUnits(stdout), 'systemctl show');
  }),
);

async function readUnits(system: System): Promise<Fact<Unit[]>> {
  const shown = await showUnits(system);
  return shown.status === 'ok' ? ok(shown.value.map(({ argv: _, ...unit }) => unit), shown.source) : shown;
}

/** Blocks of Property=value, one for each unit, with an empty line between. */
export function parseUnits(stdout: string): ShownUnit[] {
  return stdout
    .trim()
    .split(/\n{2,}/)
    .map((block) => new Map(block.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)])))
    .filter((unit) => unit.has('Id'))
    .map((unit) => ({
      name: unit.get('Id') ?? '',
      load: unit.get('LoadState') ?? '',
      active: unit.get('ActiveState') ?? '',
      sub: unit.get('SubState') ?? '',
      fileState: unit.get('UnitFileState') ?? '',
      fragment: unit.get('FragmentPath') || null,
      dropIns: (unit.get('DropInPaths') ?? '').split(' ').filter(Boolean),
      argv: (/ argv\[\]=(.*?) ; /.exec(unit.get('ExecStart') ?? '')?.[1] ?? '').split(' ').filter(Boolean),
    }));
}

/** Arguments of the pcscd that this user's programs reach and where they were read: of the one that runs, else of the one that would. */
export async function readArguments(system: System): Promise<{ argv: string[]; from: string }> {
  const running = (await findPcscd(system)).find(({ sameMountNamespace }) => sameMountNamespace !== false);
  if (running !== undefined) return { argv: running.process.argv, from: `the running pcscd (pid ${running.process.pid})` };
  const [units, environment] = await Promise.all([showUnits(system), readPcscdEnvironment(system)]);
  const service = units.status === 'ok' ? units.value.find(({ name, argv }) => name === 'pcscd.service' && argv.length > 0) : undefined;
  const added = (environment.values.PCSCD_ARGS ?? '').split(/\s+/).filter(Boolean);
  if (service === undefined) return { argv: added, from: 'PCSCD_ARGS' };
  return { argv: service.argv.flatMap((argument) => (/^\$\{?PCSCD_ARGS\}?$/.test(argument) ? added : [argument])), from: 'pcscd.service' };
}

// --- configuration

type PcscdConfig = FactValue<'pcscdConfig'>;

async function readConfig(system: System): Promise<Fact<PcscdConfig>> {
  if (system.platform === 'darwin') return absent('macOS has no pcscd');
  const [environment, readerConf] = await Promise.all([readPcscdEnvironment(system), readReaderConf(system)]);
  const ignored = environment.values.PCSCLITE_FILTER_IGNORE_READER_NAMES ?? '';
  return ok(
    { environment: environment.values, environmentFiles: environment.files, ignoredReaders: ignored.split(':').filter(Boolean), readerConf },
    [...environment.files, READER_CONF_DIR].join(', '),
  );
}

/** The files pcscd reads: not those whose name begins with a dot, and no symbolic links (configfile.l). */
async function readReaderConf(system: System): Promise<PcscdConfig['readerConf']> {
  const names = (await system.readDir(READER_CONF_DIR).catch(() => [])).filter((name) => !name.startsWith('.')).slice(0, MAX_CONF_FILES);
  const read = await Promise.all(
    names.map(async (name) => {
      const file = `${READER_CONF_DIR}/${name}`;
      const isLink = await system.readLink(file).then(() => true, () => false);
      return isLink ? [] : [await readConfFile(system, file)];
    }),
  );
  return read.flat();
}

async function readConfFile(system: System, file: string): Promise<PcscdConfig['readerConf'][number]> {
  try {
    const conf = parseReaderConf(await system.readFile(file, CONF_LIMIT));
    return { file, readers: conf.readers.map(({ friendlyName }) => friendlyName), error: await findError(system, conf) };
  } catch (error) {
    return { file, readers: [], error: error instanceof Error ? error.message : String(error) };
  }
}

/** The daemon: its processes, build, socket, units and configuration; it is not spoken to. */
export default defineCollector({
  name: 'pcscd',
  facts: ['pcscdProcesses', 'pcscdBuild', 'pcscdSocket', 'pcscdUnits', 'pcscdConfig'],
  collect: async (system) => {
    // What runs a program goes first: the program works while we read files.
    const [build, units, processes, socket, config] = await Promise.all([
      readBuild(system),
      readUnits(system),
      attempt(() => readProcesses(system)),
      attempt(() => readSocket(system)),
      attempt(() => readConfig(system)),
    ]);
    return { pcscdProcesses: processes, pcscdBuild: build, pcscdSocket: socket, pcscdUnits: units, pcscdConfig: config };
  },
});
