/**
 * npm run differential [-- NAME…]: what the live run finds and what `explain` makes of the logs of the same moment, for
 * each scenario of the rig (real pcscd, scdaemon and gpg on virtual readers) and each run the lab has left (test/lab).
 * Prints a table; exits 1 where the two disagree. Needs the build, and root.
 */
import { existsSync, readFileSync } from 'node:fs';
import type { Id } from '../../checks/codes.ts';
import { explainText } from '../../src/explain/explain.ts';
import { examine } from '../../src/run.ts';
import { loadSnapshot } from '../../src/snapshot/load.ts';
import type { Finding } from '../../src/report/schema.ts';
import { labRuns } from '../support/lab-results.ts';
import { labScenarios } from './lab-scenarios.ts';
import { play, rigScenarios } from '../support/rig-scenarios.ts';

interface Expected {
  /** The finding that must be there; null: none above info. */
  live: Id | null;
  logsShow?: { id: Id | null; because: string };
}

interface Row {
  name: string;
  live: string;
  explained: string;
  agree: boolean;
  note: string;
}

const worst = (findings: readonly Finding[]): Finding[] => {
  const errors = findings.filter(({ severity }) => severity === 'error');
  return errors.length > 0 ? errors : findings.filter(({ severity }) => severity === 'warning');
};

/** Agreement: the finding is there, and the first cause that the logs speak for is the same, or what the logs alone can show of it. */
function compare(name: string, { live, logsShow }: Expected, findings: readonly Finding[], logs: string): Row {
  const [first] = explainText(logs).causes;
  const shown = logsShow === undefined ? live : logsShow.id;
  const found = live === null ? worst(findings).length === 0 : findings.some(({ id }) => id === live);
  // Where nothing is wrong, or not yet, a mere possibility is no disagreement.
  const told = shown === null ? first === undefined || first.certainty === 'possible' || first.id === 'healthy' : first?.id === shown;
  const ids = [...new Set((live === null ? worst(findings) : findings.filter(({ id }) => id === live)).map(({ id }) => id))];
  return {
    name,
    live: ids.join(', ') || (live === null ? 'nothing' : `NOT ${live}, but ${worst(findings).map(({ id }) => id).join(', ') || 'nothing'}`),
    explained: first === undefined ? 'nothing' : `${first.certainty} ${first.id}`,
    agree: found && told,
    note: logsShow === undefined ? '' : logsShow.because,
  };
}

const only = process.argv.slice(2);
const wanted = (name: string) => only.length === 0 || only.some((word) => name.includes(word));
const rows: Row[] = [];

for (const scenario of rigScenarios) {
  if (!wanted(scenario.name)) continue;
  const name = `rig: ${scenario.name}`;
  rows.push(
    await play(scenario, true).then(
      ({ report, logs }) => compare(name, scenario, report.findings, logs),
      (error: Error) => ({ name, live: `could not be played: ${error.message.split('\n', 1)[0]}`, explained: '', agree: false, note: '' }),
    ),
  );
}
const runs = labRuns().filter(({ name }) => wanted(name));
for (const { suite, name, snapshot, log } of runs) {
  const expected = labScenarios[name];
  if (expected === undefined || !existsSync(log)) continue;
  const { findings } = examine(await loadSnapshot(snapshot));
  rows.push(compare(`${suite}: ${name}`, expected, findings, readFileSync(log, 'utf8')));
}

const widths = (['name', 'live', 'explained'] as const).map((key) => Math.max(...rows.map((row) => row[key].length), key.length));
const line = (cells: readonly string[]) => `${cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join('  ').trimEnd()}\n`;
process.stdout.write(line(['scenario', 'live', 'explain first', 'agree']));
for (const { name, live, explained, agree, note } of rows) process.stdout.write(line([name, live, explained, agree ? `yes${note === '' ? '' : `: ${note}`}` : 'NO']));
if (labRuns().length === 0) process.stdout.write('no runs of the lab: npm run lab leaves them\n');
const disagreements = rows.filter(({ agree }) => !agree).length;
process.stdout.write(`${rows.length} scenarios, ${disagreements} ${disagreements === 1 ? 'disagreement' : 'disagreements'}\n`);
process.exit(disagreements === 0 ? 0 : 1);
