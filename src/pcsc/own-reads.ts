/**
 * How many reads pcscd needs for what this process asks of it. pcscd reads each request in two: the header, and the
 * body where there is one (pcsc-lite winscard_svc.c, ContextThread; winscard_msg.c, MessageReceive; counted on 1.9.9,
 * 2.3.3 and 2.5.3, which read nothing else while their readers are at rest).
 */
import type { ReadCount } from '../system/read-counter.ts';
import { headerStruct } from './protocol.ts';

/** 32 bits that wrap around: only differences are asked for. */
let counts: Int32Array = new Int32Array(4);
const SENT = 0;
const ANSWERED = 2;

/** From now on threads that share the buffer count together. @param buffer of `shareableCounts` */
export function countTogether(buffer: SharedArrayBuffer): void {
  counts = new Int32Array(buffer);
}

export const shareableCounts = (): SharedArrayBuffer => new SharedArrayBuffer(4 * Int32Array.BYTES_PER_ELEMENT);

/** SCardTransmit and SCardControl: data follows the struct uncounted, and is read apart (pcsc-lite winscard_msg.h, enum pcsc_msg_commands). */
const WITH_DATA = new Set([0x09, 0x0a]);

/** @param message one request or more, whole; one with data comes last */
export function readsOf(message: Buffer): ReadCount {
  let calls = 0;
  for (let at = 0; at < message.length; ) {
    const { size, command } = headerStruct.decode(message, at);
    const hasData = WITH_DATA.has(command);
    calls += 1 + Number(size > 0) + Number(hasData);
    at = hasData ? message.length : at + headerStruct.size + size;
  }
  return { calls, bytes: message.length };
}

const add = (index: number, { calls, bytes }: ReadCount): void => {
  Atomics.add(counts, index, calls);
  Atomics.add(counts, index + 1, bytes);
};
export const countSent = (reads: ReadCount): void => add(SENT, reads);
export const countAnswered = (reads: ReadCount): void => add(ANSWERED, reads);

/** At one moment: what was sent, and the part of it that was answered and hence certainly read. */
export interface OwnReads {
  sent: ReadCount;
  answered: ReadCount;
}

export function ownReads(): OwnReads {
  const at = (index: number): ReadCount => ({ calls: Atomics.load(counts, index), bytes: Atomics.load(counts, index + 1) });
  return { sent: at(SENT), answered: at(ANSWERED) };
}

/** What was certainly read between two moments: answered by the later one, and not sent before the earlier one. */
export function ownBetween(before: OwnReads, after: OwnReads): ReadCount {
  const least = (answered: number, sent: number) => Math.max(0, (answered - sent) | 0);
  return { calls: least(after.answered.calls, before.sent.calls), bytes: least(after.answered.bytes, before.sent.bytes) };
}
