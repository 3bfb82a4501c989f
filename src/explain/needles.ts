/**
 * Finds many literals in bytes at once (Wu and Manber, "A fast algorithm for multi-pattern searching", 1994):
 * a table of three-byte blocks says how far the search may jump, so most bytes are never looked at.
 * ASCII case is ignored by setting bit 5 of every byte, on both sides.
 */
const BLOCK = 3;
const TABLE_BITS = 16;
const FOLD = 0x20;

const hashBlock = (a: number, b: number, c: number): number => (((a | FOLD) << 9) ^ ((b | FOLD) << 4) ^ (c | FOLD)) & ((1 << TABLE_BITS) - 1);

/** Takes one literal found; false ends the search. */
export type Found = (id: number, at: number) => boolean | number;

export class Needles {
  readonly #window: number;
  readonly #shift: Uint8Array;
  readonly #buckets = new Map<number, { id: number; bytes: Uint8Array }[]>();

  /**
   * @param words the literals; their position is their id
   * @param window bytes of each literal that are searched for; no literal may be shorter
   */
  constructor(words: readonly string[], window: number) {
    this.#window = window;
    this.#shift = new Uint8Array(1 << TABLE_BITS).fill(window - BLOCK + 1);
    words.forEach((word, id) => this.#add(word, id));
  }

  #add(word: string, id: number): void {
    const bytes = Uint8Array.from(Buffer.from(word), (byte) => byte | FOLD);
    if (bytes.length < this.#window) throw new RangeError(`needle shorter than ${this.#window} bytes: ${word}`);
    for (let end = BLOCK; end <= this.#window; end++) {
      const hash = hashBlock(bytes[end - 3] as number, bytes[end - 2] as number, bytes[end - 1] as number);
      this.#shift[hash] = Math.min(this.#shift[hash] as number, this.#window - end);
      if (end < this.#window) continue;
      const bucket = this.#buckets.get(hash);
      if (bucket === undefined) this.#buckets.set(hash, [{ id, bytes }]);
      else bucket.push({ id, bytes });
    }
  }

  /**
   * Calls `found` for every literal in `bytes[from, to)`, by ascending position; overlapping ones too.
   * @returns true when `found` returned false and so ended the search
   */
  search(bytes: Uint8Array, from: number, to: number, found: Found): boolean {
    const shift = this.#shift;
    const window = this.#window;
    let at = from + window - 1;
    while (at < to) {
      const hash = hashBlock(bytes[at - 2] as number, bytes[at - 1] as number, bytes[at] as number);
      const step = shift[hash] as number;
      if (step > 0) {
        at += step;
        continue;
      }
      if (!this.#verify(bytes, at - window + 1, to, hash, found)) return true;
      at++;
    }
    return false;
  }

  #verify(bytes: Uint8Array, start: number, to: number, hash: number, found: Found): boolean {
    for (const { id, bytes: word } of this.#buckets.get(hash) ?? []) {
      if (start + word.length > to) continue;
      let matched = 0;
      while (matched < word.length && ((bytes[start + matched] as number) | FOLD) === word[matched]) matched++;
      if (matched === word.length && found(id, start) === false) return false;
    }
    return true;
  }
}
