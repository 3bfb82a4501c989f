/**
 * `npm run lab [-- SUITE… [SCENARIO…]]`: real USB readers in emulated machines. Boots each Debian, plays every
 * scenario in it, prints a table; exits 1 when any expectation failed. Needs root; about 9 minutes a suite.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { ScenarioResult } from './guest.ts';
import { bringEmulator, bringOlderDriver } from './lent-programs.ts';
import { boot, kernel, prepareHost, root, type Suite, suites, workFolder } from './machine.ts';

const say = (line: string) => process.stderr.write(`lab: ${line}\n`);
const project = process.cwd();
const here = join(project, 'test/lab');
const bootTimeoutMs = 25 * 60_000;

const args = process.argv.slice(2);
const chosenSuites = suites.filter((suite) => args.includes(suite));
const playedSuites = chosenSuites.length > 0 ? chosenSuites : suites;
const chosenScenarios = args.filter((arg) => !(suites as readonly string[]).includes(arg));
const verbose = process.env['LAB_VERBOSE'] !== undefined;

prepareHost(say);
const machine = await kernel(here, say);
const tool = await toolFolder();
let failures = 0;
for (const suite of playedSuites) failures += await play(suite);
process.stdout.write(failures === 0 ? 'lab: every scenario went as expected\n' : `lab: ${failures} failed\n`);
process.exitCode = failures === 0 ? 0 : 1;

/** What a lab machine gets: node, cardcheck as built, and the scenarios. */
async function toolFolder(): Promise<string> {
  const folder = workFolder('tool');
  cpSync(process.execPath, join(folder, 'node'));
  cpSync(join(here, 'guest.sh'), join(folder, 'guest.sh'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(join(folder, 'scenarios'), chosenScenarios.join(' '));
  const { bundleOptions } = await import('../../bin/bundle.js' as string);
  await build({ ...bundleOptions, entryPoints: [join(here, 'guest.ts')], outfile: join(folder, 'guest.js') });
  const program = join(folder, 'cardcheck');
  for (const part of ['bin', 'dist/app', 'package.json', 'node_modules/pcsclite', 'node_modules/bindings', 'node_modules/file-uri-to-path']) {
    if (existsSync(join(project, part))) cpSync(join(project, part), join(program, part), { recursive: true });
  }
  bringEmulator(join(folder, 'qemu'));
  // Only sid's pcscd is newer than a driver that the archive still has.
  if (playedSuites.includes('sid')) await bringOlderDriver(join(folder, 'libccid'));
  return folder;
}

async function play(suite: Suite): Promise<number> {
  const out = workFolder(`out-${suite}`);
  mkdirSync(out, { recursive: true });
  const shares = { root: root(suite, say), tool, out };
  say(`booting Debian ${suite}`);
  const run = await boot(machine, shares, bootTimeoutMs, (text) => {
    if (verbose) process.stderr.write(text);
    else for (const line of text.matchAll(/^LAB .*/gm)) say(`${suite}: ${line[0].slice(4)}`);
  });
  const place = join(out, 'results.json');
  if (!existsSync(place)) {
    process.stdout.write(`${suite}: the machine gave no results; the end of its console:\n${run.console.slice(-3000)}\n`);
    return 1;
  }
  const results: ScenarioResult[] = JSON.parse(readFileSync(place, 'utf8'));
  process.stdout.write(`\nDebian ${suite}, ${Math.round(run.seconds)} s\n`);
  for (const result of results) {
    process.stdout.write(`  ${result.passed ? 'ok    ' : 'FAILED'} ${result.name.padEnd(36)} ${result.findings.map((ids) => `[${ids.join(' ')}]`).join(' ')}\n`);
    if (result.complaint !== null) process.stdout.write(`         ${result.complaint}\n${result.notes.map((note) => `         · ${note}\n`).join('')}`);
  }
  return results.filter((result) => !result.passed).length;
}
