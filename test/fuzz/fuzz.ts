/**
 * npm run fuzz -- [MINUTES | --runs N] [--only NAME,…]: every property in turn, for a slice of time each, until the
 * time is over (default 30 minutes) or so many executions are done (default 10 million). Prints what was done and how
 * fast, and how much memory the run kept; exits 1 with the smallest counterexample of each property that failed.
 */
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { allProperties, cleanUp } from './index.ts';

const DEFAULT_MINUTES = 30;
const DEFAULT_RUNS = 10_000_000;
/** Of one property, before the next has its turn; the quick ones must not use up the executions. */
const SLICE_MS = 5_000;
const SLICE_RUNS = 20_000;
/** A single execution that takes longer hangs. */
const HANG_MS = 20_000;
/** What a run may keep, in MiB; the compiler's work is part of it. */
const MAX_GROWTH_MIB = 64;

interface Tally {
  runs: number;
  ms: number;
  failure: string | null;
}

const { values, positionals } = parseArgs({ options: { runs: { type: 'string' }, only: { type: 'string' } }, allowPositionals: true });
const minutes = positionals[0] === undefined ? (values.runs === undefined ? DEFAULT_MINUTES : Number.POSITIVE_INFINITY) : Number(positionals[0]);
const wantedRuns = values.runs === undefined ? DEFAULT_RUNS : Number(values.runs);
const wantedNames = values.only?.split(',');
const chosen = Object.entries(allProperties).filter(([name]) => wantedNames?.includes(name) ?? true);

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const heapMib = (): number => {
  collectGarbage();
  return process.memoryUsage().heapUsed / 1024 / 1024;
};

const beat = new Int32Array(new SharedArrayBuffer(12));
/** Ends the process where an execution never ends: nothing in this thread can. */
const watchdog = `
  const { workerData: { beat, names, hangMs } } = require('node:worker_threads');
  let [last, since] = [0, Date.now()];
  setInterval(() => {
    const now = Atomics.load(beat, 0);
    if (now !== last) [last, since] = [now, Date.now()];
    if (Date.now() - since < hangMs) return;
    require('node:fs').writeSync(2, names[Atomics.load(beat, 1)] + ' hangs, seed ' + Atomics.load(beat, 2) + '\\n');
    process.kill(process.pid, 'SIGKILL');
  }, 1000);`;
new Worker(watchdog, { eval: true, workerData: { beat, names: chosen.map(([name]) => name), hangMs: HANG_MS } }).unref();

const tallies = new Map<string, Tally>(chosen.map(([name]) => [name, { runs: 0, ms: 0, failure: null }]));
const total = (): number => [...tallies.values()].reduce((sum, { runs }) => sum + runs, 0);
const end = Date.now() + minutes * 60_000;
let settled: number | null = null;

while (Date.now() < end && total() < wantedRuns && [...tallies.values()].some(({ failure }) => failure === null)) {
  for (const [index, [name, property]] of chosen.entries()) {
    const tally = tallies.get(name) as Tally;
    const [leftMs, leftRuns] = [end - Date.now(), wantedRuns - total()];
    if (tally.failure !== null || leftMs <= 0 || leftRuns <= 0) continue;
    const before = performance.now();
    const seed = Math.floor(Math.random() * 0x7fffffff);
    Atomics.store(beat, 1, index);
    Atomics.store(beat, 2, seed);
    const counted = { ...property, run: (value: unknown) => (Atomics.add(beat, 0, 1), property.run(value)) };
    const result = await fc.check(Object.assign(Object.create(property), counted) as typeof property, { seed, numRuns: Math.min(SLICE_RUNS, leftRuns), interruptAfterTimeLimit: Math.min(SLICE_MS, leftMs / (chosen.length - index)), markInterruptAsFailure: false, includeErrorInReport: true });
    tally.runs += result.numRuns;
    tally.ms += performance.now() - before;
    if (result.failed) tally.failure = fc.defaultReportMessage(result) ?? 'failed';
  }
  // Only after the first turn everything is loaded and compiled.
  settled ??= heapMib();
}
cleanUp();
const growth = heapMib() - (settled ?? heapMib());

for (const [name, { runs, ms, failure }] of tallies) process.stdout.write(`${name.padEnd(22)} ${String(runs).padStart(10)} executions ${(runs / (ms / 1000)).toFixed(0).padStart(8)}/s${failure === null ? '' : '  FAILED'}\n`);
process.stdout.write(`${total()} executions; memory kept since the first turn: ${growth.toFixed(1)} MiB\n`);
for (const [name, { failure }] of tallies) if (failure !== null) process.stdout.write(`\n${name}: ${failure}\n`);
process.exit([...tallies.values()].some(({ failure }) => failure !== null) || growth > MAX_GROWTH_MIB ? 1 : 0);
