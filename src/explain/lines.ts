import { Needles } from './needles.ts';

const NEWLINE = 0x0a;
/** Bytes of one line that are looked at together; what is longer is treated in pieces. */
export const MAX_LINE = 16_384;

/** Takes the lines that deserve a look. `hits` are the ids of the needles in the line, unsorted, with repetitions. */
export interface LineReader {
  line(bytes: Uint8Array, number: number, hits: readonly number[]): void;
  /** While true every line is handed over, with or without a needle. */
  readonly attentive: boolean;
}

/**
 * Cuts a stream of bytes into lines and hands those with a needle to the reader. Holds at most one
 * unfinished line of MAX_LINE bytes, whatever is fed: binary data, no newline at all, chunks of any size.
 */
export class LineSplitter {
  readonly #needles: Needles;
  readonly #reader: LineReader;
  #tail: Buffer = Buffer.alloc(0);
  #number = 1;

  constructor(needles: Needles, reader: LineReader) {
    this.#needles = needles;
    this.#reader = reader;
  }

  push(chunk: Buffer): void {
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
    let at = 0;
    while (at < bytes.length) at = this.#reader.attentive ? this.#nextLine(bytes, at) : this.#nextHits(bytes, at);
  }

  #nextLine(bytes: Buffer, from: number): number {
    const newline = bytes.indexOf(NEWLINE, from);
    const end = newline === -1 ? bytes.length : newline;
    const hits: number[] = [];
    this.#needles.search(bytes, from, end, (id) => hits.push(id));
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
    let hits: number[] = [];
    const flush = () => {
      if (hits.length === 0) return;
      this.#number += countNewlines(bytes, counted, start);
      counted = start;
      this.#hand(bytes, start, end, hits);
      hits = [];
    };
    const stop = this.#needles.search(bytes, from, bytes.length, (id, at) => {
      if (at >= end) {
        flush();
        if (this.#reader.attentive) return false;
        start = Math.max(bytes.lastIndexOf(NEWLINE, at) + 1, from);
        const newline = bytes.indexOf(NEWLINE, at);
        end = newline === -1 ? bytes.length : newline;
      }
      hits.push(id);
      return true;
    });
    if (!stop) flush();
    // The reader became attentive at the line that ends here: go on behind it.
    const next = this.#reader.attentive ? Math.min(end + 1, bytes.length) : bytes.length;
    this.#number += countNewlines(bytes, counted, next);
    return next;
  }

  #hand(bytes: Buffer, from: number, end: number, hits: readonly number[]): void {
    for (let at = from; at === from || at < end; at += MAX_LINE) this.#reader.line(bytes.subarray(at, Math.min(end, at + MAX_LINE)), this.#number, hits);
  }
}

/** Newlines in `bytes[from, to)`. Four bytes at a time: a byte of `word ^ 0x0a0a0a0a` that is zero is a newline. */
export function countNewlines(bytes: Uint8Array, from: number, to: number): number {
  let count = 0;
  let at = from;
  for (; at < to && (bytes.byteOffset + at) % 4 !== 0; at++) if (bytes[at] === NEWLINE) count++;
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset + at, Math.max(0, to - at) >>> 2);
  for (let index = 0; index < words.length; index++) {
    const word = (words[index] as number) ^ 0x0a0a0a0a;
    const zeros = ~(((word & 0x7f7f7f7f) + 0x7f7f7f7f) | word | 0x7f7f7f7f);
    if (zeros !== 0) count += Math.imul(zeros >>> 7, 0x01010101) >>> 24;
  }
  for (at += words.length * 4; at < to; at++) if (bytes[at] === NEWLINE) count++;
  return count;
}
