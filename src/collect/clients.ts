import { askForClients } from '../attribution/clients.ts';
import { type Channel, channelsIn } from '../attribution/channels.ts';
import type { Connector } from '../attribution/connectors.ts';
import { formatHandle } from '../attribution/prove.ts';
import { peersWithin } from '../attribution/socket-peers.ts';
import { identifyProgram } from '../data/client-programs.ts';
import { absent, failed, ok, timedOut } from '../snapshot/fact.ts';
import type { Client, Fact, FactValue, Process } from '../snapshot/schema.ts';
import { mappedFiles } from '../system/mapped-files.ts';
import { perRun } from '../system/per-run.ts';
import { SystemError, type System } from '../system/port.ts';
import { ownNamespaces, pidsNamed, processNames, readNamespaces, readOpenFiles, readProcess, sameNamespace } from '../system/process.ts';
import { defineCollector } from './collector.ts';
import { ownPids } from './own-pids.ts';
import { isInBetween, onlyAnswers } from './scdaemons.ts';
import { foreignNamespaces, listSockets, parseUnixTable, processesElsewhere, SS_MS, type UnixSocket } from './unix-sockets.ts';

type Clients = FactValue<'clients'>;

const UNIX_TABLE_LIMIT = 16 * 1024 * 1024;
const NETLINK_LIMIT = 1024 * 1024;
const MAX_SUSPECTS = 64;
/** Where pcscd listens: pcsc-lite 1.9.0 and later, and before (src/pcscd.h.in). */
const STANDARD_PATHS = ['/run/pcscd/pcscd.comm', '/var/run/pcscd/pcscd.comm'];

/**
 * The processes connected to pcscd. A connection says nothing of handles: many programs stay connected and hold
 * none. Sockets know their peers only through the kernel's diagnosis interface, which `ss` speaks and Node cannot. Root can
 * ask the kernel about each connection by itself, which does not need a look at every process.
 */
export const clients = defineCollector({
  name: 'clients',
  facts: ['clients'],
  collect: async (system) => ({ clients: await readClients(system) }),
});

/** Asked for once per run. */
export const readClients = perRun((system): Promise<Fact<Clients>> => collectClients(system).catch(failure));

function failure(error: unknown): Fact<never> {
  if (error instanceof SystemError && error.code === 'ETIMEDOUT') return timedOut(SS_MS);
  return failed(error instanceof Error ? error.message : String(error));
}

async function collectClients(system: System): Promise<Fact<Clients>> {
  if (system.platform === 'darwin') return absent('macOS has no pcscd');
  const given = system.env('PCSCLITE_CSOCK_NAME');
  const paths = new Set(given === undefined ? STANDARD_PATHS : [given]);
  const asked = await askForClients(system, paths);
  if (asked !== null) return ok({ ...(await attribute(system, asked.map(connectionOf))), hiddenByNamespace: 0, complete: true }, 'SO_PEERCRED of pcscd\'s connections');
  const table = await system.readFile('/proc/net/unix', UNIX_TABLE_LIMIT).catch(() => null);
  const known = table === null ? null : parseUnixTable(table);
  const visible = known === null ? null : acceptedAt(known, paths).length;
  // Root sees them from pcscd's side.
  const sandboxed = system.uid === 0 ? [] : await inOwnSandboxes(system, paths);
  if (known !== null && visible === 0) {
    // The usual case is that nobody is connected, and then the dear walk of `ss` through all processes is spared.
    const hidden = await hiddenSockets(system, await pidsNamed(system, 'pcscd'), known);
    if (hidden === null || hidden.size === 0) return ok(await withSuspects(system, sandboxed, 0, hidden !== null), '/proc/net/unix');
  }
  const sockets = await listSockets(system);
  if (sockets === null) return withoutSs(visible);
  const { accepted, hidden, complete } = await acceptedSockets(system, sockets, paths);
  return ok(await withSuspects(system, [...accepted, ...sandboxed], hidden, complete), 'ss -axpn');
}

/** The clients behind these connections, and where any of pcscd's has none, who else might have it. */
async function withSuspects(system: System, accepted: readonly Connection[], hiddenByNamespace: number, complete: boolean): Promise<Clients> {
  const found = await attribute(system, accepted);
  const unseen = found.unattributed + hiddenByNamespace > 0;
  return { ...found, hiddenByNamespace, complete, ...(unseen ? { suspects: await suspects(system, found.clients) } : {}) };
}

/** Programs that may own a connection nobody could be found for: those that run, are known to connect to cards and were not seen connected. */
async function suspects(system: System, seen: readonly Client[]): Promise<Process[]> {
  const known = new Set([...ownPids(system), ...seen.map(({ process }) => process?.pid)]);
  const mayConnect = (process: Pick<Process, 'comm' | 'argv' | 'exe'>) => ['pcsc', 'host'].includes(identifyProgram(process)?.transport ?? '') && identifyProgram(process)?.connects !== 'none' && !onlyAnswers(process);
  const names = [...(await processNames(system))].filter(([pid, comm]) => !known.has(pid) && mayConnect({ comm, argv: [], exe: null }));
  const processes = await Promise.all(names.slice(0, MAX_SUSPECTS).map(([pid]) => readProcess(system, pid)));
  const hidden = await Promise.all(processes.map((process) => process !== null && !isInBetween(system, process) && mayConnect(process) && hidesConnections(system, process)));
  return processes.filter((_, index) => hidden[index]) as Process[];
}

/** Whether a connection of it could have gone unseen: its descriptors are closed to this user, or its network namespace is another. */
const hidesConnections = ({ readDir }: System, { pid, confinement }: Process): Promise<boolean> | boolean =>
  confinement !== null ||
  readDir(`/proc/${pid}/fd`).then(
    () => false,
    () => true,
  );

/** Without `ss` the kernel tells how many connections there are, but not whose. */
function withoutSs(visible: number | null): Fact<never> {
  const count = visible === null ? 'connections' : `${visible} connection${visible === 1 ? '' : 's'}`;
  return absent(`ss (package iproute2) is not installed; without it ${count} to pcscd cannot be attributed`);
}

interface Connection {
  /** Of the client's end. */
  inode: string;
  users: UnixSocket['users'];
}

const connectionOf = ({ peer, users }: Connector): Connection => ({ inode: String(peer), users });

interface Accepted {
  accepted: Connection[];
  /** Descriptors of pcscd's whose other end nobody could be asked about. */
  hidden: number;
  /** pcscd's own descriptors could be compared. */
  complete: boolean;
}

async function acceptedSockets(system: System, sockets: readonly UnixSocket[], paths: ReadonlySet<string>): Promise<Accepted> {
  const atPath = sockets.filter(({ path }) => path !== null && paths.has(path));
  const [servers, strangers] = await serversOf(system, atPath);
  const served = atPath.filter(({ users }) => !users.some(({ pid }) => strangers.has(pid)));
  const accepted = connections(served, sockets);
  const hidden = servers.length === 0 ? null : await hiddenSockets(system, servers, sockets);
  if (hidden === null) return { accepted, hidden: 0, complete: false };
  const elsewhere = hidden.size === 0 ? [] : await inOtherNamespaces(system, hidden);
  return { accepted: [...accepted, ...elsewhere], hidden: hidden.size - elsewhere.length, complete: true };
}

/** Sockets pcscd has open that are not among the known ones; null: its descriptors are closed to this user. */
async function hiddenSockets(system: System, servers: readonly number[], known: readonly { inode: string }[]): Promise<ReadonlySet<string> | null> {
  const descriptors = await Promise.all(servers.map((pid) => socketInodes(system, pid)));
  if (descriptors.includes(null)) return null;
  const listed = new Set(known.map(({ inode }) => inode));
  return new Set(descriptors.flatMap((inodes) => inodes ?? []).filter((inode) => !listed.has(inode)));
}

/** The client's ends of pcscd's connections. One whose client has hung up has no peer any more. */
function connections(served: readonly UnixSocket[], sockets: readonly UnixSocket[]): Connection[] {
  const byInode = new Map(sockets.map((socket) => [socket.inode, socket]));
  return served.filter(({ peer, state }) => state === 'ESTAB' && peer !== '0').map(({ peer }) => ({ inode: peer, users: byInode.get(peer)?.users ?? [] }));
}

/**
 * pcscd's processes behind these sockets, and apart from them those of containers that listen under the same name;
 * systemd keeps the listening socket open as well.
 */
async function serversOf(system: System, served: readonly UnixSocket[]): Promise<[ours: number[], strangers: ReadonlySet<number>]> {
  const named = new Set(await pidsNamed(system, 'pcscd'));
  const pids = [...new Set(served.flatMap(({ users }) => users.map(({ pid }) => pid)))].filter((pid) => named.has(pid));
  const own = await ownNamespaces(system);
  // By pid and not by mount namespace: systemd gives the machine's own pcscd one of the latter.
  const foreign = await Promise.all(pids.map(async (pid) => sameNamespace(own.pid, (await readNamespaces(system, pid)).pid) === false));
  return [pids.filter((_, index) => !foreign[index]), new Set(pids.filter((_, index) => foreign[index]))];
}

/** Inodes of a process's sockets, apart from those to the kernel; null: closed to this user. */
async function socketInodes(system: System, pid: number): Promise<string[] | null> {
  const names = await system.readDir(`/proc/${pid}/fd`).catch(() => null);
  if (names === null) return null;
  const [links, netlink] = await Promise.all([
    Promise.all(names.map((name) => system.readLink(`/proc/${pid}/fd/${name}`).catch(() => ''))),
    system.readFile(`/proc/${pid}/net/netlink`, NETLINK_LIMIT).catch(() => ''),
  ]);
  // The inode is the last column of /proc/net/netlink (Linux net/netlink/af_netlink.c).
  const kernel = new Set(netlink.split('\n').map((line) => line.trim().split(/\s+/).at(-1)));
  return links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []).filter((inode) => !kernel.has(inode));
}

/**
 * An accepted socket belongs to the network namespace of the process that connected, so those of containers do
 * not show up in ours: `ss` must look from there.
 */
async function inOtherNamespaces(system: System, hidden: ReadonlySet<string>): Promise<Connection[]> {
  const found = await Promise.all((await foreignNamespaces(system)).map((pid) => listSockets(system, pid).catch(() => null)));
  return found.flatMap((sockets) => (sockets === null ? [] : connections(sockets.filter(({ inode }) => hidden.has(inode)), sockets)));
}

/**
 * Connections of this user's own sandboxes that have a network of their own, as most flatpaks do: their ends on
 * pcscd's side stand in the sandbox's table of sockets, which its user may read.
 */
async function inOwnSandboxes(system: System, paths: ReadonlySet<string>): Promise<Connection[]> {
  const found = await Promise.all(
    (await processesElsewhere(system)).map(async (inmates) => {
      const table = await system.readFile(`/proc/${inmates[0]}/net/unix`, UNIX_TABLE_LIMIT).catch(() => '');
      const accepted = acceptedAt(parseUnixTable(table), paths).map(({ inode }) => inode);
      if (accepted.length === 0) return [];
      const [peers, users] = await Promise.all([peersWithin(system, inmates[0], accepted), socketUsers(system, inmates)]);
      return accepted.map((inode): Connection => {
        const peer = peers.get(inode) ?? '';
        return { inode: peer, users: users.get(peer) ?? [] };
      });
    }),
  );
  return found.flat();
}

const acceptedAt = (table: ReturnType<typeof parseUnixTable>, paths: ReadonlySet<string>) => table.filter(({ connected, path }) => connected && path !== null && paths.has(path));

/** Who has each socket open, by its inode. */
async function socketUsers(system: System, pids: readonly number[]): Promise<ReadonlyMap<string, UnixSocket['users']>> {
  const users = new Map<string, UnixSocket['users']>();
  for (const pid of pids) {
    for (const { fd, target } of (await readOpenFiles(system, pid)) ?? []) {
      const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
      if (inode !== undefined) users.set(inode, [...(users.get(inode) ?? []), { pid, fd }]);
    }
  }
  return users;
}

/** Groups connections by process. One that several processes inherited counts for each of them. */
async function attribute(system: System, accepted: readonly Connection[]): Promise<Pick<Clients, 'clients' | 'unattributed'>> {
  const own = ownPids(system);
  const inodesOf = new Map<number, Set<string>>();
  let unattributed = 0;
  await Promise.all(
    accepted.map(async ({ inode, users }) => {
      const pids = await confirmed(system, inode, users);
      if (pids.length === 0) unattributed += 1;
      if (pids.some((pid) => own.has(pid))) return;
      for (const pid of pids) inodesOf.set(pid, (inodesOf.get(pid) ?? new Set()).add(inode));
    }),
  );
  const list = await Promise.all([...inodesOf].sort(([a], [b]) => a - b).map(([pid, inodes]) => describe(system, pid, [...inodes].sort())));
  return { clients: list, unattributed };
}

/** `ss` prints names of processes as they are, and a name may look like another process's entry: only the link itself counts. */
async function confirmed(system: System, inode: string, users: UnixSocket['users']): Promise<number[]> {
  const links = await Promise.all(users.map(({ pid, fd }) => system.readLink(`/proc/${pid}/fd/${fd}`).catch(() => null)));
  return [...new Set(users.filter((_, index) => links[index] === `socket:[${inode}]`).map(({ pid }) => pid))];
}

async function describe(system: System, pid: number, inodes: string[]): Promise<Client> {
  const [process, modules, channels] = await Promise.all([readProcess(system, pid), pkcs11Modules(system, pid), channelsOf(system, pid, inodes)]);
  const handles = channels?.map(({ reader, hCard }) => ({ reader, hCard: formatHandle(hCard) })) ?? null;
  return { process, connections: inodes.length, inodes, modules, handles };
}

/** What its libpcsclite says of these connections; root need not ask, because pcscd itself knows better. */
async function channelsOf(system: System, pid: number, inodes: readonly string[]): Promise<Channel[] | null> {
  if (!system.live || system.uid === 0) return null;
  const sockets = new Set(inodes.map((inode) => `socket:[${inode}]`));
  const files = (await readOpenFiles(system, pid)) ?? [];
  return channelsIn(pid, new Set(files.filter(({ target }) => sockets.has(target)).map(({ fd }) => fd)));
}

const PKCS11_MODULE = /\/[^/\s]*(?:pkcs11|p11-kit|ykcs11|cryptoki|etpkcs)[^/\s]*\.so(?:\.\d+)*$/i;
/** The loader itself, and modules that hold certificates or keys of the disk. */
const NO_CARD_MODULE = /\/(?:libp11-kit|p11-kit-trust|p11-kit-client|gnome-keyring-pkcs11)[^/]*$/;

/** PKCS#11 modules a process has loaded; none where its memory map is closed to this user. */
export async function pkcs11Modules(system: System, pid: number): Promise<string[]> {
  const paths = new Set(((await mappedFiles(system, pid)) ?? []).map(({ path }) => path));
  return [...paths].filter((path) => PKCS11_MODULE.test(path) && !NO_CARD_MODULE.test(path)).sort();
}
