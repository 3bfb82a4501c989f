/**
 * node bin/ts.js test/bench/explain.ts [MEGABYTES] [LOG]: `cardcheck explain --json` on a pcscd debug log of that size
 * (default 1000), as a ratio to `grep -c -F` over the same file, in interleaved runs, and its peak memory beside that on
 * 10 MB. The log is LOG, or fixtures/logs/pcscd-debug.txt, repeated. Exits 1 when the ratio is above 10 or memory grows.
 * Needs the build.
 */
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const TARGET = 10;
/** Peak memory may differ by this much, in MiB: the garbage collector is free to be late. */
const SLACK_MIB = 40;
const ROUNDS = 5;
const SMALL_MB = 10;

const root = fileURLToPath(new URL('../..', import.meta.url));
const [megabytes = '1000', log = join(root, 'fixtures/logs/pcscd-debug.txt')] = process.argv.slice(2);

const folder = mkdtempSync(join(tmpdir(), 'cardcheck-bench-'));
const hook = join(folder, 'peak.cjs');
writeFileSync(hook, "const { writeFileSync } = require('node:fs'); process.on('exit', () => writeFileSync(process.env.PEAK_FILE, String(process.resourceUsage().maxRSS)));\n");

function logOf(size: number): string {
  const file = join(folder, `${size}.log`);
  const seed = readFileSync(log);
  const block = Buffer.concat(Array.from({ length: Math.max(1, Math.floor(1e6 / seed.length)) }, () => seed));
  writeFileSync(file, '');
  for (let written = 0; written < size * 1e6; written += block.length) appendFileSync(file, block);
  return file;
}

/** Seconds of one run. @throws Error when it fails */
function time(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): number {
  const before = performance.now();
  const { status, stderr } = spawnSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'], env, encoding: 'utf8' });
  if (status === null || status > 1) throw new Error(`${command} ended with ${status}: ${stderr}`);
  return (performance.now() - before) / 1000;
}

const explainArgs = (file: string): string[] => [join(root, 'bin/cardcheck.cjs'), 'explain', '--json', file];
const grep = (file: string): number => time('grep', ['-c', '-F', 'SCARD_E_SHARING_VIOLATION', file]);

function peakMib(file: string): number {
  const peak = join(folder, 'peak');
  time(process.execPath, ['-r', hook, ...explainArgs(file)], { ...process.env, PEAK_FILE: peak });
  return Number(readFileSync(peak, 'utf8')) / 1024;
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;

try {
  const [large, small] = [logOf(Number(megabytes)), logOf(SMALL_MB)];
  grep(large);
  const runs = Array.from({ length: ROUNDS }, () => ({ grep: grep(large), explain: time(process.execPath, explainArgs(large)) }));
  const seconds = { grep: median(runs.map((run) => run.grep)), explain: median(runs.map((run) => run.explain)) };
  const ratio = seconds.explain / seconds.grep;
  const [peakLarge, peakSmall] = [peakMib(large), peakMib(small)];
  process.stdout.write(`grep -c -F: ${seconds.grep.toFixed(2)} s, explain: ${seconds.explain.toFixed(2)} s, ratio ${ratio.toFixed(1)} (at most ${TARGET})\n`);
  process.stdout.write(`peak memory: ${peakSmall.toFixed(0)} MiB on ${SMALL_MB} MB, ${peakLarge.toFixed(0)} MiB on ${megabytes} MB\n`);
  process.exitCode = ratio <= TARGET && peakLarge - peakSmall <= SLACK_MIB ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
