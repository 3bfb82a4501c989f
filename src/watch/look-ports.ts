import { type Connector, connectorsOf } from '../attribution/connectors.ts';
import { servingDaemons } from '../attribution/daemon.ts';
import { LockReader } from '../attribution/locks.ts';
import type { ClientContext } from '../attribution/walk.ts';
import { greeting } from '../collect/pcscd.ts';
import { commandOf } from '../derive/process-name.ts';
import { ownReads } from '../pcsc/own-reads.ts';
import { openReaderTable } from '../pcsc/socket.ts';
import { absent, ok } from '../snapshot/fact.ts';
import { sanitize } from '../snapshot/sanitize.ts';
import type { Fact } from '../snapshot/schema.ts';
import type { System } from '../system/port.ts';
import { readProcess } from '../system/process.ts';
import { ReadCounter } from '../system/read-counter.ts';
import { realSystem } from '../system/real.ts';
import type { WaitingClient } from './event.ts';
import type { Traffic } from './traffic.ts';
import type { Lookout, LookPorts } from './watcher.ts';

/** For the socket to answer. */
const OPEN_MS = 1500;
/** pcscd answers the table only when a reader that was just plugged in has powered its card. */
const TABLE_MS = 15_000;

/** Thrown by `sleep`. */
export class WatchEnded extends Error {}

/**
 * The machine, as `watch` looks at it, in a thread of its own.
 * @param end its first number is 0 until the watch is to end, which is notified
 */
export function lookPorts(end: Int32Array): LookPorts {
  let seesLocks = false;
  return {
    async open() {
      const lookout = await openLookout();
      seesLocks = lookout.status === 'ok' && lookout.value.seesLocks;
      return lookout;
    },
    unseen: () => (seesLocks ? [] : [{ what: 'transactions, and which process owns each handle', need: 'root' }]),
    now: () => Date.now(),
    // A timer of the event loop takes three times as much of a core as a thread that stands still.
    sleep: async (ms) => {
      if (Atomics.wait(end, 0, 0, ms) !== 'timed-out') throw new WatchEnded();
    },
  };
}

/** A fresh System each time, because a System remembers what it has read. */
async function openLookout(): Promise<Fact<Lookout & { seesLocks: boolean }>> {
  const system = realSystem();
  const [pcscd] = await servingDaemons(system);
  if (pcscd === undefined) return absent('no pcscd is running');
  const table = await openReaderTable(system, OPEN_MS, await greeting(system));
  if (table.status !== 'ok') return table;
  // Only root may read these.
  const locks = orNull(() => new LockReader(pcscd));
  const counter = orNull(() => new ReadCounter(pcscd));
  return ok(
    {
      seesLocks: locks !== null,
      readTable: () => table.value.read(TABLE_MS),
      readLocks: (readers) => locks?.read(readers) ?? null,
      glance: () => ({ state: locks?.glance() ?? null, traffic: trafficOf(counter) }),
      findBlocked: async (readers) => (locks === null ? new Map() : clientsOf(system, pcscd, locks.waiting(readers))),
      close: () => {
        table.value.close();
        locks?.close();
        counter?.close();
      },
    },
    table.source,
  );
}

function orNull<T>(open: () => T): T | null {
  try {
    return open();
  } catch {
    return null;
  }
}

function trafficOf(counter: ReadCounter | null): Traffic | null {
  const reads = counter?.read() ?? null;
  return reads === null ? null : { reads, own: ownReads() };
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
