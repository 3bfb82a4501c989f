/**
 * npm run bench [ROUNDS]: how long cardcheck takes beside a bare `node -e 0`, with one reader and a card in a private
 * pcscd. Ratios of medians of interleaved runs in random order, so that a busy or slow machine slows both.
 * Exits 1 when a target is missed.
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { startRig } from '../../src/rig/rig.ts';

const INSIDE = 'inside';
const DEFAULT_ROUNDS = 41;
/** Runs before measuring, that fill the page cache. */
const WARM_UP = 3;

interface Case {
  name: string;
  args: (app: string) => string[];
  /** At most so many times the median of the bare Node. */
  target: number | null;
}

const cases: readonly Case[] = [
  { name: 'node -e 0', args: () => ['-e', '0'], target: null },
  { name: 'cardcheck --json', args: (app) => [`${app}/bin/cardcheck.cjs`, '--json'], target: 3.5 },
  { name: 'cardcheck --passive --json', args: (app) => [`${app}/bin/cardcheck.cjs`, '--passive', '--json'], target: 2 },
];

interface Measured {
  name: string;
  /** Milliseconds, sorted. */
  times: number[];
  peakKiB: number;
}

function median(sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length / 2)] as number;
}

function runOnce(args: readonly string[]): number {
  const before = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
  const took = performance.now() - before;
  // 1 and 2 are answers; what is not must not be measured as a fast run.
  if (status === null || status > 2) throw new Error(`node ${args.join(' ')} ended with ${status}: ${stderr}`);
  return took;
}

/** Peak resident memory of the main process alone, in KiB, as the kernel counts it (ru_maxrss). */
async function peakOf(args: readonly string[]): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'cardcheck-bench-'));
  const hook = join(folder, 'peak.cjs');
  await writeFile(hook, "const { appendFileSync } = require('node:fs'); process.on('exit', () => appendFileSync(process.env.PEAK_FILE, `${process.resourceUsage().maxRSS}`));\n");
  const file = join(folder, 'peak');
  spawnSync(process.execPath, ['-r', hook, ...args], { stdio: 'ignore', env: { ...process.env, PEAK_FILE: file } });
  const { readFile } = await import('node:fs/promises');
  const peak = Number(await readFile(file, 'utf8'));
  await rm(folder, { recursive: true });
  return peak;
}

async function measure(app: string, rounds: number): Promise<Measured[]> {
  const measured = cases.map(({ name, args }) => ({ name, args: args(app), times: [] as number[], peakKiB: 0 }));
  for (let round = -WARM_UP; round < rounds; round++) {
    for (const one of measured.map((value) => ({ value, order: Math.random() })).sort((a, b) => a.order - b.order)) {
      const took = runOnce(one.value.args);
      if (round >= 0) one.value.times.push(took);
    }
  }
  for (const one of measured) one.peakKiB = await peakOf(one.args);
  return measured.map(({ name, times, peakKiB }) => ({ name, times: times.sort((a, b) => a - b), peakKiB }));
}

/** The table, and whether every target was met. */
function table(measured: readonly Measured[]): boolean {
  const [bare] = measured;
  const floor = median(bare?.times ?? []);
  process.stdout.write(`${'case'.padEnd(28)}${'median'.padStart(10)}${'ratio'.padStart(8)}${'target'.padStart(8)}${'peak RSS'.padStart(12)}\n`);
  let met = true;
  for (const [index, { name, times, peakKiB }] of measured.entries()) {
    const ratio = median(times) / floor;
    const target = cases[index]?.target ?? null;
    const missed = target !== null && ratio > target;
    if (missed) met = false;
    const columns = [`${median(times).toFixed(1)} ms`.padStart(10), ratio.toFixed(2).padStart(8), (target === null ? '' : `<= ${target}`).padStart(8), `${(peakKiB / 1024).toFixed(0)} MiB`.padStart(12)];
    process.stdout.write(`${name.padEnd(28)}${columns.join('')}${missed ? '  MISSED' : ''}\n`);
  }
  process.stdout.write(`Node ${process.version}, ${bare?.times.length} interleaved runs each, one reader with a card in a private pcscd\n`);
  return met;
}

const [first, second] = process.argv.slice(2);
if (first === INSIDE) {
  process.stdout.write(JSON.stringify(await measure(second as string, Number(process.argv[4]))));
} else {
  const rig = await startRig();
  try {
    const self = `${rig.app}/dist/commands/${fileURLToPath(import.meta.url).split('/').at(-1)}`;
    const { stdout, stderr, exitCode } = await rig.run(rig.node, [self, INSIDE, rig.app, String(Number(first) || DEFAULT_ROUNDS)], { timeoutMs: 300_000 });
    if (exitCode !== 0) throw new Error(`the measurement failed: ${stderr}`);
    process.exitCode = table(JSON.parse(stdout) as Measured[]) ? 0 : 1;
  } finally {
    await rig.stop();
  }
}
