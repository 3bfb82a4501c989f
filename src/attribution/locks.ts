import type { ReaderState } from '../snapshot/schema.ts';
import { type OpenedMemory, openProcessMemory, syscallOf } from '../system/process-memory.ts';
import { type Layout, layoutsOf } from './layouts.ts';
import { lookAt, type MemoryImage } from './memory.ts';
import { type ClientContext, readerName, walk } from './walk.ts';

/** By ELF e_machine: where glibc keeps the id of the thread that a pthread_t points to (nptl/descr.h), and the number of clock_nanosleep(2). */
const SLEEP: Readonly<Record<number, { tid: number; clockNanosleep: number }>> = {
  62: { tid: 720, clockNanosleep: 230 },
  183: { tid: 208, clockNanosleep: 115 },
};

const INT = 4;

/** After a search that failed, e.g. because a client was just coming, the next one waits so many polls. */
const PATIENCE = 10;

/**
 * Who owns each reader's lock, read again and again at the place where one validated search found it: a few bytes
 * a reader. The place is searched anew when the readers change.
 */
export class LockReader {
  readonly #pcscd: number;
  #memory: OpenedMemory;
  #found: { layout: Layout; structures: ReadonlyMap<string, number> } | null = null;
  #wait = 0;

  /** @throws SystemError: not root, or the process is gone */
  constructor(pcscd: number) {
    this.#pcscd = pcscd;
    this.#memory = openProcessMemory(pcscd);
  }

  /** hCard of each lock's owner, 0 for none; null when it cannot be told just now. @param table read just before */
  read(table: readonly ReaderState[]): Map<string, number> | null {
    if (this.#found?.structures.size !== table.length) this.#search(table);
    if (this.#found === null) return null;
    const { layout, structures } = this.#found;
    return lookAt(this.#memory, (image) => {
      const locks = new Map<string, number>();
      for (const reader of table) {
        const structure = structures.get(reader.name);
        const lock = structure === undefined || readerName(image, layout, structure) !== reader.name ? 'moved' : lockOf(image, layout, structure, reader.sharing);
        if (lock === 'moved') this.#found = null;
        if (lock === 'moved' || lock === null) return null;
        locks.set(reader.name, lock);
      }
      return locks;
    });
  }

  /** A text that is another one when a lock or a number of handles is another; null when it cannot be told just now. */
  glance(): string | null {
    if (this.#found === null) return null;
    const { layout: { readerContext: { hLockId, contexts } }, structures } = this.#found;
    // hLockId, LockCount and contexts follow each other; a walk's image would read whole pages for them.
    return Array.from(structures.values(), (structure) => this.#memory.read(structure + hLockId, contexts + INT - hLockId)?.toString('hex')).join(' ');
  }

  /**
   * The clients that pcscd keeps waiting: while another owns a lock, it sleeps 100 ms and looks again (pcsc-lite
   * winscard.c, SCardConnect and SCardBeginTransaction), and otherwise it waits for a request. Empty when it cannot be told.
   */
  waiting(table: readonly ReaderState[]): ClientContext[] {
    const sleep = SLEEP[this.#memory.machine];
    const layout = this.#found?.layout;
    if (layout === undefined || sleep === undefined || !this.#reopen()) return [];
    return lookAt(this.#memory, (image) =>
      (walk(image, layout, table)?.contexts ?? []).filter(({ thread }) => {
        const tid = image.u32(thread + sleep.tid);
        return tid !== null && syscallOf(this.#pcscd, tid) === sleep.clockNanosleep;
      }),
    );
  }

  close(): void {
    this.#memory.close();
  }

  #search(table: readonly ReaderState[]): void {
    this.#found = null;
    if (this.#wait-- > 0 || !this.#reopen()) return;
    this.#wait = PATIENCE;
    const fitting = lookAt(this.#memory, (image) =>
      layoutsOf(this.#memory.machine).flatMap((layout) => {
        const holdings = walk(image, layout, table);
        return holdings === null ? [] : [{ layout, structures: new Map(holdings.readers.map(({ name, structure }) => [name, structure])) }];
      }),
    );
    this.#found = fitting.length === 1 ? (fitting[0] ?? null) : null;
  }

  /** Each client that comes brings mappings with it. False when the process is gone. */
  #reopen(): boolean {
    try {
      const memory = openProcessMemory(this.#pcscd);
      this.#memory.close();
      this.#memory = memory;
      return true;
    } catch {
      return false;
    }
  }
}

/** null: a client is connecting or letting go just now. */
function lockOf(image: MemoryImage, { readerContext }: Layout, structure: number, sharing: number): number | null {
  return image.i32(structure + readerContext.contexts) === sharing ? image.u64(structure + readerContext.hLockId) : null;
}
