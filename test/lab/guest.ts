/** Runs inside a lab machine: `guest.js NAME…` plays the scenarios named (all without names), `guest.js hold …` is a second program. */
import { writeFileSync } from 'node:fs';
import { hold } from './holding-program.ts';
import { Workbench } from './workbench.ts';
import { scenarios } from './scenarios.ts';

export interface ScenarioResult {
  name: string;
  passed: boolean;
  /** What was expected and did not come, or why it could not be played. */
  complaint: string | null;
  /** Error and warning findings of each run of cardcheck in it, by id. */
  findings: string[][];
  notes: string[];
  seconds: number;
}

const [first, ...rest] = process.argv.slice(2);
if (first === 'hold') {
  await hold(rest[0] ?? 'shared', rest[1] ?? '');
} else {
  const wanted = [first, ...rest].filter((name) => name !== undefined);
  const results: ScenarioResult[] = [];
  for (const scenario of scenarios) {
    if (wanted.length > 0 && !wanted.includes(scenario.name)) continue;
    const started = Date.now();
    const bench = new Workbench(scenario.name);
    let complaint: string | null = null;
    try {
      await bench.begin();
      if (scenario.on?.(bench) === false) {
        console.log(`LAB ${scenario.name}: not for ${bench.describe()}`);
        continue;
      }
      await scenario.play(bench);
    } catch (error) {
      complaint = error instanceof Error ? error.message : String(error);
    } finally {
      await bench.end();
    }
    results.push({
      name: scenario.name,
      passed: complaint === null,
      complaint,
      findings: bench.findings,
      notes: bench.notes,
      seconds: (Date.now() - started) / 1000,
    });
    console.log(`LAB ${scenario.name}: ${complaint ?? 'as expected'}`);
    writeFileSync('/opt/out/results.json', JSON.stringify(results, null, 1));
  }
}
process.exit(0);
