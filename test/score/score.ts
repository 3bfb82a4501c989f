/**
 * How often `explain` names the established cause: node bin/ts.js test/score/score.ts CASES.json [--verbose]
 * CASES.json is a list of {id, cause, symptom: [line], evidence: [{lines: [line]}]}; cause `not-established` means
 * that nothing above `possible` may be said.
 */
import { readFileSync } from 'node:fs';
import { explainText } from '../../src/explain/explain.ts';
import type { Cause } from '../../src/explain/explanation.ts';

interface Case {
  id: string;
  cause: string;
  symptom: string[];
  evidence: { lines: string[] }[];
}

interface Scored {
  case: Case;
  /** 1 is first; null: not among those named. */
  rank: number | null;
  causes: Cause[];
}

const NOT_ESTABLISHED = 'not-established';
const textOf = ({ symptom, evidence }: Case): string => [...symptom, ...evidence.flatMap(({ lines }) => lines)].join('\n');

function scoreOf(one: Case): Scored {
  const { causes } = explainText(textOf(one));
  const index = causes.findIndex(({ id }) => id === one.cause);
  return { case: one, rank: index === -1 ? null : index + 1, causes };
}

const said = (causes: readonly Cause[]): string => causes.slice(0, 4).map(({ id, certainty, score }) => `${id} (${certainty}, ${score})`).join(' · ') || 'nothing';

function share(name: string, scored: readonly Scored[]): void {
  const within = (most: number) => scored.filter(({ rank }) => rank !== null && rank <= most).length;
  const percent = (count: number) => `${count}/${scored.length} (${scored.length === 0 ? '–' : Math.round((1000 * count) / scored.length) / 10} %)`;
  process.stdout.write(`${name}: first ${percent(within(1))}, in the first three ${percent(within(3))}\n`);
}

const [file, flag] = process.argv.slice(2);
if (file === undefined || file.startsWith('-')) {
  process.stderr.write('usage: npm run score -- CASES.json [--verbose]\n');
  process.exit(64);
}
const scored = (JSON.parse(readFileSync(file, 'utf8')) as Case[]).map(scoreOf);
const established = scored.filter((one) => one.case.cause !== NOT_ESTABLISHED);
const open = scored.filter((one) => one.case.cause === NOT_ESTABLISHED);
const withEvidence = established.filter((one) => one.case.evidence.length > 0);

for (const { case: { id, cause, evidence }, rank, causes } of established) {
  if (rank === 1 && flag !== '--verbose') continue;
  process.stdout.write(`${id} ${cause}${evidence.length === 0 ? ' [symptom only]' : ''}: ${rank === null ? 'not named' : `rank ${rank}`}; said: ${said(causes)}\n`);
}
for (const { case: { id }, causes } of open) {
  const tooSure = causes.filter(({ certainty }) => certainty !== 'possible');
  process.stdout.write(`${id} ${NOT_ESTABLISHED}: ${tooSure.length === 0 ? 'kept open' : `TOO SURE of ${said(tooSure)}`}\n`);
}
share('cases with evidence lines', withEvidence);
share('cases with a symptom only', established.filter((one) => one.case.evidence.length === 0));
const sureOfOpen = open.filter(({ causes }) => causes.some(({ certainty }) => certainty !== 'possible')).length;
process.stdout.write(`not established: ${open.length - sureOfOpen}/${open.length} kept open\n`);
