/**
 * Another process's memory, read-only, as the walk over pcscd's structures needs it: which parts may hold
 * the structures, and the bytes at an address. The real one reads /proc/PID/mem, which does not stop the process.
 */
export interface ProcessMemory {
  readonly mappings: readonly Mapping[];
  /** The bytes at an address, or null where nothing is mapped or the process is gone. @param into takes them, and is as long */
  read(address: number, length: number, into?: Buffer): Buffer | null;
}

export interface Mapping {
  start: number;
  /** First address after it. */
  end: number;
  /** `data`: variables of the program itself (.data, .bss), where a search may begin; `heap`: everything else that it writes. */
  kind: 'data' | 'heap';
}

const PAGE = 4096;

/** A walk that needs more has lost its way. */
export const MAX_BYTES = 64 * 1024 * 1024;

/** Pages of views that are done with. What lies outside of V8's heap stays there long after it was thrown away, and `watch` takes many views. */
const spare: Buffer[] = [];
const MAX_SPARE = 512;

/**
 * One walk's view of the memory: every page is read once, so that a walk never sees two states of one page,
 * and only inside writable mappings. Pointers and numbers are little-endian, as on every supported architecture.
 */
export class MemoryImage {
  readonly #memory: ProcessMemory;
  readonly #pages = new Map<number, Buffer | null>();
  #budget: number;

  constructor(memory: ProcessMemory, budget = MAX_BYTES) {
    this.#memory = memory;
    this.#budget = budget;
  }

  /** Every address at which a variable of the program may begin that holds a pointer. */
  *dataAddresses(): Iterable<number> {
    for (const { start, end } of this.#memory.mappings.filter(({ kind }) => kind === 'data')) {
      for (let address = start; address < end; address += 8) yield address;
    }
  }

  /** Whether something may be stored there. */
  holds(address: number): boolean {
    return this.#memory.mappings.some(({ start, end }) => address >= start && address < end);
  }

  u32(address: number): number | null {
    return this.bytes(address, 4)?.readUInt32LE(0) ?? null;
  }

  i32(address: number): number | null {
    return this.bytes(address, 4)?.readInt32LE(0) ?? null;
  }

  /** A pointer or an unsigned long; null where it is unreadable or exceeds what an address can be. */
  u64(address: number): number | null {
    const bytes = this.bytes(address, 8);
    // Without BigInt, which a walk of some thousand pointers spends half its time in.
    const value = bytes === null ? Number.NaN : bytes.readUInt32LE(4) * 2 ** 32 + bytes.readUInt32LE(0);
    return value <= Number.MAX_SAFE_INTEGER ? value : null;
  }

  /** A zero-terminated string of at most `limit` bytes before its zero. */
  string(address: number, limit: number): string | null {
    let text = Buffer.alloc(0);
    while (text.length <= limit) {
      const rest = this.bytes(address + text.length, PAGE - ((address + text.length) % PAGE));
      if (rest === null) return null;
      const zero = rest.indexOf(0);
      if (zero !== -1) {
        const length = text.length + zero;
        return length > limit ? null : Buffer.concat([text, rest.subarray(0, zero)]).toString('utf8');
      }
      text = Buffer.concat([text, rest]);
    }
    return null;
  }

  bytes(address: number, length: number): Buffer | null {
    const first = address - (address % PAGE);
    const page = this.#page(first);
    if (page === null) return null;
    const offset = address - first;
    if (offset + length <= page.length) return page.subarray(offset, offset + length);
    const rest = this.bytes(first + PAGE, offset + length - PAGE);
    return rest === null ? null : Buffer.concat([page.subarray(offset), rest]);
  }

  #page(start: number): Buffer | null {
    const known = this.#pages.get(start);
    if (known !== undefined) return known;
    const readable = this.holds(start) && this.#budget >= PAGE;
    const page = readable ? this.#memory.read(start, PAGE, spare.pop()) : null;
    if (readable) this.#budget -= PAGE;
    const whole = page !== null && page.length === PAGE ? page : null;
    this.#pages.set(start, whole);
    return whole;
  }

  /** The end of this view and of every Buffer that `bytes` has given. */
  release(): void {
    for (const page of this.#pages.values()) if (page !== null && spare.length < MAX_SPARE) spare.push(page);
    this.#pages.clear();
  }
}

/** One look at the memory. What `use` gives back must not be a Buffer of the image's. @param budget bytes at most */
export function lookAt<T>(memory: ProcessMemory, use: (image: MemoryImage) => T, budget = MAX_BYTES): T {
  const image = new MemoryImage(memory, budget);
  try {
    return use(image);
  } finally {
    image.release();
  }
}
