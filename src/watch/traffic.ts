/** How many changes can have come and gone between two looks: each takes a request, and pcscd's reads are counted. */
import { type OwnReads, ownBetween } from '../pcsc/own-reads.ts';
import type { ReadCount } from '../system/read-counter.ts';
import type { Difference } from './differences.ts';

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

/** What a request costs pcscd to read. */
const requests = {
  /** A client that hung up. */
  hangUp: { calls: 1, bytes: 0 },
  /** The table of readers, and to wait for its changes. */
  header: { calls: 1, bytes: 8 },
  beginTransaction: { calls: 2, bytes: 16 },
  /** SCardEndTransaction and SCardDisconnect; SCardEstablishContext and the version are as long. */
  end: { calls: 2, bytes: 20 },
  reconnect: { calls: 2, bytes: 32 },
  connect: { calls: 2, bytes: 160 },
  attribute: { calls: 2, bytes: 288 },
} as const satisfies Record<string, ReadCount>;
/** SCardTransmit and SCardControl: header, struct and data of any length. */
const LEAST_DATA: ReadCount = { calls: 3, bytes: 33 };

/** What is done and undone again before the next look: a transaction, or a handle. */
const transaction: ReadCount = { calls: 4, bytes: requests.beginTransaction.bytes + requests.end.bytes };
const handle: ReadCount = { calls: 4, bytes: requests.connect.bytes + requests.end.bytes };

/** Beyond so many calls there are so many ways to make them up that the shortest pairs are assumed. */
const MAX_CALLS = 24;

/**
 * The most changes that left no trace between two moments: in pairs, because what left none was undone, and only as
 * many as the count of calls and of bytes can be made up with (sizes: pcsc-lite winscard_msg.h). A request that pcscd
 * took long over was read before its time, so that beside such a one a pair may be overlooked.
 * @param seen requests behind the changes that did leave a trace
 * @returns null where reads are not counted
 */
export function mostUnseen(before: Traffic | null, after: Traffic | null, seen: readonly Difference[] = []): number | null {
  const others = readsOfOthers(before, after);
  if (others === null) return null;
  const left = seen.flatMap(requestOf).reduce((sum, one) => (sum.calls < one.calls || sum.bytes < one.bytes ? sum : minus(sum, one)), others);
  const most = Math.min(Math.floor(left.calls / transaction.calls), Math.floor(left.bytes / transaction.bytes));
  if (left.calls > MAX_CALLS) return 2 * most;
  const mayBe = (pairs: number) => upTo(pairs).some((handles) => canBe(minus(minus(left, handle, handles), transaction, pairs - handles)));
  return 2 * (upTo(most).findLast(mayBe) ?? 0);
}

const upTo = (most: number): number[] => Array.from({ length: most + 1 }, (_, number) => number);

/** Those that begin something: what ends it may have been the death of a client. */
function requestOf(difference: Difference): ReadCount[] {
  if (difference.event === 'take' || difference.event === 'connect') return [requests.connect];
  return difference.event === 'transaction-begin' ? [requests.beginTransaction] : [];
}

const minus = (one: ReadCount, other: ReadCount, times = 1): ReadCount => ({ calls: one.calls - times * other.calls, bytes: one.bytes - times * other.bytes });

/** Whether some requests take exactly so many calls and bytes. */
function canBe({ calls, bytes }: ReadCount): boolean {
  if (calls === 0) return bytes === 0;
  if (bytes < 0) return false;
  if (calls >= LEAST_DATA.calls && bytes >= LEAST_DATA.bytes) return true;
  return Object.values(requests).some((one) => one.calls <= calls && canBe(minus({ calls, bytes }, one)));
}
