import { connectorsOf } from '../attribution/connectors.ts';
import { servingDaemons } from '../attribution/daemon.ts';
import { type Proof, proveHandles } from '../attribution/prove.ts';
import { openReaderTable } from '../pcsc/socket.ts';
import { absent, skipped } from '../snapshot/fact.ts';
import type { System } from '../system/port.ts';
import { openProcessMemory } from '../system/process-memory.ts';
import { defineCollector } from './collector.ts';

/** Every open handle with its owner, read from pcscd's memory as root. It never connects to a card and never wakes pcscd. */
export default defineCollector({
  name: 'handles',
  facts: ['handles'],
  collect: async (system, { timeoutMs }) => ({ handles: await collectHandles(system, timeoutMs) }),
});

/** @param timeoutMs for each answer of pcscd's */
export async function collectHandles(system: System, timeoutMs: number): Promise<Proof> {
  if (!system.live) return skipped('only a running machine has open handles');
  if (system.platform !== 'linux') return absent('this system has no pcscd whose memory could be read');
  const daemons = await servingDaemons(system);
  if (daemons.length === 0) return absent('no pcscd is running');
  const table = await openReaderTable(system, timeoutMs);
  if (table.status !== 'ok') return table;
  try {
    let proof: Proof = absent('no pcscd is running');
    for (const pid of daemons) {
      proof = await proveHandles(system, {
        pid,
        readTable: () => table.value.read(timeoutMs),
        openMemory: () => openProcessMemory(pid),
        connectors: (fds) => connectorsOf(system, pid, fds),
      });
      // Another pcscd than the one that answers us is a container's, or a second one by mistake.
      if (proof.status !== 'absent') return proof;
    }
    return proof;
  } finally {
    table.value.close();
  }
}
