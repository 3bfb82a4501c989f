import type { ReaderReport } from '../report/schema.ts';
import { reasonOf } from '../snapshot/fact.ts';
import type { Fact, ReaderState } from '../snapshot/schema.ts';
import { Blockade } from './blockade.ts';
import { type Difference, differences, type Look, watchedReader } from './differences.ts';
import type { Change, WaitingClient, WatchEvent } from './event.ts';

/** A connection to one running pcscd. */
export interface Lookout {
  /** The table of readers now; anything but ok: this pcscd is lost. */
  readTable(): Promise<Fact<ReaderState[]>>;
  /** hCard of each lock's owner, right after the table was read; null where it is not to be seen. */
  readLocks(table: readonly ReaderState[]): ReadonlyMap<string, number> | null;
  /** The connections that pcscd keeps waiting, by a key of their own, with their clients. Called while a transaction is open. */
  findBlocked(table: readonly ReaderState[]): Promise<ReadonlyMap<string, WaitingClient>>;
  close(): void;
}

export interface WatchPorts {
  /** Finds a running pcscd and connects to its socket; never starts one. */
  open(): Promise<Fact<Lookout>>;
  /** Who holds what right now. It may take tens of milliseconds and must not reject. */
  identify(): Promise<Fact<ReaderReport[]>>;
  /** What this user cannot see. */
  unseen(): { what: string; need: string }[];
  /** Milliseconds since the epoch. */
  now(): number;
  /** Rejects when the watch is to end. */
  sleep(ms: number): Promise<void>;
}

/** Milliseconds between polls while nothing happens; a poll takes some 0.5 ms of a core, so this is well below 1 % of it. */
const QUIET_MS = 150;
/** After a change, for so long, polls come faster: where one program lets go, another often takes. */
const BUSY_MS = 20;
const BUSY_FOR_MS = 2_000;
/** A poll so much later than asked for may have missed something that its delay hid. */
const LATE_MS = 20;
/** To name holders takes much more than a poll, so changes that come in quick succession are not named. */
const NAMING_MS = 250;
/** Between looks for a pcscd that is not there. */
const SEARCH_MS = 500;

type Emit = (event: WatchEvent) => void;

/**
 * Tells what changes until `sleep` rejects: passive, with one connection that makes no context. Keeps no history,
 * so its memory does not grow.
 */
export async function watch(ports: WatchPorts, emit: Emit): Promise<void> {
  const teller = new Teller(ports, emit);
  let wasThere = false;
  for (let reason = ''; ; ) {
    const lookout = await ports.open();
    if (lookout.status === 'ok') {
      if (wasThere || reason !== '') teller.tell({ event: 'pcscd-started', reason: 'it answers on its socket' });
      wasThere = true;
      try {
        reason = await watchOne(ports, lookout.value, teller);
      } finally {
        lookout.value.close();
      }
      teller.tell({ event: 'pcscd-gone', reason });
    } else if (reason === '') {
      reason = reasonOf(lookout);
      teller.tell({ event: 'pcscd-gone', reason });
    }
    await ports.sleep(SEARCH_MS);
  }
}

/** @returns why this pcscd is lost */
async function watchOne(ports: WatchPorts, lookout: Lookout, teller: Teller): Promise<string> {
  let before = null as Look | null;
  let dueAt = ports.now();
  let lastChange = Number.NEGATIVE_INFINITY;
  const blockade = new Blockade(lookout);
  for (;;) {
    const table = await lookout.readTable();
    if (table.status !== 'ok') return reasonOf(table);
    const now = ports.now();
    const look: Look = { readers: table.value, locks: lookout.readLocks(table.value) };
    if (before === null) {
      const readers = look.readers.map((reader) => watchedReader(reader, look));
      teller.tell({ event: 'begin', readers, resolutionMs: { quiet: QUIET_MS, busy: BUSY_MS }, unseen: ports.unseen() });
    } else {
      if (now - dueAt > LATE_MS) teller.tell({ event: 'gap', ms: now - dueAt });
      const found = look.readers === before.readers && same(look.locks, before.locks) ? [] : differences(before, look);
      if (found.length > 0) lastChange = now;
      for (const difference of found) teller.tell(difference);
    }
    for (const difference of await blockade.differences(look, now)) teller.tell(difference);
    // A lock that could not be read this time is compared with what it was before, next time.
    before = { readers: look.readers, locks: look.locks ?? before?.locks ?? null };
    const interval = now - lastChange < BUSY_FOR_MS ? BUSY_MS : QUIET_MS;
    dueAt = now + interval;
    await ports.sleep(interval);
  }
}

/** Tells events in their order. A change waits until its holders are named, unless its reader has changed again, which the names would be of. */
class Teller {
  readonly #ports: WatchPorts;
  readonly #emit: Emit;
  /** The last event of each reader. */
  readonly #newest = new Map<string, WatchEvent>();
  #told: Promise<void> = Promise.resolve();
  #identified: { askedAt: number; readers: Fact<ReaderReport[]> } | null = null;

  constructor(ports: WatchPorts, emit: Emit) {
    this.#ports = ports;
    this.#emit = emit;
  }

  tell(difference: Difference): void {
    const now = this.#ports.now();
    const event = { at: new Date(now).toISOString(), ...difference } as WatchEvent;
    if ('from' in event) this.#newest.set(event.reader, event);
    // pcscd numbers readers anew when it starts, so names of readers that are gone would pile up.
    if (event.event === 'begin') this.#newest.clear();
    this.#told = this.#told.then(async () => {
      if (isTaking(event)) event.holders = await this.#holdersAfter(event, now);
      this.#emit(event);
    });
  }

  /** null: it could not be told, or the reader is no longer as the change left it. */
  async #holdersAfter(change: Change, changedAt: number): Promise<Change['holders']> {
    const isNewest = () => this.#newest.get(change.reader) === change;
    const readers = isNewest() ? await this.#identify(changedAt) : null;
    const reader = readers?.status === 'ok' ? readers.value.find(({ name }) => name === change.reader) : undefined;
    return reader !== undefined && isNewest() && isAsLeft(reader, change) ? reader.holders : null;
  }

  /** Who holds what after `since`, ms since the epoch; null: asked too often. One answer serves all changes before it. */
  async #identify(since: number): Promise<Fact<ReaderReport[]> | null> {
    const now = this.#ports.now();
    if (this.#identified !== null && this.#identified.askedAt >= since) return this.#identified.readers;
    if (this.#identified !== null && now - this.#identified.askedAt < NAMING_MS) return null;
    const readers = await this.#ports.identify();
    this.#identified = { askedAt: now, readers };
    return readers;
  }
}

/** Maps of the same readers in the same order. */
const same = (one: Look['locks'], other: Look['locks']): boolean => one === other || (one !== null && other !== null && [...one].every(([name, lock]) => other.get(name) === lock));

const isTaking = (event: WatchEvent): event is Change => 'from' in event && event.to.count !== 0;

function isAsLeft({ sharing }: ReaderReport, { to }: Change): boolean {
  if (to.count === -1) return sharing.mode === 'exclusive';
  return sharing.mode === 'shared' && sharing.handles === to.count;
}
