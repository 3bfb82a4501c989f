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

/** Parents told unless everything is asked for: whose child it is, mostly an agent, a shell or a desktop. */
const NEAR_PARENTS = 2;

/** "child of gpg-agent (pid 60), in gpg-agent.service, on pts/3"; null: nothing is known that says more than init. */
export function originWords({ parents, unit, terminal }: Pick<Holder, 'parents' | 'unit' | 'terminal'>, all: boolean): string | null {
  const told = all ? parents : parents.slice(0, -1).slice(0, NEAR_PARENTS);
  const words = [
    ...(told.length === 0 ? [] : [`child of ${told.map(({ pid, command }) => `${command} (pid ${pid})`).join(', of ')}`]),
    ...(unit === null ? [] : [`in ${unit}`]),
    ...(terminal === null ? [] : [`on ${terminal}`]),
  ];
  return words.length === 0 ? null : words.join(', ');
}

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
