/** Words every rendering of a report shares. */
import type { Holder, ReaderReport, Remedy, Report } from './schema.ts';

export const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;

export function cardWords({ card }: Pick<ReaderReport, 'card'>): string {
  return card.present === null ? 'card ?' : card.present ? 'card' : 'no card';
}

const modes: Record<ReaderReport['sharing']['mode'], string> = { free: 'free', shared: 'shared', exclusive: 'EXCLUSIVE', unknown: 'not known' };

export function modeWords({ listed, sharing: { mode, handles, transaction } }: Pick<ReaderReport, 'listed' | 'sharing'>): string {
  if (!listed) return 'not listed by PC/SC';
  const counted = mode === 'shared' && handles !== null ? `, ${count(handles, 'handle')}` : '';
  return `${modes[mode]}${counted}${transaction === true ? ', in a TRANSACTION' : ''}`;
}

export const accessWords: Record<Holder['access'], string> = {
  exclusive: 'exclusive connection',
  transaction: 'open transaction',
  shared: 'shared handle',
  usb: 'USB interface, below PC/SC',
  unknown: 'access not known',
};

export const remedyLabels: Record<Remedy['kind'], string> = { now: 'Now', lasting: 'For good' };

/** "pid 2035, alice" */
export const whoWords = ({ pid, uid, user }: Pick<Holder, 'pid' | 'uid' | 'user'>): string => `pid ${pid}, ${user ?? `uid ${uid}`}`;

/** Characters of the date in an ISO 8601 time. */
const DATE_LENGTH = 10;

/** "10:22 UTC", with the date where it was another day than `start`'s: the same words wherever a snapshot is read. */
export function clock(iso: string, start = ''): string {
  const [, date, time] = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)/.exec(iso) ?? [];
  return time === undefined ? iso : `${date === start.slice(0, DATE_LENGTH) ? '' : `${date} `}${time} UTC`;
}

/** Questions without an answer: checks by their common reason, then what stayed unseen; one for one thing that would help. */
export function openQuestions({ checks, unseen }: Pick<Report, 'checks' | 'unseen'>): { what: string; why: string }[] {
  const byReason = new Map<string, string[]>();
  for (const { code, id, outcome, reason = '' } of checks) {
    if (outcome !== 'unknown' && outcome !== 'crashed') continue;
    const why = outcome === 'crashed' ? `the check crashed, which is a bug in cardcheck (${reason})` : reason;
    byReason.set(why, [...(byReason.get(why) ?? []), `${code} ${id}`]);
  }
  return [...[...byReason].map(([why, names]) => ({ what: names.join(', '), why })), ...unseen.map(({ what, need }) => ({ what, why: `needs ${need}` }))];
}
