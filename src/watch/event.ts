/** What `cardcheck watch` tells, one line of JSON each. Documented in the README; fields are added freely. */
import type { Holder } from '../report/schema.ts';

/** How a reader is shared at one moment. */
export interface Sharing {
  /** pcscd's own count: -1 exclusive, 0 free, n open handles. */
  count: number;
  /** Somebody is in a transaction; null: not visible for this user. */
  transaction: boolean | null;
}

export interface WatchedReader {
  name: string;
  /** A card is in it. */
  card: boolean;
  sharing: Sharing;
}

/** Who waits; the fields are null where the process is not to be seen. */
export interface WaitingClient {
  pid: number | null;
  user: string | null;
  command: string | null;
}

/**
 * begin: how it is at first, and again after pcscd restarted · take, drop: exclusive access · connect, disconnect:
 * shared handles · transaction-begin, transaction-end · reader-added, reader-removed · card-inserted, card-removed ·
 * blocked, unblocked: a client waits for the end of another's transaction; reader null: on one of several ·
 * pcscd-started, pcscd-gone ·
 * missed: changes that happened unseen, by pcscd's own counters · gap: looks lay `ms` apart in which changes may have
 * come and gone, at most `changes` of them by the requests that pcscd has read meanwhile; null: this user cannot tell.
 * `holders` are those after the change, not who made it; null: nobody, or changes came too fast to tell.
 */
export type WatchEvent = { at: string } & (
  | { event: 'begin'; readers: WatchedReader[]; resolutionMs: { quiet: number; busy: number }; unseen: { what: string; need: string }[] }
  | { event: 'take' | 'drop' | 'connect' | 'disconnect' | 'transaction-begin' | 'transaction-end'; reader: string; from: Sharing; to: Sharing; holders: Holder[] | null }
  | { event: 'reader-added'; reader: string; card: boolean }
  | { event: 'reader-removed' | 'card-inserted' | 'card-removed'; reader: string }
  | { event: 'blocked' | 'unblocked'; reader: string | null; client: WaitingClient }
  | { event: 'missed'; reader: string; changes: number; of: 'card' | 'sharing' }
  | { event: 'gap'; ms: number; changes: number | null }
  | { event: 'pcscd-started' | 'pcscd-gone'; reason: string }
);

export type Change = Extract<WatchEvent, { from: Sharing }>;
