/** How many changes can have come and gone between two looks: each takes a request, and pcscd's reads are counted. */
import { type OwnReads, ownBetween } from '../pcsc/own-reads.ts';
import type { ReadCount } from '../system/read-counter.ts';

/** At one moment. */
export interface Traffic {
  /** All that pcscd has read. */
  reads: ReadCount;
  /** What this process has asked of it. */
  own: OwnReads;
}

/**
 * What others have made pcscd read between two moments, or a little more.
 * @returns null where reads are not counted: by this kernel, or because this pcscd takes requests in by other calls
 *   than read(2), so that not even our own show
 */
export function readsOfOthers(before: Traffic | null, after: Traffic | null): ReadCount | null {
  if (before === null || after === null) return null;
  const own = ownBetween(before.own, after.own);
  const calls = after.reads.calls - before.reads.calls - own.calls;
  const bytes = after.reads.bytes - before.reads.bytes - own.bytes;
  return calls < 0 || bytes < 0 ? null : { calls, bytes };
}

/**
 * What is undone again before the next look takes two requests of two reads each; the shortest pair is that of a
 * transaction, with 8 + 8 and 8 + 12 bytes (pcsc-lite winscard_msg.h, begin_struct, end_struct).
 */
const PAIR: ReadCount = { calls: 4, bytes: 36 };

/**
 * The most changes that left no trace between two moments. What did leave one counts as well, since a client that
 * dies or a lock that was waited for makes no request at its time; an odd one falls to the ground.
 * @returns null where reads are not counted
 */
export function mostUnseen(before: Traffic | null, after: Traffic | null): number | null {
  const others = readsOfOthers(before, after);
  return others === null ? null : 2 * Math.min(Math.floor(others.calls / PAIR.calls), Math.floor(others.bytes / PAIR.bytes));
}
