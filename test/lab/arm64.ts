/**
 * `npm run attribution:arm64 [-- ROUNDS]`: the pcscd of each Debian generation on an emulated aarch64, and whom root is
 * told of; exits 1 when not all of it was right. Needs root; about 5 minutes a round, since Node is slow there.
 */
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { cache, fetchInto } from '../support/debian-packages.ts';
import { generations, pcscdsFor } from '../support/pcscd-generations.ts';
import type { GenerationResult } from './attribution-guest.ts';
import { boot, kernel, prepareHost, workFolder } from './machine.ts';

const architecture = 'arm64';
/** The first Debian whose Node is new enough. */
const userland = { suite: 'trixie', architecture, names: ['nodejs', 'perl-base', 'dash', 'coreutils', 'mount', 'util-linux'] };
const say = (line: string) => process.stderr.write(`lab: ${line}\n`);
const project = process.cwd();
const here = join(project, 'test/lab');

const rounds = Number(process.argv[2] ?? 2);
if (!Number.isInteger(rounds) || rounds < 1) {
  process.stderr.write('usage: npm run attribution:arm64 [-- ROUNDS]\n');
  process.exit(64);
}
prepareHost(say, architecture);
const machine = await kernel(here, say, architecture);
const folder = join(cache, architecture, 'userland');
if (!existsSync(folder)) {
  say('fetching Debian trixie for arm64');
  await fetchInto(folder, userland);
}
const shares = { root: join(folder, 'root'), tool: await toolFolder(), out: workFolder(`out-${architecture}`), generations: await pcscdsFor(architecture) };
say('booting');
const timeoutMs = (10 + 5 * rounds) * 60_000;
const { console, seconds } = await boot(machine, shares, timeoutMs, (text) => {
  if (process.env['LAB_VERBOSE'] !== undefined) process.stderr.write(text);
  else for (const line of text.matchAll(/^LAB .*/gm)) say(line[0].slice(4));
});
process.exitCode = report();

/** What the machine gets: cardcheck as built, and the program that plays the rounds. */
async function toolFolder(): Promise<string> {
  const tool = workFolder(`tool-${architecture}`);
  cpSync(join(here, 'attribution-guest.sh'), join(tool, 'guest.sh'));
  writeFileSync(join(tool, 'package.json'), '{"type":"module"}');
  writeFileSync(join(tool, 'arguments'), [rounds, ...generations.filter((generation) => generation !== 'installed')].join(' '));
  const { bundleOptions } = await import('../../bin/bundle.js' as string);
  await build({ ...bundleOptions, entryPoints: [join(here, 'attribution-guest.ts')], outfile: join(tool, 'attribution-guest.js') });
  for (const part of ['bin', 'dist/app', 'package.json']) cpSync(join(project, part), join(tool, 'cardcheck', part), { recursive: true });
  return tool;
}

/** Prints what came of it. @returns the exit code */
function report(): number {
  const place = join(shares.out, 'results.json');
  const results: GenerationResult[] = existsSync(place) ? JSON.parse(readFileSync(place, 'utf8')) : [];
  process.stdout.write(`\naarch64, ${Math.round(seconds)} s\n`);
  for (const { version, rounds: played, held, proven, askedAgain, waiting, seenWaiting, layouts, wrong } of results) {
    process.stdout.write(`${version} ${played} rounds: root proved ${proven} of ${held}, asked again ${askedAgain} times; saw ${seenWaiting} of ${waiting} waiting; wrong: ${wrong.length}; fits ${layouts.join(' and ')}\n`);
    for (const sentence of wrong.slice(0, 10)) process.stdout.write(`  WRONG: ${sentence}\n`);
  }
  const isWhole = results.length === generations.length - 1 && results.every(({ rounds: played, held, proven, waiting, seenWaiting, wrong }) => played === rounds && held === proven && waiting === seenWaiting && wrong.length === 0);
  if (!isWhole) process.stdout.write(`not all of it; the end of the machine's console:\n${console.slice(-3000)}\n`);
  return isWhole ? 0 : 1;
}
