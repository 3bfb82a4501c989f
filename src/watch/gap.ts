import type { Tell } from './watcher.ts';

/** A busy client makes a gap of almost every look, so they are told together, at most once in so many ms. */
const TOGETHER_MS = 1_000;

/** The gaps that have not been told yet. */
export class Gap {
  readonly #tell: Tell;
  #open: { since: number; ms: number; changes: number | null } | null = null;

  constructor(tell: Tell) {
    this.#tell = tell;
  }

  /** @param ms between two looks @param changes the most that came and went in between; null: unknown @param now ms since the epoch */
  add(ms: number, changes: number | null, now: number): void {
    const { since, ms: earlier, changes: counted } = this.#open ?? { since: now, ms: 0, changes: 0 };
    this.#open = { since, ms: earlier + ms, changes: counted === null || changes === null ? null : counted + changes };
  }

  tellIfDue(now: number): void {
    if (this.#open !== null && now - this.#open.since >= TOGETHER_MS) this.tell(now);
  }

  tell(now: number): void {
    if (this.#open === null) return;
    const { ms, changes } = this.#open;
    this.#open = null;
    this.#tell({ event: 'gap', ms, changes }, now);
  }
}
