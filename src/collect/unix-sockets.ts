import { SystemError, type System } from '../system/port.ts';
import { listPids } from '../system/process.ts';

/** Milliseconds `ss` may take. */
export const SS_MS = 3000;
/** A machine with 40,000 sockets prints some 6 MB. */
const SS_LIMIT = 32 * 1024 * 1024;
const MAX_NAMESPACES = 16;

/** One line of `ss -axpn`. */
export interface UnixSocket {
  state: string;
  /** Path it is bound to; accepted sockets carry their listener's. null: none. */
  path: string | null;
  inode: string;
  /** Inode of the other end; `0` when there is none (any more). */
  peer: string;
  /** Who has it open, as far as this user may see. */
  users: { pid: number; fd: number }[];
}

/** Reads the output of `ss -axpnH` (iproute2): `u_str ESTAB 0 0 PATH INODE PEERPATH PEER users:(("name",pid=1,fd=2))`. Other lines are skipped. */
export function parseSs(text: string): UnixSocket[] {
  const sockets: UnixSocket[] = [];
  for (const line of text.split('\n')) {
    const match = /^u_\S+\s+(\S+)\s+\d+\s+\d+\s+(\S.*?) (\d+)\s+(?:\S.*?) (\d+)\s*(users:.*)?$/.exec(line);
    if (match === null) continue;
    const [, state, path, inode, peer, users = ''] = match as unknown as [string, string, string, string, string, string | undefined];
    sockets.push({ state, path: path === '*' ? null : path, inode, peer, users: parseUsers(users) });
  }
  return sockets;
}

const parseUsers = (text: string): UnixSocket['users'] => [...text.matchAll(/",pid=(\d{1,10}),fd=(\d{1,10})\)/g)].map((match) => ({ pid: Number(match[1]), fd: Number(match[2]) }));

/**
 * The sockets of `/proc/net/unix`. It has no column for the other end (Linux net/unix/af_unix.c, unix_seq_show), so it
 * tells that somebody is connected, but never who.
 */
export function parseUnixTable(text: string): { inode: string; connected: boolean; path: string | null }[] {
  const CONNECTED = '03';
  return text.split('\n').flatMap((line) => {
    const match = /^\S+: \S+ \S+ \S+ \S+ (\S+) +(\d+)(?: (.*))?$/.exec(line);
    return match === null ? [] : [{ inode: match[2] as string, connected: match[1] === CONNECTED, path: match[3] ?? null }];
  });
}

/** null: there is no `ss`. @param enter a process whose network namespace is looked at; only root may */
export async function listSockets(system: System, enter?: number): Promise<UnixSocket[] | null> {
  const command = ['ss', '-axpnH'];
  const [program, ...args] = enter === undefined ? command : ['nsenter', `--net=/proc/${enter}/ns/net`, ...command];
  try {
    const { stdout } = await system.run(program as string, args, { timeoutMs: SS_MS, limit: SS_LIMIT });
    return parseSs(stdout);
  } catch (error) {
    if (error instanceof SystemError && error.isMissing) return null;
    throw error;
  }
}

/** One process of each other network namespace. */
export async function foreignNamespaces(system: System): Promise<number[]> {
  const pids = await listPids(system);
  const links = await Promise.all(pids.map((pid) => system.readLink(`/proc/${pid}/ns/net`).catch(() => null)));
  const own = links[pids.indexOf(system.pid)] ?? (await system.readLink('/proc/self/ns/net').catch(() => null));
  const byNamespace = new Map(pids.flatMap((pid, index) => (links[index] == null || links[index] === own ? [] : [[links[index], pid] as const])));
  return [...byNamespace.values()].slice(0, MAX_NAMESPACES);
}
