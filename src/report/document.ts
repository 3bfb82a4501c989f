/** What a report says to eyes, in order, as typed blocks. Every renderer for eyes prints exactly this. */
import { codes } from '../../checks/codes.ts';
import { moduleSentence } from '../derive/loaded-modules.ts';
import { type Block, blank, cells, prose, token, verbatim } from './layout.ts';
import type { CheckOutcome, Finding, Holder, LayerReport, ReaderReport, Remedy, Report } from './schema.ts';
import { type Mark, marks, type Token } from './style.ts';
import { verdict } from './verdict.ts';
import { accessWords, cardWords, clock, count, modeWords, openQuestions, originWords, remedyLabels, whoWords } from './words.ts';

/** How much is said: the verdict alone, what matters, or everything. */
export type Detail = 'verdict' | 'normal' | 'all';

/** Columns of the labels that stand left of a finding's parts. */
const LABEL = 10;
/** Columns right of a reader's name for the card and the sharing state. */
const STATE_WIDTH = 34;

export function reportDocument(report: Report, detail: Detail, width: number): Block[] {
  const last = prose(0, [mark(report.status, report.status), '  ', token(verdict(report), 'strong')], 2);
  if (detail === 'verdict') return [last];
  const all = detail === 'all';
  const sound = report.layers.every((layer) => layer.status === 'ok');
  const sections = [
    readersSection(report, width, all),
    ...(sound && !all ? [] : [layersSection(report.layers)]),
    ...report.findings.map((finding) => findingSection(finding, all)),
    ...(all ? [checksSection(report.checks)] : []),
    openSection(report),
    [last],
  ];
  return sections.filter((section) => section.length > 0).flatMap((section, index) => (index === 0 ? section : [blank, ...section]));
}

const heading = (text: string): Block => prose(0, [token(text, 'strong')]);

/** A mark with its word: never a colour or a symbol alone. */
function mark(kind: Mark, word: string): Token {
  const { symbol, tone } = marks[kind];
  return token(`${symbol} ${word}`, tone);
}

// Readers

function readersSection({ readers, startedAt }: Report, width: number, all: boolean): Block[] {
  if (readers.length === 0) return [heading('Readers'), prose(2, [token('none seen', 'faint')])];
  const longest = Math.max(...readers.map((reader) => cells(reader.name)));
  const nameWidth = Math.min(longest, width - STATE_WIDTH);
  return [heading('Readers'), ...readers.flatMap((reader) => readerBlocks(reader, nameWidth, startedAt, all))];
}

function readerBlocks(reader: ReaderReport, nameWidth: number, startedAt: string, all: boolean): Block[] {
  const state: Token[] = [token(cardWords(reader).padEnd(9)), modeToken(reader)];
  const room = nameWidth - cells(reader.name);
  const head =
    room >= 0
      ? [prose(2, [token(reader.name, 'strong'), token(' '.repeat(room + 2)), ...state], 4)]
      : [prose(2, [token(reader.name, 'strong')], 4), prose(4, state)];
  return [
    ...head,
    ...(all && reader.card.atr !== null ? [prose(4, [token(`ATR ${reader.card.atr}`, 'faint')], 8)] : []),
    ...reader.holders.flatMap((holder) => holderBlocks(holder, startedAt, all)),
    ...(reader.unattributed > 0 ? [prose(4, [mark('unknown', `${count(reader.unattributed, 'connection')} whose process could not be seen`)])] : []),
    ...(all ? probeBlocks(reader) : []),
  ];
}

function modeToken(reader: ReaderReport): Token {
  return token(modeWords(reader), !reader.listed || reader.sharing.mode === 'exclusive' ? 'strong' : 'plain');
}

function holderBlocks(holder: Holder, startedAt: string, all: boolean): Block[] {
  const facts = [accessWords[holder.access], ...(holder.since === null ? [] : [`running since ${clock(holder.since, startedAt)}`]), holder.certainty];
  const origin = originWords(holder, all);
  // Of what is proven one wants to know no more than where to turn it off.
  const evidence = all || holder.certainty !== 'proven' ? holder.evidence : holder.modules.map(moduleSentence);
  return [
    prose(4, [token(holder.command, 'strong'), ` (${whoWords(holder)}): ${facts.join(', ')}`], 6),
    ...(origin === null ? [] : [prose(6, [token(origin, 'faint')], 8)]),
    ...evidence.map((sentence) => prose(6, [token(`- ${sentence}`, 'faint')], 8)),
  ];
}

function probeBlocks({ probes }: ReaderReport): Block[] {
  return Object.entries(probes).flatMap(([mode, probe]) => {
    if (probe === null) return [];
    const code = probe.code === null ? '' : ` ${probe.code} (${probe.hex})`;
    const time = probe.ms === null ? '' : `, ${Math.round(probe.ms)} ms`;
    const reason = probe.reason === null ? '' : `: ${probe.reason}`;
    return [prose(4, [token(`probe ${mode.padEnd(9)} ${probe.outcome}${code}${time}${reason}`, 'faint')], 8)];
  });
}

// Layers

function layersSection(layers: readonly LayerReport[]): Block[] {
  const rungs = layers.map(({ id, status, summary }) => {
    const { symbol, tone } = marks[status];
    const faint = status === 'not-examined';
    return prose(2, [token(symbol, tone), ' ', token(id.padEnd(12), faint ? 'faint' : 'plain'), token(summary, faint ? 'faint' : 'plain')], 16);
  });
  return [heading('Layers'), ...rungs];
}

// Findings

/** What only informs is said in short unless everything is asked for: it must not drown what is to be mended. */
function findingSection(finding: Finding, all: boolean): Block[] {
  const { severity, code, title, subject, message, certainty, evidence, remedies, docs } = finding;
  const long = all || severity !== 'info';
  return [
    prose(0, [mark(severity, severity), '  ', token(`${code} ${title}`, 'strong')], 2),
    prose(2, [token(`${finding.id}, ${subject.kind} ${subject.name}`, 'faint')]),
    prose(2, [message]),
    ...(long ? labelled('Evidence', [token(certainty)], evidence.map((sentence) => prose(LABEL + 2, [`- ${sentence}`], LABEL + 4))) : []),
    ...(long ? remedies.flatMap(remedyBlocks) : []),
    ...labelled('More', [token(docs)], []),
  ];
}

/** A label in its own column and the first words beside it. */
function labelled(label: string, words: Token[], rest: Block[]): Block[] {
  return [prose(2, [token(label.padEnd(LABEL), 'faint'), ...words], LABEL + 2), ...rest];
}

/** The commands carry the edits out, so these are said in words beside them; alone they are what is to be typed. */
function remedyBlocks({ kind, title, edits, commands, price }: Remedy): Block[] {
  const at = LABEL + 2;
  const byHand = commands.length === 0;
  const edited = edits.flatMap(({ file, add, remove }) => [...editBlocks('remove', remove, `from ${file}`, byHand), ...editBlocks('add', add, `to ${file}`, byHand)]);
  return labelled(remedyLabels[kind], [token(title)], [
    ...edited,
    ...commands.map((command) => verbatim(at + 2, command)),
    ...(price === null ? [] : [prose(at, [`Price: ${price}`], at + 7)]),
  ]);
}

function editBlocks(verb: string, lines: readonly string[], where: string, byHand: boolean): Block[] {
  const at = LABEL + 2;
  if (lines.length === 0) return [];
  if (byHand) return [prose(at, [`${verb} ${where}:`]), ...lines.map((line) => verbatim(at + 2, line))];
  // A line of several words would run together with those around it.
  const named = lines.map((line) => (/\s/.test(line) ? `"${line}"` : line));
  return [prose(at, [`(${verb}s ${named.join(' and ')} ${where})`], at + 1)];
}

// What was asked, and what stayed open

const outcomeMarks: Record<CheckOutcome['outcome'], Mark> = {
  pass: 'ok',
  findings: 'error',
  'not-applicable': 'not-examined',
  unknown: 'unknown',
  crashed: 'error',
};

function checksSection(checks: readonly CheckOutcome[]): Block[] {
  const rows = checks.map(({ code, id, outcome, reason }) => {
    const { symbol, tone } = marks[outcomeMarks[outcome]];
    const prosaic = outcome === 'pass' ? passTitle(code) : outcome === 'findings' ? 'see above' : `${outcome.replace('-', ' ')}${reason === undefined ? '' : `: ${reason}`}`;
    return prose(2, [token(symbol, tone), ` ${code} ${id}: ${prosaic}`], 10);
  });
  return [heading('Checks'), ...rows];
}

const passTitle = (code: string): string => (codes as Record<string, { passTitle: string }>)[code]?.passTitle ?? 'sound';

function openSection(report: Report): Block[] {
  const open = [
    ...openQuestions(report).map(({ what, why }) => prose(2, [mark('unknown', what), `: ${why}`], 4)),
    ...(report.suppressed > 0 ? [prose(2, [mark('info', `${count(report.suppressed, 'finding')} suppressed by --suppress`)], 4)] : []),
  ];
  return open.length === 0 ? [] : [heading('Not answered'), ...open];
}
