import type { ReaderReport } from '../report/schema.ts';
import { sanitize } from '../snapshot/sanitize.ts';
import type { Fact } from '../snapshot/schema.ts';
import type { Difference } from './differences.ts';
import type { Change, WatchEvent } from './event.ts';

/**
 * To name holders takes much more than a look, so changes that come in quick succession are not named: between two
 * namings pass so many ms, and twice as many after each whose reader had changed again before the answer came.
 */
const NAMING_MS = { least: 250, most: 2_000 } as const;

export interface NamingPorts {
  /** Who holds what right now. It may take tens of milliseconds and must not reject. */
  identify(): Promise<Fact<ReaderReport[]>>;
  /** Milliseconds since the epoch. */
  now(): number;
}

/** Tells events in their order. A change waits until its holders are named, unless its reader has changed again, which the names would be of. */
export class Teller {
  readonly #ports: NamingPorts;
  readonly #emit: (event: WatchEvent) => void;
  /** The last event of each reader. */
  readonly #newest = new Map<string, WatchEvent>();
  #told: Promise<void> = Promise.resolve();
  #pauseMs: number = NAMING_MS.least;
  #identified: { askedAt: number; readers: Fact<ReaderReport[]> } | null = null;

  constructor(ports: NamingPorts, emit: (event: WatchEvent) => void) {
    this.#ports = ports;
    this.#emit = emit;
  }

  /** @param at when it was seen, ms since the epoch */
  tell(difference: Difference, at: number): void {
    // Names of readers come from devices, and nobody behind this looks at them again.
    const event = sanitize({ at: new Date(at).toISOString(), ...difference } as WatchEvent);
    if ('from' in event) this.#newest.set(event.reader, event);
    // pcscd numbers readers anew when it starts, so names of readers that are gone would pile up.
    if (event.event === 'begin') this.#newest.clear();
    this.#told = this.#told.then(async () => {
      if (isTaking(event)) event.holders = await this.#holdersAfter(event, at);
      this.#emit(event);
    });
  }

  /** When all is told that came so far. */
  async done(): Promise<void> {
    await this.#told;
  }

  /** null: it could not be told, or the reader is no longer as the change left it. */
  async #holdersAfter(change: Change, changedAt: number): Promise<Change['holders']> {
    const isNewest = () => this.#newest.get(change.reader) === change;
    const readers = isNewest() ? await this.#identify(changedAt) : null;
    if (readers !== null) this.#pauseMs = isNewest() ? NAMING_MS.least : Math.min(2 * this.#pauseMs, NAMING_MS.most);
    const reader = readers?.status === 'ok' ? readers.value.find(({ name }) => name === change.reader) : undefined;
    return reader !== undefined && isNewest() && isAsLeft(reader, change) ? reader.holders : null;
  }

  /** Who holds what after `since`, ms since the epoch; null: asked too often. One answer serves all changes before it. */
  async #identify(since: number): Promise<Fact<ReaderReport[]> | null> {
    const now = this.#ports.now();
    if (this.#identified !== null && this.#identified.askedAt >= since) return this.#identified.readers;
    if (this.#identified !== null && now - this.#identified.askedAt < this.#pauseMs) return null;
    const readers = await this.#ports.identify();
    this.#identified = { askedAt: now, readers };
    return readers;
  }
}

const isTaking = (event: WatchEvent): event is Change => 'from' in event && event.to.count !== 0;

function isAsLeft({ sharing }: ReaderReport, { to }: Change): boolean {
  if (to.count === -1) return sharing.mode === 'exclusive';
  return sharing.mode === 'shared' && sharing.handles === to.count;
}
