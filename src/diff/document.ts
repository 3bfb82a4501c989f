/** The differences of two snapshots for eyes. */
import { type Block, blank, prose, token } from '../report/layout.ts';
import { marks, type Token, type Tone } from '../report/style.ts';
import { clock, count } from '../report/words.ts';
import { areas } from './areas.ts';
import type { Change, Side, SnapshotDiff } from './diff.ts';

/** @param names what the user calls the two */
export function diffDocument(diff: SnapshotDiff, names: { a: string; b: string }): Block[] {
  const sections = [
    [sideBlock('A', names.a, diff.a), sideBlock('B', names.b, diff.b)],
    ...areas.map(({ id, title }) => areaSection(title, diff.changes.filter(({ area }) => area === id))),
    unseenSection(diff),
    [lastBlock(diff)],
  ];
  return sections.filter((section) => section.length > 0).flatMap((section, index) => (index === 0 ? section : [blank, ...section]));
}

function sideBlock(letter: string, name: string, { startedAt, tool, system, status, redacted }: Side): Block {
  const circumstances = [clock(startedAt), ...(system === null ? [] : [system]), `cardcheck ${tool}`, ...(redacted ? ['redacted'] : [])].join(', ');
  return prose(0, [token(letter, 'strong'), '  ', statusToken(status), `  ${name} `, token(`(${circumstances})`, 'faint')], 3);
}

const statusToken = (status: Side['status']): Token => token(`${marks[status].symbol} ${status}`, marks[status].tone);

const heading = (text: string): Block => prose(0, [token(text, 'strong')]);

const areaSection = (title: string, changes: readonly Change[]): Block[] => (changes.length === 0 ? [] : [heading(title), ...changes.map(changeBlock)]);

/** As in a diff of files; the legend is in the help. */
const kinds: Record<Change['kind'], { symbol: string; tone: Tone }> = {
  'only-in-a': { symbol: '-', tone: 'plain' },
  'only-in-b': { symbol: '+', tone: 'plain' },
  changed: { symbol: '~', tone: 'plain' },
  'not-comparable': { symbol: '?', tone: 'unknown' },
};

function changeBlock({ kind, what, a, b }: Change): Block {
  const { symbol, tone } = kinds[kind];
  return prose(2, [token(symbol, tone), ' ', token(what, 'strong'), changeWords[kind](a, b)], 4);
}

const said = (words: string | null): string => (words === null || words === '' ? '' : `: ${words}`);

const changeWords: Record<Change['kind'], (a: string | null, b: string | null) => string> = {
  'only-in-a': (a) => said(a),
  'only-in-b': (_, b) => said(b),
  changed: (a, b) => `: ${a || 'set'} → ${b || 'set'}`,
  'not-comparable': (a, b) => `: ${b === null ? `seen in B; A: ${a}` : a === null ? `seen in A; B: ${b}` : `A: ${a}; B: ${b}`}`,
};

function unseenSection({ unseenInBoth }: SnapshotDiff): Block[] {
  if (unseenInBoth.length === 0) return [];
  const title = (id: string) => areas.find((area) => area.id === id)?.title ?? id;
  return [heading('Seen in neither'), ...unseenInBoth.map(({ area, why }) => prose(2, [token('?', 'unknown'), ` ${title(area)}: ${why}`], 4))];
}

function lastBlock({ a, b, same, changes }: SnapshotDiff): Block {
  if (same) return prose(0, [token(`${marks.ok.symbol} same`, 'ok'), '  ', token('No difference in anything cardcheck compares.', 'strong')], 2);
  return prose(0, [statusToken(a.status), ' → ', statusToken(b.status), '  ', token(`${count(changes.length, 'difference')} from A to B.`, 'strong')], 2);
}
