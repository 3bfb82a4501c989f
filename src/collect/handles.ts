import { type Connector, connectorsOf } from '../attribution/connectors.ts';
import { connectorsBySs } from '../attribution/connectors-by-ss.ts';
import { servingDaemons, whyNoDaemon } from '../attribution/daemon.ts';
import { type Proof, proveHandles } from '../attribution/prove.ts';
import { openReaderTable } from '../pcsc/socket.ts';
import { greeting } from './pcscd.ts';
import { absent, skipped } from '../snapshot/fact.ts';
import type { Fact, ReaderState } from '../snapshot/schema.ts';
import { SystemError, type System } from '../system/port.ts';
import { openProcessMemory } from '../system/process-memory.ts';
import { defineCollector } from './collector.ts';

/** Every open handle with its owner, read from pcscd's memory as root. It never connects to a card and never wakes pcscd. */
export default defineCollector({
  name: 'handles',
  facts: ['handles'],
  collect: async (system, { timeoutMs }) => ({ handles: (await lookIntoPcscd(system, timeoutMs)).handles }),
});

/** The handles, and the table of readers of the same moment. */
export interface Insight {
  handles: Proof;
  readers: Fact<ReaderState[]>;
}

/** @param timeoutMs for each answer of pcscd's */
export async function lookIntoPcscd(system: System, timeoutMs: number): Promise<Insight> {
  const none = (why: Fact<never>): Insight => ({ handles: why, readers: why });
  if (!system.live) return none(skipped('only a running machine has open handles'));
  if (system.platform !== 'linux') return none(absent('this system has no pcscd'));
  const daemons = await servingDaemons(system);
  if (daemons.length === 0) return none(await whyNoDaemon(system));
  const table = await openReaderTable(system, timeoutMs, await greeting(system));
  if (table.status !== 'ok') return none(table);
  try {
    let readers: Fact<ReaderState[]> = absent('not asked');
    let handles: Proof = absent('not asked');
    for (const pid of daemons) {
      handles = await proveHandles(system, {
        pid,
        readTable: async () => (readers = await table.value.read(timeoutMs)),
        openMemory: () => openProcessMemory(pid),
        connectors: (fds) => connectors(system, pid, fds),
      });
      // Another pcscd than the one that answers us was started by mistake; ours is the next.
      if (handles.status !== 'absent') break;
    }
    return { handles, readers };
  } finally {
    table.value.close();
  }
}

/** Without Perl, or where the kernel is older than Linux 5.6 or a container's seccomp filter refuses, by `ss`. */
async function connectors(system: System, pcscd: number, fds: readonly number[]): Promise<Map<number, Connector>> {
  try {
    return await connectorsOf(system, pcscd, fds);
  } catch (error) {
    if (error instanceof SystemError) return connectorsBySs(system, pcscd, fds);
    throw error;
  }
}
