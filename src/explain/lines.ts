import { mayHaveMarkup, textOf, withoutMarkup } from './markup.ts';
import { Needles } from './needles.ts';
import { beginsAnew, Paragraphs } from './paragraphs.ts';

const NEWLINE = 0x0a;
/** Bytes of one line that are looked at together; what is longer is treated in pieces. */
export const MAX_LINE = 16_384;

/** Bytes of a line that is remembered for the next. */
const LONGEST_BEFORE = 256;
/** Nobody pastes more than this by hand, in bytes: what is longer is a log. */
const PASTE = 4 << 20;

/**
 * Takes the lines that deserve a look. `hits` are the ids of the needles in the line as they begin there, with
 * repetitions; `previous` gets the line before, as far as it is still there.
 */
export interface LineReader {
  line(bytes: Uint8Array, number: number, hits: readonly number[], previous: () => Uint8Array | null): void;
  /** While true every line is handed over, with or without a needle. */
  readonly attentive: boolean;
}

/**
 * Cuts a stream of bytes into lines and hands those with a needle to the reader. Holds at most one
 * unfinished line of MAX_LINE bytes, whatever is fed: binary data, no newline at all, chunks of any size.
 */
export class LineSplitter {
  #needles: Needles;
  readonly #bulk: () => Needles;
  readonly #reader: LineReader;
  /** Joined sentences are handed over at the end, so that it does not matter how the input was cut; a paste holds few. */
  readonly #joined: { text: string; number: number }[] = [];
  readonly #paragraphs = new Paragraphs((text, number) => void this.#joined.push({ text, number }));
  #left = PASTE;
  #tail: Buffer = Buffer.alloc(0);
  #number = 1;
  /** The last line of what was looked at before, as far as it fits; null after one that was cut into pieces. */
  #before: Buffer | null = null;

  /** @param bulk what is still looked for behind the first PASTE bytes */
  constructor(needles: Needles, bulk: () => Needles, reader: LineReader) {
    this.#needles = needles;
    this.#bulk = bulk;
    this.#reader = reader;
  }

  push(chunk: Buffer): void {
    if (this.#left > 0 && chunk.length > this.#left) {
      const rest = chunk.subarray(this.#left);
      this.push(chunk.subarray(0, this.#left));
      return this.push(rest);
    }
    this.#left -= chunk.length;
    if (this.#left < 0) this.#needles = this.#bulk();
    const last = chunk.lastIndexOf(NEWLINE);
    if (last === -1) return this.#keep(chunk);
    let from = 0;
    if (this.#tail.length > 0) {
      from = chunk.indexOf(NEWLINE) + 1;
      this.#scan(Buffer.concat([this.#tail, chunk.subarray(0, from)]));
    }
    this.#tail = Buffer.alloc(0);
    if (from <= last) this.#scan(chunk.subarray(from, last + 1));
    this.#keep(chunk.subarray(last + 1));
  }

  /** @returns how many lines there were */
  finish(): number {
    const unfinished = this.#tail.length > 0;
    this.#scan(this.#tail);
    this.#tail = Buffer.alloc(0);
    this.#paragraphs.end();
    if (!this.#reader.attentive) for (const { text, number } of this.#joined) this.#handParagraph(text, number);
    return unfinished ? this.#number : this.#number - 1;
  }

  #keep(rest: Buffer): void {
    const joined = this.#tail.length === 0 ? Buffer.from(rest) : Buffer.concat([this.#tail, rest]);
    let from = 0;
    for (; joined.length - from > MAX_LINE; from += MAX_LINE) this.#scan(joined.subarray(from, from + MAX_LINE));
    this.#tail = from === 0 ? joined : Buffer.from(joined.subarray(from));
  }

  /** Everything in `bytes` is whole lines, or a piece of one that is too long. */
  #scan(bytes: Buffer): void {
    const first = this.#number;
    const isPaste = this.#left >= 0;
    const isFormatted = isPaste && mayHaveMarkup(bytes);
    let at = 0;
    while (at < bytes.length) at = isFormatted || this.#reader.attentive ? this.#nextLine(bytes, at, isFormatted) : this.#nextHits(bytes, at);
    if (isPaste) this.#readParagraphs(bytes, first);
    this.#before = lastLine(bytes);
  }

  /** Sentences are broken where the margin was, needles are not. */
  #readParagraphs(bytes: Buffer, first: number): void {
    let number = first;
    for (let from = 0; from < bytes.length; number++) {
      const newline = bytes.indexOf(NEWLINE, from);
      const end = newline === -1 ? bytes.length : newline;
      // Hardly a line of a log gets further than this.
      if (beginsAnew(bytes[from]) && beginsAnew(bytes[end + 1])) this.#paragraphs.end();
      else this.#paragraphs.line(end - from > LONGEST_BEFORE ? '' : withoutMarkup(textOf(bytes.subarray(from, end))), number);
      from = end + 1;
    }
  }

  #handParagraph(text: string, number: number): void {
    const joined = Buffer.from(text);
    const hits = this.#find(joined, 0, joined.length);
    if (hits.length > 0) this.#reader.line(joined, number, hits, () => null);
  }

  #find(bytes: Buffer, from: number, end: number): number[] {
    const hits = new Hits();
    this.#needles.search(bytes, from, end, (id, at) => hits.add(id, at));
    return hits.ids;
  }

  #nextLine(bytes: Buffer, from: number, isFormatted: boolean): number {
    const newline = bytes.indexOf(NEWLINE, from);
    const end = newline === -1 ? bytes.length : newline;
    const hits = this.#find(bytes, from, end);
    if (isFormatted && mayHaveMarkup(bytes.subarray(from, end))) {
      const words = Buffer.from(withoutMarkup(textOf(bytes.subarray(from, Math.min(end, from + MAX_LINE)))));
      hits.push(...this.#find(words, 0, words.length));
    }
    if (hits.length === 0 && !this.#reader.attentive) {
      if (newline === -1) return bytes.length;
      this.#number++;
      return newline + 1;
    }
    this.#hand(bytes, from, end, hits);
    if (newline === -1) return bytes.length;
    this.#number++;
    return newline + 1;
  }

  /** Searches on until the reader wants every line, or to the end. */
  #nextHits(bytes: Buffer, from: number): number {
    let counted = from;
    let start = 0;
    let end = -1;
    let hits = new Hits();
    const flush = () => {
      if (hits.ids.length === 0) return;
      this.#number += countNewlines(bytes, counted, start);
      this.#hand(bytes, start, end, hits.ids);
      hits = new Hits();
      counted = Math.min(end + 1, bytes.length);
      if (counted > end) this.#number++;
    };
    const stop = this.#needles.search(bytes, from, bytes.length, (id, at) => {
      if (at >= end) {
        flush();
        if (this.#reader.attentive) return false;
        for (start = at; start > from && bytes[start - 1] !== NEWLINE; ) start--;
        const newline = bytes.indexOf(NEWLINE, at);
        end = newline === -1 ? bytes.length : newline;
      }
      hits.add(id, at);
      return true;
    });
    if (!stop) flush();
    // The reader became attentive at the line that ends here: go on behind it.
    const next = this.#reader.attentive ? Math.min(end + 1, bytes.length) : bytes.length;
    this.#number += countNewlines(bytes, counted, next);
    return next;
  }

  #hand(bytes: Buffer, from: number, end: number, hits: readonly number[]): void {
    const previous = () => (from === 0 ? this.#before : lastLine(bytes.subarray(0, from)));
    for (let at = from; at === from || at < end; at += MAX_LINE) this.#reader.line(bytes.subarray(at, Math.min(end, at + MAX_LINE)), this.#number, hits, previous);
  }
}

/** The needles of one line by where they begin, and there by their ids: in what order they are found depends on how the input was cut. */
class Hits {
  readonly ids: number[] = [];
  readonly #starts: number[] = [];

  add(id: number, start: number): void {
    let place = this.ids.length;
    for (; place > 0; place--) {
      const beforeId = this.ids[place - 1] as number;
      const before = this.#starts[place - 1] as number;
      if (before < start || (before === start && beforeId < id)) break;
      this.ids[place] = beforeId;
      this.#starts[place] = before;
    }
    this.ids[place] = id;
    this.#starts[place] = start;
  }
}

/** A copy of the line that ends these bytes; null where they end in the middle of one or it is long. */
function lastLine(bytes: Buffer): Buffer | null {
  if (bytes.at(-1) !== NEWLINE) return null;
  const start = bytes.length === 1 ? 0 : bytes.lastIndexOf(NEWLINE, bytes.length - 2) + 1;
  return bytes.length - start > LONGEST_BEFORE ? null : Buffer.from(bytes.subarray(start, -1));
}

/** Newlines in `bytes[from, to)`; large stretches sixteen bytes at a time. */
export function countNewlines(bytes: Uint8Array, from: number, to: number): number {
  const aligned = from + ((4 - ((bytes.byteOffset + from) % 4)) % 4);
  if (to - aligned < 64) return countSingly(bytes, from, to);
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + aligned, ((to - aligned) >>> 4) * 4);
  return countSingly(bytes, from, aligned) + countInWords(words) + countSingly(bytes, aligned + words.length * 4, to);
}

function countSingly(bytes: Uint8Array, from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; at++) if (bytes[at] === NEWLINE) count++;
  return count;
}

/** @param words a multiple of four */
function countInWords(words: Int32Array): number {
  let others = 0;
  for (let index = 0; index < words.length; ) {
    let sums = 0;
    // No byte of the sums may overflow.
    for (const end = Math.min(words.length, index + 252); index < end; index += 4) {
      sums += othersIn(words[index] as number) + othersIn(words[index + 1] as number) + othersIn(words[index + 2] as number) + othersIn(words[index + 3] as number);
    }
    const pairs = (sums & 0x00ff00ff) + ((sums >>> 8) & 0x00ff00ff);
    others += (pairs & 0xffff) + (pairs >>> 16);
  }
  return words.length * 4 - others;
}

/** In each byte 1 where that of the word is no newline: where it is, all bits of `rest` are 0, and nothing reaches the highest. */
function othersIn(word: number): number {
  const rest = word ^ 0x0a0a0a0a;
  return ((((rest & 0x7f7f7f7f) + 0x7f7f7f7f) | rest) >>> 7) & 0x01010101;
}
