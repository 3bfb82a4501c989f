import type { ReaderState } from '../snapshot/schema.ts';
import { type OpenedMemory, openProcessMemory } from '../system/process-memory.ts';
import { type Layout, layoutsOf } from './layouts.ts';
import { MemoryImage } from './memory.ts';
import { walk } from './walk.ts';

/** After a search that failed, e.g. because a client was just coming, the next one waits so many polls. */
const PATIENCE = 10;

/**
 * Who owns each reader's lock, read again and again at the place where one validated search found it: a few bytes
 * a reader. The place is searched anew when the readers change.
 */
export class LockReader {
  readonly #memory: OpenedMemory;
  #found: { layout: Layout; structures: ReadonlyMap<string, number> } | null = null;
  #wait = 0;

  /** @throws SystemError: not root, or the process is gone */
  constructor(pcscd: number) {
    this.#memory = openProcessMemory(pcscd);
  }

  /** hCard of each lock's owner, 0 for none; null when it cannot be told just now. @param table read just before */
  read(table: readonly ReaderState[]): Map<string, number> | null {
    if (this.#found === null || this.#found.structures.size !== table.length || !table.every(({ name }) => this.#found?.structures.has(name))) this.#search(table);
    if (this.#found === null) return null;
    const { layout, structures } = this.#found;
    const locks = new Map<string, number>();
    for (const { name, sharing } of table) {
      const lock = this.#lockAt((structures.get(name) ?? 0) + layout.readerContext.hLockId, layout, sharing);
      if (lock === null) return null;
      locks.set(name, lock);
    }
    return locks;
  }

  close(): void {
    this.#memory.close();
  }

  /** hLockId, LockCount and contexts stand side by side, so that one read sees them together. */
  #lockAt(address: number, { readerContext }: Layout, sharing: number): number | null {
    const bytes = this.#memory.read(address, readerContext.contexts + 4 - readerContext.hLockId);
    if (bytes === null || bytes.readInt32LE(readerContext.contexts - readerContext.hLockId) !== sharing) return null;
    return Number(bytes.readBigUInt64LE(0));
  }

  #search(table: readonly ReaderState[]): void {
    this.#found = null;
    if (this.#wait-- > 0) return;
    this.#wait = PATIENCE;
    const image = new MemoryImage(this.#memory);
    const fitting = layoutsOf(this.#memory.machine).flatMap((layout) => {
      const holdings = walk(image, layout, table);
      return holdings === null ? [] : [{ layout, structures: new Map(holdings.readers.map(({ name, structure }) => [name, structure])) }];
    });
    this.#found = fitting.length === 1 ? (fitting[0] ?? null) : null;
  }
}
