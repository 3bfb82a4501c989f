import { socketPath } from '../pcsc/socket.ts';
import { absent, skipped } from '../snapshot/fact.ts';
import type { Fact } from '../snapshot/schema.ts';
import { perRun } from '../system/per-run.ts';
import type { System, SystemError } from '../system/port.ts';
import { ownNamespaces, pidsNamed, readNamespaces, sameNamespace } from '../system/process.ts';

/**
 * The pcscd that may answer on our socket: the one its own pid file names, which spares a look at every process,
 * else all in our mount namespace. (pcsc-lite pcscdaemon.c writes pcscd.pid beside pcscd.comm.) A pcscd of a
 * container is none of them; with none, nobody may connect, since that could start one.
 */
export const servingDaemons = perRun(async (system): Promise<number[]> => {
  const file = socketPath(system).replace(/\.comm$/, '.pid');
  // The number is followed by a line feed and a zero byte.
  const named = Number.parseInt(await system.readFile(file, 32).catch(() => ''), 10);
  if (await isPcscd(system, named)) return [named];
  const [pids, own] = await Promise.all([pidsNamed(system, 'pcscd'), ownNamespaces(system)]);
  const namespaces = await Promise.all(pids.map((pid) => readNamespaces(system, pid)));
  return pids.filter((_, index) => sameNamespace(own.mnt, namespaces[index]?.mnt ?? null) === true);
});

/** Why there is none: nobody uses readers through PC/SC then (absent), or one may be out of sight, e.g. from within a container (skipped). */
export async function whyNoDaemon(system: System): Promise<Fact<never>> {
  const path = socketPath(system);
  const exists = await system.stat(path).then(
    () => true,
    (error: SystemError) => !error.isMissing,
  );
  if (!exists) return absent('no pcscd is running');
  if (await isAsleep(system)) return absent('pcscd sleeps behind its socket unit, so nobody uses it');
  return skipped(`no pcscd is in sight, though ${path} is there; asking it might wake one`);
}

/** A socket that is not the default one is not systemd's. */
async function isAsleep(system: System): Promise<boolean> {
  if (system.env('PCSCLITE_CSOCK_NAME') !== undefined) return false;
  const units = await system.run('systemctl', ['is-active', 'pcscd.service', 'pcscd.socket']).catch(() => null);
  return units?.stdout === 'inactive\nactive\n';
}

async function isPcscd(system: System, pid: number): Promise<boolean> {
  if (!Number.isSafeInteger(pid)) return false;
  return (await system.readFile(`/proc/${pid}/comm`, 64).catch(() => '')) === 'pcscd\n';
}
