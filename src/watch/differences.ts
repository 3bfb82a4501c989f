import type { ReaderState } from '../snapshot/schema.ts';
import type { Change, Sharing, WatchedReader, WatchEvent } from './event.ts';

/** One look at pcscd. */
export interface Look {
  readers: readonly ReaderState[];
  /** hCard that owns each reader's lock, 0 for none; null where this user may not see it, or not just now. */
  locks: ReadonlyMap<string, number> | null;
}

type Undated<E> = E extends unknown ? Omit<E, 'at'> : never;
export type Difference = Undated<WatchEvent>;

/** What happened between two looks, as far as it can be told; nothing is inferred that did not leave a trace. */
export function differences(before: Look, after: Look): Difference[] {
  const earlier = new Map(before.readers.map((reader) => [reader.name, reader]));
  const later = new Map(after.readers.map((reader) => [reader.name, reader]));
  const gone = before.readers.filter(({ name }) => !later.has(name)).map(({ name }): Difference => ({ event: 'reader-removed', reader: name }));
  const stayed = after.readers.flatMap((reader): Difference[] => {
    const old = earlier.get(reader.name);
    return old === undefined ? arrival(reader, after) : [...cardChanges(old, reader), ...sharingChanges(reader.name, sharingOf(old, before), sharingOf(reader, after), lockChange(reader.name, before, after))];
  });
  return [...gone, ...stayed];
}

export function watchedReader(reader: ReaderState, look: Look): WatchedReader {
  return { name: reader.name, card: reader.present, sharing: sharingOf(reader, look) };
}

/** An exclusive connection owns the lock as well, and that is no transaction. */
function sharingOf({ name, sharing }: ReaderState, { locks }: Look): Sharing {
  const lock = locks?.get(name);
  return { count: sharing, transaction: sharing === -1 || sharing === 0 ? false : lock === undefined ? null : lock !== 0 };
}

/** A reader that appears held has been taken since. */
function arrival(reader: ReaderState, look: Look): Difference[] {
  const free: Sharing = { count: 0, transaction: false };
  return [{ event: 'reader-added', reader: reader.name, card: reader.present }, ...sharingChanges(reader.name, free, sharingOf(reader, look), 'same')];
}

/** pcscd counts every insertion and every removal (READER_STATE.eventCounter). */
function cardChanges(old: ReaderState, { name, present, eventCounter }: ReaderState): Difference[] {
  const seen = old.present === present ? 0 : 1;
  const counted = old.eventCounter === null || eventCounter === null ? seen : Math.max(0, eventCounter - old.eventCounter);
  return [
    ...(counted > seen ? [{ event: 'missed', reader: name, changes: counted - seen, of: 'card' } as const] : []),
    ...(seen === 1 ? [{ event: present ? 'card-inserted' : 'card-removed', reader: name } as const] : []),
  ];
}

type LockChange = 'same' | 'other owner';

function lockChange(reader: string, before: Look, after: Look): LockChange {
  const [old, now] = [before.locks?.get(reader) ?? 0, after.locks?.get(reader) ?? 0];
  return old !== 0 && now !== 0 && old !== now ? 'other owner' : 'same';
}

function sharingChanges(reader: string, from: Sharing, to: Sharing, lock: LockChange): Difference[] {
  const change = (event: Change['event']): Difference => ({ event, reader, from, to, holders: null });
  // The same count with another owner: one let go and the other took it between two looks.
  if (lock === 'other owner' && from.count === to.count) {
    return [{ event: 'missed', reader, changes: 1, of: 'sharing' }, change(to.count === -1 ? 'take' : 'transaction-begin')];
  }
  if (from.count !== to.count) {
    const event = to.count === -1 ? 'take' : from.count === -1 ? 'drop' : to.count > from.count ? 'connect' : 'disconnect';
    return [change(event), ...transactionChange(from, to, change)];
  }
  return transactionChange(from, to, change);
}

function transactionChange(from: Sharing, to: Sharing, change: (event: Change['event']) => Difference): Difference[] {
  if (from.transaction === null || to.transaction === null || from.transaction === to.transaction) return [];
  return [change(to.transaction ? 'transaction-begin' : 'transaction-end')];
}
