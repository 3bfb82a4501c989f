import { setTimeout as sleep } from 'node:timers/promises';
import { type Connector, connectorsOf } from '../attribution/connectors.ts';
import { servingDaemons } from '../attribution/daemon.ts';
import { LockReader } from '../attribution/locks.ts';
import type { ClientContext } from '../attribution/walk.ts';
import { collectHolders } from '../collect/holders.ts';
import { deriveHoldings } from '../derive/holdings.ts';
import { commandOf } from '../derive/process-name.ts';
import { greeting } from '../collect/pcscd.ts';
import { openReaderTable } from '../pcsc/socket.ts';
import type { ReaderReport } from '../report/schema.ts';
import { absent, failed, ok } from '../snapshot/fact.ts';
import { sanitize } from '../snapshot/sanitize.ts';
import type { Fact } from '../snapshot/schema.ts';
import type { System } from '../system/port.ts';
import { readProcess } from '../system/process.ts';
import { realSystem } from '../system/real.ts';
import type { WaitingClient } from './event.ts';
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
  const table = await openReaderTable(system, TIMEOUT_MS, await greeting(system));
  if (table.status !== 'ok') return table;
  const locks = openLocks(pcscd);
  return ok(
    {
      seesLocks: locks !== null,
      readTable: () => table.value.read(TABLE_MS),
      readLocks: (readers) => locks?.read(readers) ?? null,
      findBlocked: async (readers) => (locks === null ? new Map() : clientsOf(system, pcscd, locks.waiting(readers))),
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

/** Who is behind these connections; a program of which nothing can be seen waits all the same. */
async function clientsOf(system: System, pcscd: number, contexts: readonly ClientContext[]): Promise<Map<string, WaitingClient>> {
  const fds = contexts.map(({ fd }) => fd);
  const connectors = fds.length === 0 ? new Map<number, Connector>() : await connectorsOf(system, pcscd, fds).catch(() => new Map<number, Connector>());
  const waiting = contexts.map(async ({ fd, hContext }): Promise<[string, WaitingClient]> => {
    const pid = connectors.get(fd)?.users[0]?.pid ?? null;
    const client = pid === null ? null : await readProcess(system, pid);
    return [`${hContext}:${fd}`, sanitize({ pid, user: client?.user ?? null, command: client === null ? null : commandOf(client) })];
  });
  return new Map(await Promise.all(waiting));
}

async function identify(): Promise<Fact<ReaderReport[]>> {
  try {
    return deriveHoldings(await collectHolders(realSystem(), { passive: true, wake: false, exclusive: false, timeoutMs: TIMEOUT_MS, reader: null }));
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error));
  }
}
