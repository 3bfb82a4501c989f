import { setTimeout as sleep } from 'node:timers/promises';
import { servingDaemons } from '../attribution/daemon.ts';
import { LockReader } from '../attribution/locks.ts';
import { collectHolders } from '../collect/holders.ts';
import { deriveHoldings } from '../derive/holdings.ts';
import { openReaderTable } from '../pcsc/socket.ts';
import type { ReaderReport } from '../report/schema.ts';
import { absent, failed, ok } from '../snapshot/fact.ts';
import type { Fact } from '../snapshot/schema.ts';
import { realSystem } from '../system/real.ts';
import type { Lookout, WatchPorts } from './watcher.ts';

const TIMEOUT_MS = 1500;
/** pcscd answers the table only when a reader that was just plugged in has powered its card. */
const TABLE_MS = 15_000;

/** The machine, as `watch` looks at it. @param signal ends it */
export function watchPorts(signal: AbortSignal): WatchPorts {
  let seesLocks = false;
  return {
    async open() {
      const lookout = await openLookout();
      seesLocks = lookout.status === 'ok' && lookout.value.seesLocks;
      return lookout;
    },
    identify,
    unseen: () => (seesLocks ? [] : [{ what: 'transactions, and which process owns each handle', need: 'root' }]),
    now: () => Date.now(),
    sleep: (ms) => sleep(ms, undefined, { signal }),
  };
}

/** A fresh System each time, because a System remembers what it has read. */
async function openLookout(): Promise<Fact<Lookout & { seesLocks: boolean }>> {
  const system = realSystem();
  const [pcscd] = await servingDaemons(system);
  if (pcscd === undefined) return absent('no pcscd is running');
  const table = await openReaderTable(system, TIMEOUT_MS);
  if (table.status !== 'ok') return table;
  const locks = openLocks(pcscd);
  return ok(
    {
      seesLocks: locks !== null,
      readTable: () => table.value.read(TABLE_MS),
      readLocks: (readers) => locks?.read(readers) ?? null,
      close: () => {
        table.value.close();
        locks?.close();
      },
    },
    table.source,
  );
}

/** null: only root may read pcscd's memory. */
function openLocks(pcscd: number): LockReader | null {
  try {
    return new LockReader(pcscd);
  } catch {
    return null;
  }
}

async function identify(): Promise<Fact<ReaderReport[]>> {
  try {
    return deriveHoldings(await collectHolders(realSystem(), { passive: true, wake: false, exclusive: false, timeoutMs: TIMEOUT_MS, reader: null }));
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error));
  }
}
