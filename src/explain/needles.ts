/**
 * Finds many literals in bytes at once. Only the words at every fourth address are looked at: seven bytes of a literal,
 * its window, hold exactly one of them, in one of four ways. A table tells by the hash of a word whether it is one of
 * those; few are. Other than in a search that jumps (Wu and Manber's), where to look next does not depend on what is
 * here, so the processor looks at several places at once. The literal as a whole is compared where one of its words is.
 * ASCII case is ignored.
 */
const WORD = 4;
const HASHES = 1 << 16;
/** The bit of a byte in which upper and lower case differ. */
const FOLD = 0x20;

/** In the loops over every word numbers are literal: of a variable of a module the compiler would not know that it is one. */
const hashOf = (word: number, mask: number): number => Math.imul((word | 0x20202020) & mask, 0x9e3779b1) >>> 16;

/** Takes one literal found; false ends the search. */
export type Found = (id: number, at: number) => boolean | void;

/** A literal, and where in it is the word that leads to it. */
interface Entry {
  id: number;
  bytes: Uint8Array;
  offset: number;
}

export class Needles {
  /** Bytes of a word that count: the last ones, so that what lies behind the text is never looked at. */
  readonly #size: number;
  readonly #mask: number;
  /** By the hash of a word: what may follow it, one bit for each value of the next byte's three lowest bits; 0 where no literal has it. */
  readonly #followers = new Uint8Array(HASHES);
  readonly #entries: (Entry[] | undefined)[] = new Array<Entry[] | undefined>(HASHES).fill(undefined);

  /**
   * @param words the literals; their position is their id; null is not searched for
   * @param shortest bytes, at least WORD, that no literal is shorter than; from 7 on whole words are compared
   * @param ordinary text like most of what will be searched: of each literal the window is taken that is least like it
   */
  constructor(words: readonly (string | null)[], shortest: number, ordinary = '') {
    this.#size = Math.min(WORD, shortest - WORD + 1);
    this.#mask = new Int32Array(Uint8Array.from({ length: WORD }, (_, at) => (at < WORD - this.#size ? 0 : 0xff)).buffer)[0] as number;
    const frequency = this.#frequencies(Buffer.from(ordinary));
    words.forEach((word, id) => {
      if (word === null) return;
      const bytes = Uint8Array.from(Buffer.from(word), (byte) => byte | FOLD);
      if (bytes.length < shortest) throw new RangeError(`needle shorter than ${shortest} bytes: ${word}`);
      this.#add(id, bytes, frequency);
    });
  }

  #add(id: number, bytes: Uint8Array, frequency: Uint16Array): void {
    const hashes = this.#hashes(bytes);
    const window = rarestWindow(hashes, frequency);
    for (let offset = window; offset < window + WORD; offset++) {
      const hash = hashes[offset] as number;
      const next = bytes[offset + this.#size];
      this.#followers[hash] = (this.#followers[hash] as number) | (next === undefined ? 0xff : 1 << (next & 7));
      const entries = this.#entries[hash];
      if (entries === undefined) this.#entries[hash] = [{ id, bytes, offset }];
      else entries.push({ id, bytes, offset });
    }
  }

  /** Of the words that begin at each byte, wherever that is in memory. */
  #hashes(bytes: Uint8Array): Uint16Array {
    const word = new Uint8Array(WORD);
    const number = new Int32Array(word.buffer);
    const hashes = new Uint16Array(Math.max(0, bytes.length - this.#size + 1));
    for (let at = 0; at < hashes.length; at++) {
      for (let index = 0; index < this.#size; index++) word[WORD - this.#size + index] = bytes[at + index] as number;
      hashes[at] = hashOf(number[0] as number, this.#mask);
    }
    return hashes;
  }

  #frequencies(text: Uint8Array): Uint16Array {
    const counts = new Uint16Array(HASHES);
    for (const hash of this.#hashes(text)) counts[hash] = (counts[hash] as number) + 1;
    return counts;
  }

  /**
   * Calls `found` for every literal in `bytes[from, to)`, line by line in order; the order in a line depends on where
   * it is in memory.
   * @returns true when `found` returned false and so ended the search
   */
  search(bytes: Uint8Array, from: number, to: number, found: Found): boolean {
    const before = bytes.byteOffset % WORD;
    const words = new Int32Array(bytes.buffer, bytes.byteOffset - before, (before + to) >>> 2);
    let index = (before + from) >>> 2;
    while (index < words.length) {
      index = this.#skip(words, index);
      for (const end = Math.min(index + 4, words.length); index < end; index++) {
        const hash = hashOf(words[index] as number, this.#mask);
        if (this.#followers[hash] !== 0 && !this.#compare(bytes, from, to, index * WORD - before + WORD - this.#size, hash, found)) return true;
      }
    }
    return false;
  }

  /** To the next four words one of which is known, or to the last ones. */
  #skip(words: Int32Array, from: number): number {
    const known = this.#followers;
    const mask = this.#mask;
    let index = from;
    while (index + 3 < words.length && (look(known, words, index, mask) | look(known, words, index + 1, mask) | look(known, words, index + 2, mask) | look(known, words, index + 3, mask)) === 0) index += 4;
    return index;
  }

  #compare(bytes: Uint8Array, from: number, to: number, at: number, hash: number, found: Found): boolean {
    if (at + this.#size < to && (((this.#followers[hash] as number) >>> ((bytes[at + this.#size] as number) & 7)) & 1) === 0) return true;
    for (const { id, bytes: literal, offset } of this.#entries[hash] as Entry[]) {
      const start = at - offset;
      if (start < from || start + literal.length > to) continue;
      let matched = 0;
      while (matched < literal.length && ((bytes[start + matched] as number) | FOLD) === literal[matched]) matched++;
      if (matched === literal.length && found(id, start) === false) return false;
    }
    return true;
  }
}

const look = (known: Uint8Array, words: Int32Array, index: number, mask: number): number => known[hashOf(words[index] as number, mask)] as number;

/** Where the window is whose words are rarest. */
function rarestWindow(hashes: Uint16Array, frequency: Uint16Array): number {
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let offset = 0; offset + WORD <= hashes.length; offset++) {
    let cost = 0;
    for (let at = offset; at < offset + WORD; at++) cost += frequency[hashes[at] as number] as number;
    if (cost < least) [best, least] = [offset, cost];
  }
  return best;
}
