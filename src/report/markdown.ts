/** The report as Markdown for a bug tracker. Everything in it may come from outside, so nothing of it is Markdown but what is written here. */
import { moduleSentence } from '../derive/loaded-modules.ts';
import type { Facts, Snapshot } from '../snapshot/schema.ts';
import { tool } from '../tool.ts';
import { placeOf, settingsOf, textOf } from './configuration.ts';
import { reachWords } from './layers.ts';
import type { Finding, ReaderReport, Remedy, Report } from './schema.ts';
import { marks } from './style.ts';
import { verdict } from './verdict.ts';
import { versionsOf } from './versions.ts';
import { accessWords, cardWords, clock, count, modeWords, openQuestions, remedyLabels, whoWords } from './words.ts';

/** Zero-width space: what stands before and after it is no longer one word, and looks the same. */
const BREAK = '&#8203;';

/**
 * Text as text: no markup, HTML, table cell, mathematics or entity (CommonMark 0.31 §2.4, GitHub Flavored Markdown
 * §4.10), and nothing a tracker turns into a link by itself: mentions, issue numbers, addresses. Those are looked
 * for after backslashes and entities have been resolved, which is why they are broken up.
 */
export function escapeText(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/[\\`*[\]{}<>~$!&#]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, '\\$&')
    .replaceAll('|', '&#124;')
    .replace(/@/g, `@${BREAK}`)
    .replace(/\\#(?=\d)|GH-(?=\d)/gi, `$&${BREAK}`)
    .replace(/:(?=\/\/)|(?:www|mailto|xmpp)(?=[.:])/gi, `$&${BREAK}`)
    // Only at its beginning is it a list, a heading's underline or a rule.
    .replace(/^(\d*)([-+=]|(?<=\d)[.)](?=\s|$))/, '$1\\$2');
}

const longestRun = (text: string): number => Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));

/** Text as code, in a line: the fence is longer than any in it (CommonMark 0.31 §6.1). Not for table cells, where a pipe would end it. */
export function codeSpan(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  if (line.trim() === '') return '(empty)';
  const fence = '`'.repeat(longestRun(line) + 1);
  const pad = /^[ `]|[ `]$/.test(line) ? ' ' : '';
  return fence + pad + line + pad + fence;
}

/** Lines as they are, to be copied. */
export function codeBlock(lines: readonly string[], language = ''): string {
  const text = lines.map((line) => line.replace(/[\r\n]+/g, ' ')).join('\n');
  const fence = '`'.repeat(Math.max(3, longestRun(text) + 1));
  return `${fence}${language}\n${text}\n${fence}`;
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (row: readonly string[]) => `| ${row.join(' | ')} |`;
  return [heads, heads.map(() => '---'), ...rows.map((row) => row.map(escapeText))].map(line).join('\n');
}

const bullets = (items: readonly string[]): string => items.map((item) => `- ${item}`).join('\n');

/** A part of the report, or nothing where it would be empty. */
const section = (heading: string, body: string): string[] => (body === '' ? [] : [`### ${heading}`, body]);

/**
 * @param snapshot the one the report was made of
 * @param full also every check's outcome and the snapshot itself, folded
 */
export function renderMarkdown(report: Report, snapshot: Snapshot, full: boolean): string {
  const blocks = [
    `**${marks[report.status].symbol} ${report.status}: ${escapeText(verdict(report))}**`,
    escapeText(circumstances(report, snapshot)),
    ...section('Readers', readers(report)),
    ...section('Findings', report.findings.map(finding).join('\n\n')),
    ...section('Versions', table(['Part', 'Version'], versionsOf(snapshot.facts).map(({ part, words }) => [part, words]))),
    ...section('Configuration in force', configuration(snapshot.facts)),
    ...section('What stayed unseen', bullets(openQuestions(report).map(({ what, why }) => escapeText(`${what}: ${why}`)))),
    ...(full ? [folded('Every check', checks(report)), folded('Snapshot, for cardcheck --from', codeBlock([JSON.stringify(snapshot)], 'json'))] : []),
  ];
  return `${blocks.join('\n\n')}\n`;
}

/** When, by whom and how it was seen: without it nobody can weigh what follows. */
function circumstances({ host, startedAt }: Report, { tool: taker, redacted, options }: Snapshot): string {
  const version = taker.version === tool.version ? `cardcheck ${tool.version}` : `cardcheck ${taker.version} (examined by ${tool.version})`;
  const user = host.root === null ? '' : host.root ? ', as root' : ', as an ordinary user';
  return [
    `Seen ${clock(startedAt)} by ${version}${user}${options.passive ? ', without a connect to any card' : ''}.`,
    redacted ? 'Names of users and hosts, homes, serial numbers and arguments of programs are replaced.' : 'Nothing in it is replaced: it may name people and serial numbers.',
  ].join(' ');
}

function readers({ readers: all, startedAt }: Report): string {
  if (all.length === 0) return 'None seen.';
  return table(['Reader', 'Card', 'Sharing', 'Held by'], all.map((reader) => [reader.name, cardWords(reader), modeWords(reader), holders(reader, startedAt)]));
}

function holders({ holders: seen, unattributed }: ReaderReport, startedAt: string): string {
  const named = seen.map((holder) => {
    const modules = holder.modules.map((module) => ` ${moduleSentence(module)}`).join('');
    const since = holder.since === null ? '' : `, running since ${clock(holder.since, startedAt)}`;
    return `${holder.command} (${whoWords(holder)}): ${accessWords[holder.access]}${since}, ${holder.certainty}${modules === '' ? '' : `.${modules}`}`;
  });
  return [...named, ...(unattributed > 0 ? [`${count(unattributed, 'connection')} whose process could not be seen`] : [])].join('; ') || 'nobody';
}

function finding({ severity, code, id, title, subject, certainty, message, evidence, remedies }: Finding): string {
  return [
    `#### ${marks[severity].symbol} ${severity} ${code}: ${escapeText(title)}`,
    `${codeSpan(id)}, ${subject.kind} ${codeSpan(subject.name)}, ${certainty}`,
    escapeText(message),
    bullets(evidence.map(escapeText)),
    ...remedies.map(remedy),
  ].filter((block) => block !== '').join('\n\n');
}

function remedy({ kind, title, edits, commands, price }: Remedy): string {
  const edited = edits.flatMap(({ file, add, remove }) => [
    ...(remove.length === 0 ? [] : [`In ${codeSpan(file)} remove`, codeBlock(remove)]),
    ...(add.length === 0 ? [] : [`In ${codeSpan(file)} add`, codeBlock(add)]),
  ]);
  const run = commands.length === 0 ? [] : [...(edited.length === 0 ? [] : ['by running']), codeBlock(commands, 'sh')];
  return [`**${remedyLabels[kind]}**: ${escapeText(title)}`, ...edited, ...run, ...(price === null ? [] : [`Price: ${escapeText(price)}`])].join('\n\n');
}

/** Each line that is in force, and how GnuPG therefore reaches the card. */
function configuration(facts: Facts): string {
  const lines = settingsOf(facts).map((setting) => `${codeSpan(placeOf(setting))}: ${codeSpan(textOf(setting))}`);
  const { scdaemonConfig } = facts;
  const reach = scdaemonConfig.status === 'ok' ? [`scdaemon goes ${escapeText(reachWords(scdaemonConfig.value))}.`] : [];
  return bullets([...(lines.length === 0 ? ['No line differs from the defaults.'] : lines), ...reach]);
}

function checks({ checks: outcomes }: Report): string {
  return table(['Check', 'Outcome'], outcomes.map(({ code, id, outcome, reason }) => [`${code} ${id}`, reason === undefined ? outcome : `${outcome}: ${reason}`]));
}

const folded = (summary: string, body: string): string => `<details><summary>${summary}</summary>\n\n${body}\n\n</details>`;
