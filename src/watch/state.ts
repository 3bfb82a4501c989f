import type { Holder } from '../report/schema.ts';
import type { WatchedReader, WatchEvent } from './event.ts';

/** What a live display shows: the readers now, the last events, and how much may be missing. */
export interface WatchState {
  /** null: no pcscd. */
  readers: (WatchedReader & { since: string; holders: Holder[] | null })[] | null;
  log: WatchEvent[];
  /** Changes that went unseen, at most. */
  missed: number;
  /** Looks that came late where nobody counts what that may have hidden. */
  late: number;
  unseen: { what: string; need: string }[];
}

export const emptyState: WatchState = { readers: null, log: [], missed: 0, late: 0, unseen: [] };

/** Events that are kept for the display. */
const LOG_LENGTH = 12;

/** The state after an event; bounded, however long the watch lasts. */
export function after(state: WatchState, event: WatchEvent): WatchState {
  const counted = {
    ...state,
    missed: state.missed + (event.event === 'missed' || event.event === 'gap' ? (event.changes ?? 0) : 0),
    late: state.late + (event.event === 'gap' && event.changes === null ? 1 : 0),
    log: event.event === 'begin' || event.event === 'gap' ? state.log : [...state.log, event].slice(-LOG_LENGTH),
  };
  if (event.event === 'begin') return { ...counted, unseen: event.unseen, readers: event.readers.map((reader) => ({ ...reader, since: event.at, holders: null })) };
  if (event.event === 'pcscd-gone') return { ...counted, readers: null };
  if (state.readers === null || !('reader' in event) || event.reader === null) return counted;
  return { ...counted, readers: readersAfter(state.readers, event) };
}

type ReaderEvent = Extract<WatchEvent, { reader: string | null }>;

function readersAfter(readers: NonNullable<WatchState['readers']>, event: ReaderEvent): NonNullable<WatchState['readers']> {
  if (event.event === 'reader-removed') return readers.filter(({ name }) => name !== event.reader);
  if (event.event === 'reader-added') {
    return [...readers, { name: event.reader, card: event.card, sharing: { count: 0, transaction: false }, since: event.at, holders: null }];
  }
  return readers.map((reader) => {
    if (reader.name !== event.reader) return reader;
    if (event.event === 'card-inserted' || event.event === 'card-removed') return { ...reader, card: event.event === 'card-inserted' };
    return 'to' in event ? { ...reader, sharing: event.to, since: event.at, holders: event.holders } : reader;
  });
}
