import { type Code, codes } from '../../checks/codes.ts';
import { type Block, blank, prose, token, verbatim } from '../report/layout.ts';
import { marks, type Tone } from '../report/style.ts';
import type { Cause, Evidence, Explanation, SpyCall, SpyReport } from './explanation.ts';

const certaintyTone: Record<Cause['certainty'], Tone> = { proven: 'error', likely: 'warning', possible: 'info' };
const MAX_SHOWN = 4;
const MAX_NOISE_SHOWN = 5;

/** The code and title of a cause, where it has a row of prose. */
function rowOf(id: string): { code: Code; title: string } | null {
  const code = (Object.keys(codes) as Code[]).find((one) => (codes[one].id as string) === id);
  return code === undefined ? null : { code, title: codes[code].title };
}

/** The answer for eyes: verdict, causes with the lines that speak for and against, what to run, what is noise. */
export function explanationDocument(explanation: Explanation): Block[] {
  return [
    ...verdict(explanation),
    ...explanation.causes.slice(0, MAX_SHOWN).flatMap(causeBlocks),
    ...(explanation.spy === null ? [] : spyBlocks(explanation.spy)),
    ...codeBlocks(explanation),
    ...noiseBlocks(explanation),
    ...recognisedBlocks(explanation),
  ];
}

function verdict({ causes, recognised }: Explanation): Block[] {
  const [first] = causes;
  if (first === undefined) {
    const said = recognised.length === 0 ? 'Nothing here is known to cardcheck.' : 'Nothing here speaks for a cause.';
    return [prose(0, [token(said, 'strong')]), prose(0, ['Paste the message itself, and the journal of pcscd or scdaemon\'s log of that moment. On the machine itself, run cardcheck.'])];
  }
  if (first.certainty === 'possible') return [prose(0, [token('The lines do not decide.', 'strong'), ' In the order of what they leave open:'])];
  return [prose(0, [token(first.certainty === 'proven' ? 'The lines prove it:' : 'Most likely:', 'strong'), ` ${first.id}${causes.length > 1 ? '; what else they leave open follows' : ''}.`])];
}

function causeBlocks({ id, certainty, evidence, against, decidedBy, next }: Cause): Block[] {
  const row = rowOf(id);
  const title = row?.title ?? id;
  return [
    blank,
    prose(0, [token(certainty, certaintyTone[certainty]), '  ', token(row === null ? title : `${row.code} ${title}`, 'strong')], 2),
    ...(row === null ? [] : [prose(2, [token(id, 'faint')])]),
    ...quotes('for', evidence),
    ...quotes('against', against),
    ...(certainty === 'proven' ? [] : [prose(2, [token('What would decide: ', 'strong'), decidedBy], 4)]),
    prose(2, [token('Run next:', 'strong')]),
    ...[...next, ...(row === null ? [] : [`cardcheck explain ${row.code}`])].map((command) => verbatim(4, command)),
  ];
}

/** What the lines say, each sentence once with all lines that say it, numbered as grep -n does. */
function quotes(side: 'for' | 'against', evidence: readonly Evidence[]): Block[] {
  const sentences = [...new Set(evidence.map(({ says }) => says))];
  return sentences.flatMap((sentence) => [
    prose(2, [token(`${side}: `, 'strong'), sentence], 4),
    ...evidence.filter(({ says }) => says === sentence).sort((a, b) => a.line - b.line).flatMap(quote),
  ]);
}

const numbered = (line: number, text: string): Block => verbatim(4, token(`${line}: `, 'faint'), token(text));

function quote({ line, text, repeated }: Evidence): Block[] {
  const again = repeated === undefined ? [] : [prose(6, [token(`and ${repeated.count - 1} more, up to line ${repeated.lastLine}`, 'faint')])];
  return [numbered(line, text), ...again];
}

function spyBlocks({ threads, calls, failed, waited, totals, apdus }: SpyReport): Block[] {
  const took = (seconds: number | null) => (seconds === null ? '' : `, ${seconds.toFixed(6)} s`);
  const called = ({ call, arguments: given, thread }: SpyCall) => `${call}(${[given.szReader, given.dwShareMode, given.hCard].filter(Boolean).join(', ')}) in thread ${thread}`;
  return [
    blank,
    prose(0, [token('PC/SC calls', 'strong'), `: ${calls} in ${threads} thread${threads === 1 ? '' : 's'}`]),
    ...failed.slice(0, MAX_SHOWN).flatMap((one) => [prose(2, [token(`line ${one.line}: `, 'faint'), `${called(one)} → ${one.result}${took(one.seconds)}`], 4), prose(4, [one.excludes])]),
    ...waited.slice(0, MAX_SHOWN).map((one) => prose(2, [token(`line ${one.line}: `, 'faint'), `${called(one)} waited${took(one.seconds)}`], 4)),
    ...totals.slice(0, MAX_SHOWN).map(({ call, count, seconds }) => prose(2, [`${call}: ${count} call${count === 1 ? '' : 's'}, ${seconds.toFixed(3)} s`])),
    ...(apdus ?? []).map(({ line, thread, command, dataBytes, status }) => prose(2, [token(`line ${line}, ${thread}: `, 'faint'), `${command}${dataBytes === 0 ? '' : ` [${dataBytes} bytes hidden]`} → ${status ?? 'no answer'}`], 4)),
  ];
}

function codeBlocks({ codes: met }: Explanation): Block[] {
  return met.length === 0 ? [] : [blank, prose(0, [token('Codes', 'strong')]), ...met.map(({ code, means, line }) => prose(2, [token(`line ${line}: `, 'faint'), `${code}: ${means}`], 4))];
}

function noiseBlocks({ noise }: Explanation): Block[] {
  if (noise.length === 0) return [];
  const { symbol, tone } = marks.info;
  return [
    blank,
    prose(0, [token(`${symbol} `, tone), token('Frightening, but harmless', 'strong')]),
    ...noise.slice(0, MAX_NOISE_SHOWN).flatMap(({ line, text, why }) => [prose(2, [why], 4), numbered(line, text)]),
  ];
}

function recognisedBlocks({ recognised, lines }: Explanation): Block[] {
  if (recognised.length === 0) return [];
  const list = recognised.map(({ kind, count }) => `${kind} (${count})`).join(', ');
  return [blank, prose(0, [token(`Read ${lines} line${lines === 1 ? '' : 's'}; recognised: ${list}.`, 'faint')])];
}
