import type { Difference, Look } from './differences.ts';
import type { WaitingClient } from './event.ts';
import type { Lookout } from './watcher.ts';

/**
 * Between looks for waiting clients, and before the first at a lock, ms: pcscd itself looks every 100 ms whether the
 * lock is free, and most transactions are over before that.
 */
const LOOK_MS = 200;

interface Waiting {
  client: WaitingClient;
  reader: string | null;
  /** Told; a first sight alone may be a client that just passes by. */
  told: boolean;
}

/** Who waits for the end of a transaction. Costs something only while one is open. */
export class Blockade {
  readonly #lookout: Lookout;
  #waiting = new Map<string, Waiting>();
  /** Of the last look, or when the locks began to be as they are. */
  #lookedAt = Number.NEGATIVE_INFINITY;
  #locks = '';

  constructor(lookout: Lookout) {
    this.#lookout = lookout;
  }

  /** @param now ms since the epoch */
  async differences(look: Look, now: number): Promise<Difference[]> {
    const locked = look.readers.filter(({ name, sharing }) => sharing > 0 && (look.locks?.get(name) ?? 0) !== 0);
    const locks = locked.map(({ name }) => `${name}:${look.locks?.get(name)}`).join();
    if (locks !== this.#locks) this.#lookedAt = now;
    this.#locks = locks;
    if ((locked.length === 0 && this.#waiting.size === 0) || (locked.length > 0 && now - this.#lookedAt < LOOK_MS)) return [];
    this.#lookedAt = now;
    const found = locked.length === 0 ? new Map<string, WaitingClient>() : await this.#lookout.findBlocked(look.readers);
    const reader = locked.length === 1 ? (locked[0]?.name ?? null) : null;
    const before = this.#waiting;
    this.#waiting = new Map([...found].map(([key, client]) => [key, { client, reader: before.get(key)?.reader ?? reader, told: before.has(key) }]));
    const freed = [...before].filter(([key, { told }]) => told && !found.has(key)).map(([, one]) => one);
    const blocked = [...this.#waiting].filter(([key, { told }]) => told && before.get(key)?.told === false).map(([, one]) => one);
    return [
      ...freed.map(({ client, reader: on }): Difference => ({ event: 'unblocked', reader: on, client })),
      ...blocked.map(({ client, reader: on }): Difference => ({ event: 'blocked', reader: on, client })),
    ];
  }
}
