import type { System } from '../system/port.ts';
import { type Connector, connectorsOf } from './connectors.ts';
import { servingDaemons } from './daemon.ts';

/**
 * Every client of the pcscd that serves us, asked of the kernel one by one; those of other network and pid
 * namespaces are as visible as the others.
 * @param paths where pcscd may listen
 * @returns null where that is not to be had: not root, no Perl, no pcscd, or a client that handed its connection on
 */
export async function askForClients(system: System, paths: ReadonlySet<string>): Promise<Connector[] | null> {
  const [pcscd, ...others] = system.live ? await servingDaemons(system) : [];
  if (pcscd === undefined || others.length > 0) return null;
  const fds = await socketsOf(system, pcscd);
  if (fds === null) return null;
  const connectors = await connectorsOf(system, pcscd, fds).catch(() => null);
  if (connectors === null || connectors.size < fds.length) return null;
  const clients = [...connectors.values()].filter(({ path, peer }) => peer !== null && paths.has(path));
  return clients.every(({ users }) => users.length > 0) ? clients : null;
}

/** Numbers of a process's descriptors that are sockets; null: closed to this user. */
async function socketsOf(system: System, pid: number): Promise<number[] | null> {
  const folder = `/proc/${pid}/fd`;
  const names = await system.readDir(folder).catch(() => null);
  if (names === null) return null;
  const targets = await Promise.all(names.map((name) => system.readLink(`${folder}/${name}`).catch(() => '')));
  return names.filter((_, index) => targets[index]?.startsWith('socket:')).map(Number);
}
