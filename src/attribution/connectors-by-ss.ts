import { foreignNamespaces, listSockets, type UnixSocket } from '../collect/unix-sockets.ts';
import { SystemError, type System } from '../system/port.ts';
import type { Connector } from './connectors.ts';

/**
 * The same as connectorsOf where there is no Perl: `ss` looks through all processes, once for each network
 * namespace. It does not tell who connected, so of a connection that several processes inherited nobody is named.
 * @throws SystemError ENOENT without `ss`
 */
export async function connectorsBySs(system: System, pcscd: number, fds: readonly number[]): Promise<Map<number, Connector>> {
  const links = await Promise.all(fds.map((fd) => system.readLink(`/proc/${pcscd}/fd/${fd}`).catch(() => '')));
  const inodes = links.map((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? null);
  const wanted = new Set(inodes.filter((inode) => inode !== null));
  const sockets = await socketsWith(system, wanted);
  const connectors = fds.flatMap((fd, index): Connector[] => {
    const own = sockets.get(inodes[index] ?? '');
    if (own === undefined) return [];
    const users = sockets.get(own.peer)?.users ?? [];
    return [{ fd, inode: Number(own.inode), path: own.path ?? '', peer: own.peer === '0' ? null : Number(own.peer), pid: users.length === 1 ? (users[0]?.pid ?? 0) : 0, users }];
  });
  return new Map(connectors.map((connector) => [connector.fd, connector]));
}

/** All sockets by inode, of our network namespace, and of the others if any of the wanted is not in it. */
async function socketsWith(system: System, wanted: ReadonlySet<string>): Promise<ReadonlyMap<string, UnixSocket>> {
  const near = await listSockets(system);
  if (near === null) throw new SystemError('ENOENT', 'ss', 'neither perl nor ss (package iproute2) is installed');
  const sockets = new Map(near.map((socket) => [socket.inode, socket]));
  if ([...wanted].every((inode) => sockets.has(inode))) return sockets;
  const far = await Promise.all((await foreignNamespaces(system)).map((pid) => listSockets(system, pid).catch(() => null)));
  return new Map([...sockets, ...far.flatMap((list) => (list ?? []).map((socket) => [socket.inode, socket] as const))]);
}
