/**
 * Finds many literals in bytes at once (Wu and Manber, "A fast algorithm for multi-pattern searching", 1994):
 * a table of three-byte blocks says how far the search may jump, so most bytes are never looked at. Of each literal
 * only a window is in the table; the rest is compared where the window is found.
 * ASCII case is ignored.
 */
const BLOCK = 3;
/** Five bits of a byte tell letters apart and not their case; what else falls together is settled by comparing. */
const BITS = 5;
const MASK = (1 << BITS) - 1;
const FOLD = 0x20;

const hashBlock = (a: number, b: number, c: number): number => ((a & MASK) << (2 * BITS)) | ((b & MASK) << BITS) | (c & MASK);

/** Takes one literal found; false ends the search. */
export type Found = (id: number, at: number) => boolean | number;

const bitOf = (byte: number): number => 1 << (byte & MASK);

interface Entry {
  id: number;
  bytes: Uint8Array;
  /** Where in the literal the window is. */
  offset: number;
}

export class Needles {
  readonly #window: number;
  readonly #shift: Uint8Array;
  /** By the hash of a window's last block: which bytes, by their five bits, the window may begin with, and which follow. */
  readonly #first: Uint32Array;
  readonly #second: Uint32Array;
  readonly #buckets: (Entry[] | undefined)[] = new Array<Entry[] | undefined>(1 << (3 * BITS)).fill(undefined);

  /**
   * @param words the literals; their position is their id; null is not searched for
   * @param window bytes of each literal that are searched for; no literal may be shorter
   * @param ordinary text like most of what will be searched: of each literal the window is taken that is least like it
   */
  constructor(words: readonly (string | null)[], window: number, ordinary = '') {
    this.#window = window;
    this.#shift = new Uint8Array(1 << (3 * BITS)).fill(window - BLOCK + 1);
    this.#first = new Uint32Array(1 << (3 * BITS));
    this.#second = new Uint32Array(1 << (3 * BITS));
    const frequency = frequencies(Buffer.from(ordinary));
    words.forEach((word, id) => {
      if (word !== null) this.#add(word, id, frequency);
    });
  }

  #add(word: string, id: number, frequency: Uint16Array): void {
    const bytes = Uint8Array.from(Buffer.from(word), (byte) => byte | FOLD);
    if (bytes.length < this.#window) throw new RangeError(`needle shorter than ${this.#window} bytes: ${word}`);
    const offset = this.#rarestWindow(bytes, frequency);
    for (let end = BLOCK; end <= this.#window; end++) {
      const hash = blockAt(bytes, offset + end);
      this.#shift[hash] = Math.min(this.#shift[hash] as number, this.#window - end);
      if (end < this.#window) continue;
      this.#first[hash] = (this.#first[hash] as number) | bitOf(bytes[offset] as number);
      this.#second[hash] = (this.#second[hash] as number) | bitOf(bytes[offset + 1] as number);
      const bucket = this.#buckets[hash];
      if (bucket === undefined) this.#buckets[hash] = [{ id, bytes, offset }];
      else bucket.push({ id, bytes, offset });
    }
  }

  #rarestWindow(bytes: Uint8Array, frequency: Uint16Array): number {
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let offset = 0; offset + this.#window <= bytes.length; offset++) {
      let cost = 0;
      // The later a block, the shorter the jump it allows.
      for (let end = BLOCK; end <= this.#window; end++) cost += end * (frequency[blockAt(bytes, offset + end)] as number);
      if (cost < least) [best, least] = [offset, cost];
    }
    return best;
  }

  /**
   * Calls `found` for every literal in `bytes[from, to)`, line by line in order.
   * @returns true when `found` returned false and so ended the search
   */
  search(bytes: Uint8Array, from: number, to: number, found: Found): boolean {
    const shift = this.#shift;
    const first = this.#first;
    const second = this.#second;
    const window = this.#window;
    let at = from + window - 1;
    while (at < to) {
      const hash = hashBlock(bytes[at - 2] as number, bytes[at - 1] as number, bytes[at] as number);
      const step = shift[hash] as number;
      if (step > 0) {
        at += step;
        continue;
      }
      const begin = at - window + 1;
      const plausible = ((first[hash] as number) & bitOf(bytes[begin] as number)) !== 0 && ((second[hash] as number) & bitOf(bytes[begin + 1] as number)) !== 0;
      if (plausible && !this.#verify(bytes, from, begin, to, hash, found)) return true;
      at++;
    }
    return false;
  }

  #verify(bytes: Uint8Array, from: number, windowAt: number, to: number, hash: number, found: Found): boolean {
    for (const { id, bytes: word, offset } of this.#buckets[hash] as Entry[]) {
      const start = windowAt - offset;
      if (start < from || start + word.length > to) continue;
      let matched = 0;
      while (matched < word.length && ((bytes[start + matched] as number) | FOLD) === word[matched]) matched++;
      if (matched === word.length && found(id, start) === false) return false;
    }
    return true;
  }
}

/** The block that ends before `end`. */
const blockAt = (bytes: Uint8Array, end: number): number => hashBlock(bytes[end - 3] as number, bytes[end - 2] as number, bytes[end - 1] as number);

function frequencies(text: Uint8Array): Uint16Array {
  const counts = new Uint16Array(1 << (3 * BITS));
  for (let end = BLOCK; end <= text.length; end++) counts[blockAt(text, end)] = (counts[blockAt(text, end)] as number) + 1;
  return counts;
}
