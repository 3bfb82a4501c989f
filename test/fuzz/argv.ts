/** Any command line, given to the program as it is built: it ends with a documented exit code and no stack trace. */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { exitCodes } from '../../src/exit-code.ts';
import { soundSnapshot } from '../support/snapshot.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** Milliseconds; a hang guard. */
const HANG_MS = 30_000;

interface Workplace {
  /** Everything a command line writes goes there. */
  folder: string;
  /** Of the program. */
  copy: string;
  entry: string;
}
let workplace: Workplace | null = null;

/** Made at the first use, with a copy of the program: it may be built anew meanwhile. Beside node_modules, where it finds what it loads. */
function make(): Workplace {
  const folder = mkdtempSync(join(tmpdir(), 'cardcheck-fuzz-'));
  const copy = mkdtempSync(join(root, 'dist/fuzz-'));
  for (const part of ['bin', 'dist/app']) cpSync(join(root, part), join(copy, part), { recursive: true });
  writeFileSync(join(folder, 'sound.json'), JSON.stringify(soundSnapshot()));
  writeFileSync(join(folder, 'noise'), '\0\u001b[2J\nSCARD_E_SHARING_VIOLATION\n');
  return { folder, copy, entry: join(copy, 'bin/cardcheck.js') };
}

export function removeWorkplace(): void {
  for (const made of workplace === null ? [] : [workplace.folder, workplace.copy]) rmSync(made, { recursive: true, force: true });
  workplace = null;
}

const options = [
  '--json', '--format', '--format=json', '--format=ink', '-o', '--output', '-q', '--quiet', '-v', '--verbose', '--color', '--no-color', '--width', '--width=80', '--passive', '--no-wake', '--no-exclusive', '--timeout', '--reader', '--only', '--skip',
  '--suppress', '--fail-on', '--allow-unknown', '--save', '--from', '--redact', '--no-redact', '--full', '--apdu', '-h', '--help', '-V', '--version', '--', '-', '--bogus', '-x', '-qv', '--no-json', '--\u001b[2J', '--width=\u001b[2J',
];
/** All commands but those that go on until they are stopped (watch) or start daemons (demo). */
const commands = ['explain', 'report', 'diff', 'checks', 'schema', 'holders', 'help'];
const values = ['sound.json', 'noise', 'none.json', 'out', '0', '-1', '40', 'NaN', '1e9', '0.1', 'text', 'json', 'error', 'never', 'CC101', 'cc101,scdaemon-holds-card', 'CC101=Yubi*', '=', ',', '*', '', ' ', '.', '/dev/null', '/nonexistent/x', '0x8010000B', 'gpg: selecting card failed', '__proto__', '\u001b[2J', '\u202e', 'x'.repeat(5000), 'snapshot', 'finding'];
const word = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...options) }, { weight: 2, arbitrary: fc.constantFrom(...values) }, { weight: 1, arbitrary: fc.string({ maxLength: 12 }).filter((text) => !text.includes('\0')) });
// With a snapshot in hand this machine is left alone; the environment makes sure of it where the snapshot is not taken.
const argvs = fc.tuple(fc.option(fc.constantFrom(...commands)), fc.array(word, { maxLength: 6 }), fc.boolean()).map(([command, words, replay]) => [...(command === null ? [] : [command]), ...(replay ? ['--from', 'sound.json'] : []), ...words]).filter((argv) => !argv.some((one) => one === 'watch' || one === 'demo'));

const documented: readonly number[] = Object.values(exitCodes).filter((code) => code !== exitCodes.software);

interface Ended {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

function run(argv: readonly string[]): Promise<Ended> {
  const { entry, folder } = (workplace ??= make());
  const child = spawn(process.execPath, [entry, ...argv], { cwd: folder, env: { PATH: process.env.PATH, HOME: folder, CARDCHECK_PASSIVE: '1' }, timeout: HANG_MS });
  const ended: Ended = { exitCode: null, stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (ended.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (ended.stderr += text));
  child.stdin.on('error', () => {}); // it may end without reading
  child.stdin.end(JSON.stringify(soundSnapshot()));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode) => resolve({ ...ended, exitCode }));
  });
}

const commandLine = fc.asyncProperty(argvs, async (argv) => {
  const { exitCode, stdout, stderr } = await run(argv);
  const told = `exit ${exitCode}: ${stderr.slice(0, 600)}`;
  if (exitCode === null || !documented.includes(exitCode)) throw new Error(told);
  if (/\n\s+at .*[:(]\d|node:internal|Error: /.test(stderr)) throw new Error(`a stack trace: ${told}`);
  if (/[\x00-\x08\x0b-\x1f\x7f\u202e]/.test(stderr + stdout.replaceAll('\u001b', argv.includes('--color') ? '' : '\u001b'))) throw new Error(`control characters: ${told}`);
  if (exitCode >= exitCodes.usage && stderr.split('\n').length > 4) throw new Error(`more than a sentence: ${told}`);
});

export const properties = { commandLine };
