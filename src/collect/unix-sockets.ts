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

/** Up to the address; the address and the inode; those of the other end, and who has it open. Paths may hold blanks and numbers. */
const SS_HEAD = /^u_\S+\s+(\S+)\s+\d+\s+\d+\s+(?=\S)/;
const SS_INODE = / (\d+)\s+(?=\S)/g;
const SS_PEER = / (\d+)\s*(users:[^]*)?$/g;

/** Reads the output of `ss -axpnH` (iproute2): `u_str ESTAB 0 0 PATH INODE PEERPATH PEER users:(("name",pid=1,fd=2))`. Other lines are skipped. */
export function parseSs(text: string): UnixSocket[] {
  return text.split('\n').flatMap((line) => parseSocket(line) ?? []);
}

/** In three steps, each linear: one expression for the whole line would try every way to share it out among the paths. */
function parseSocket(line: string): UnixSocket | null {
  const head = SS_HEAD.exec(line);
  const own = head && execFrom(SS_INODE, line, head[0].length + 1);
  const other = own && execFrom(SS_PEER, line, own.index + own[0].length + 1);
  if (!head || !own || !other) return null;
  const path = line.slice(head[0].length, own.index);
  return { state: head[1] as string, path: path === '*' ? null : path, inode: own[1] as string, peer: other[1] as string, users: parseUsers(other[2] ?? '') };
}

function execFrom(pattern: RegExp, text: string, index: number): RegExpExecArray | null {
  pattern.lastIndex = index;
  return pattern.exec(text);
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
  return (await processesElsewhere(system)).slice(0, MAX_NAMESPACES).map(([pid]) => pid);
}

/** The processes of each other network namespace, as far as this user may see where they are. */
export async function processesElsewhere(system: System): Promise<[number, ...number[]][]> {
  const pids = await listPids(system);
  const links = await Promise.all(pids.map((pid) => system.readLink(`/proc/${pid}/ns/net`).catch(() => null)));
  const own = links[pids.indexOf(system.pid)] ?? (await system.readLink('/proc/self/ns/net').catch(() => null));
  const byNamespace = new Map<string, [number, ...number[]]>();
  for (const [index, pid] of pids.entries()) {
    const link = links[index];
    if (link == null || link === own) continue;
    const known = byNamespace.get(link);
    if (known === undefined) byNamespace.set(link, [pid]);
    else known.push(pid);
  }
  return [...byNamespace.values()];
}
