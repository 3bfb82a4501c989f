import { reasonOf } from '../snapshot/fact.ts';
import type { Fact, ReaderState } from '../snapshot/schema.ts';
import { Blockade } from './blockade.ts';
import { type Difference, differences, type Look, watchedReader } from './differences.ts';
import type { WaitingClient } from './event.ts';
import { Gap } from './gap.ts';
import { mostUnseen, readsOfOthers, type Traffic } from './traffic.ts';

/** What root sees of pcscd in microseconds, without asking it. */
export interface Glance {
  /** Another one whenever a lock or a number of handles is another; null: not root, or not just now. */
  state: string | null;
  /** null: not root, or this kernel does not count. */
  traffic: Traffic | null;
}

/** A connection to one running pcscd. */
export interface Lookout {
  /** The table of readers now; anything but ok: this pcscd is lost. */
  readTable(): Promise<Fact<ReaderState[]>>;
  /** hCard of each lock's owner, right after the table was read; null where it is not to be seen. */
  readLocks(table: readonly ReaderState[]): ReadonlyMap<string, number> | null;
  glance(): Glance;
  /** The connections that pcscd keeps waiting, by a key of their own, with their clients. Called while a transaction is open. */
  findBlocked(table: readonly ReaderState[]): Promise<ReadonlyMap<string, WaitingClient>>;
  close(): void;
}

export interface LookPorts {
  /** Finds a running pcscd and connects to its socket; never starts one. */
  open(): Promise<Fact<Lookout>>;
  /** What this user cannot see. */
  unseen(): { what: string; need: string }[];
  /** Milliseconds since the epoch. */
  now(): number;
  /** Rejects when the watch is to end. */
  sleep(ms: number): Promise<void>;
}

/** Takes what happened, with the moment it was seen, in ms since the epoch. */
export type Tell = (difference: Difference, at: number) => void;

/**
 * Milliseconds between looks: while nothing happens, and for a while after a change, because where one program lets
 * go another often takes. A look at the table takes about 1 ms of a core and a glance a quarter of that, so either
 * stays below 1 % of it while nothing happens (`npm run watch-soak` measures that).
 */
const PACE = { looking: { quiet: 150, busy: 20 }, glancing: { quiet: 50, busy: 8 } } as const;
/** The table is read so often although no glance shows a change: readers and cards come and go without one. */
const TABLE_MS = 500;
const BUSY_FOR_MS = 2_000;
/** A look so much later than asked for may have missed something that its delay hid. */
const LATE_MS = 20;
/** Between looks for a pcscd that is not there. */
const SEARCH_MS = 500;

/**
 * Tells what changes until `sleep` rejects: passive, with one connection that makes no context. Keeps no history,
 * so its memory does not grow.
 */
export async function watch(ports: LookPorts, tell: Tell): Promise<void> {
  const tellNow = (difference: Difference) => tell(difference, ports.now());
  let wasThere = false;
  for (let reason = ''; ; ) {
    const lookout = await ports.open();
    if (lookout.status === 'ok') {
      if (wasThere || reason !== '') tellNow({ event: 'pcscd-started', reason: 'it answers on its socket' });
      wasThere = true;
      try {
        reason = await watchOne(ports, lookout.value, tell);
      } finally {
        lookout.value.close();
      }
      tellNow({ event: 'pcscd-gone', reason });
    } else if (reason === '') {
      reason = reasonOf(lookout);
      tellNow({ event: 'pcscd-gone', reason });
    }
    await ports.sleep(SEARCH_MS);
  }
}

/** @returns why this pcscd is lost */
async function watchOne(ports: LookPorts, lookout: Lookout, tell: Tell): Promise<string> {
  const gap = new Gap(tell);
  const blockade = new Blockade(lookout);
  let before = null as Look | null;
  let glanceBefore = lookout.glance();
  let lookedAt = ports.now();
  let dueAt = lookedAt;
  let lastChange = Number.NEGATIVE_INFINITY;
  let tableDueAt = lookedAt;
  try {
    for (;;) {
      const now = ports.now();
      const glance = lookout.glance();
      if (now >= tableDueAt || isOther(glanceBefore, glance)) {
        const table = await lookout.readTable();
        if (table.status !== 'ok') return reasonOf(table);
        const look: Look = { readers: table.value, locks: lookout.readLocks(table.value) };
        if (before === null) {
          const readers = look.readers.map((reader) => watchedReader(reader, look));
          const resolutionMs = paceWith(lookout.glance());
          tell({ event: 'begin', readers, resolutionMs, unseen: ports.unseen() }, now);
        } else {
          const found = look.readers === before.readers && same(look.locks, before.locks) ? [] : differences(before, look);
          const unseen = mostUnseen(glanceBefore.traffic, lookout.glance().traffic, found);
          // Unless pcscd's own traffic rules it out, a look that comes late has missed something.
          if (unseen === null ? now - dueAt > LATE_MS : unseen > 0) gap.add(now - lookedAt, unseen, now);
          if (found.length > 0) lastChange = now;
          for (const difference of found) tell(difference, now);
        }
        for (const difference of await blockade.differences(look, now)) tell(difference, now);
        // A lock that could not be read this time is compared with what it was before, next time.
        before = { readers: look.readers, locks: look.locks ?? before?.locks ?? null };
        tableDueAt = look.locks === null ? now : now + TABLE_MS;
      }
      gap.tellIfDue(now);
      glanceBefore = glance;
      lookedAt = now;
      const pace = paceWith(glance);
      const interval = now - lastChange < BUSY_FOR_MS ? pace.busy : pace.quiet;
      dueAt = now + interval;
      await ports.sleep(interval);
    }
  } finally {
    gap.tell(ports.now());
  }
}

const paceWith = ({ state }: Glance) => (state === null ? PACE.looking : PACE.glancing);

/** Whether something may have happened between two glances. */
const isOther = (earlier: Glance, later: Glance): boolean => later.state === null || earlier.state !== later.state || readsOfOthers(earlier.traffic, later.traffic)?.calls !== 0;

/** Maps of the same readers in the same order. */
const same = (one: Look['locks'], other: Look['locks']): boolean => one === other || (one !== null && other !== null && [...one].every(([name, lock]) => other.get(name) === lock));
