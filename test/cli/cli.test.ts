import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Ajv from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { publishedSchema } from '../../src/report/published-schema.ts';
import { ok } from '../../src/snapshot/fact.ts';
import { type BuiltCardcheck, buildCardcheck } from '../support/built.ts';
import { processNamed, soundSnapshot } from '../support/snapshot.ts';

let cardcheck: BuiltCardcheck;
let folder = '';
const file = (name: string) => join(folder, name);
const validate = new Ajv({ strict: false }).compile(publishedSchema('report'));

beforeAll(async () => {
  cardcheck = await buildCardcheck();
  folder = await mkdtemp(join(tmpdir(), 'cardcheck-'));
  await writeFile(file('sound.json'), JSON.stringify(soundSnapshot()));
  await writeFile(file('broken.json'), '{"schemaVersion": 1');
});
afterAll(async () => {
  await cardcheck.remove();
  await rm(folder, { recursive: true });
});

/** The one document on stdout, valid by the published schema. */
function document(stdout: string): Record<string, unknown> {
  const json = JSON.parse(stdout) as Record<string, unknown>;
  expect(validate(json), JSON.stringify(validate.errors)).toBe(true);
  return json;
}

describe('what cannot be done has its exit code, the same in text and JSON', () => {
  const table: [string, number, () => string[], RegExp][] = [
    ['an unknown option', 64, () => ['--bogus'], /unknown option '--bogus'/],
    ['an unknown command', 64, () => ['frobnicate'], /no command frobnicate/],
    ['an unknown check', 64, () => ['--only', 'CC999999'], /No check is called CC999999/],
    ['a timeout that is none', 64, () => ['--timeout', 'soon'], /number of seconds/],
    ['a severity that is none', 64, () => ['--fail-on', 'fatal'], /Allowed choices/],
    ['two answers at once', 64, () => ['-q', '-v'], /cannot be used with/],
    ['a snapshot that is none', 65, () => ['--from', file('broken.json')], /not JSON/],
    ['a snapshot that is not there', 66, () => ['--from', file('none.json')], /ENOENT/],
    ['a report that cannot be written', 73, () => ['--from', file('sound.json'), '-o', file('no/such/x')], /cannot write/],
  ];
  test.each(table)('%s: %i', async (_, exitCode, args, sentence) => {
    const text = await cardcheck.run(args());
    expect(text).toMatchObject({ exitCode, stdout: '', stderr: expect.stringMatching(sentence) });
    expect(text.stderr.trim().split('\n').length).toBeLessThanOrEqual(2);
    const json = await cardcheck.run([...args(), '--json']);
    expect(json.exitCode).toBe(exitCode);
    expect(document(json.stdout)).toMatchObject({ error: { exitCode, message: expect.stringMatching(sentence) } });
  });
});

describe('a saved snapshot', () => {
  test('gives the same exit code in every format, and a valid document', async () => {
    const args = ['--from', file('sound.json')];
    const text = await cardcheck.run(args);
    const json = await cardcheck.run([...args, '--json']);
    const report = document(json.stdout);
    expect(report).toMatchObject({ schemaVersion: 1, startedAt: soundSnapshot().startedAt });
    expect(text.exitCode).toBe(json.exitCode);
    expect([0, 2]).toContain(json.exitCode);
    expect((await cardcheck.run([...args, '--json', '--allow-unknown'])).exitCode).toBe(0);
  });

  test('is examined for the readers that are asked for', async () => {
    const names = async (glob: string) => {
      const ended = await cardcheck.run(['--from', file('sound.json'), '--json', '--reader', glob]);
      return { readers: (document(ended.stdout).readers as { name: string }[]).map(({ name }) => name), stderr: ended.stderr };
    };
    expect(await names('yubico*')).toEqual({ readers: ['Yubico YubiKey CCID 00 00'], stderr: '' });
    expect(await names('alcor*')).toEqual({ readers: [], stderr: 'cardcheck: no reader is called alcor*\n' });
  });

  test('comes through stdin and leaves through -o, once', async () => {
    const out = file('report.json');
    const ended = await cardcheck.run(['--from', '-', '--json', '-o', out], { stdin: JSON.stringify(soundSnapshot()) });
    expect(ended.stdout).toBe('');
    document(await readFile(out, 'utf8'));
  });

  test('is saved redacted and still gives the same findings', async () => {
    const process = processNamed('pcsc_scan', { argv: ['pcsc_scan', '--of', 'alice'] });
    const snapshot = soundSnapshot({ clients: ok({ clients: [{ process, connections: 1, inodes: ['1'] }], unattributed: 0, hiddenByNamespace: 0, complete: true }, 'ss') });
    const saved = file('saved.json');
    const first = await cardcheck.run(['--from', '-', '--save', saved, '--json'], { stdin: JSON.stringify(snapshot) });
    const again = await cardcheck.run(['--from', saved, '--json']);
    const ids = (stdout: string) => (document(stdout).findings as { code: string }[]).map(({ code }) => code);
    expect(ids(again.stdout)).toEqual(ids(first.stdout));
    expect(await readFile(saved, 'utf8')).not.toContain('alice');
    expect(again.stdout).not.toContain('alice');
    await cardcheck.run(['--from', saved, '--save', file('twice.json')]);
    expect(JSON.parse(await readFile(file('twice.json'), 'utf8'))).toEqual(JSON.parse(await readFile(saved, 'utf8')));
  });

  test('-q prints one line, the verdict; it is also the last of the whole report', async () => {
    const quiet = (await cardcheck.run(['--from', file('sound.json'), '-q'])).stdout;
    expect(quiet.trim().split('\n')).toHaveLength(1);
    expect((await cardcheck.run(['--from', file('sound.json'), '-v'])).stdout.endsWith(quiet)).toBe(true);
  });

  test('a reader of the pipe that goes away is no error', async () => {
    const ended = await cardcheck.run(['--from', file('sound.json'), '--json'], { stopReadingAfter: 0 });
    expect(ended.stderr).toBe('');
    expect(ended.signal).toBeNull();
  });

  test('a reader of the pipe that goes away does not make findings look like health', () => {
    const failing = ['--from', file('sound.json'), '--fail-on', 'info', '--format', 'text'];
    const inShell = (command: string) => spawnSync('bash', ['-c', `"$@" ${command}`, 'bash', process.execPath, cardcheck.entry, ...failing], { encoding: 'utf8' });
    const { status } = inShell('');
    expect(status).not.toBe(0);
    expect(inShell('| true; exit "${PIPESTATUS[0]}"').status).toBe(status);
  });

  test.each([20, 22, 24, 26, 28])('%i descriptors are enough for a report, and nothing else is ended for want of more', (descriptors) => {
    // A process group of its own, which a kill of "our group" would not outlive.
    const script = `ulimit -n ${descriptors}; "$@"; echo "ended $?" >&2`;
    const { stdout, stderr } = spawnSync('setsid', ['--wait', 'bash', '-c', script, 'bash', process.execPath, cardcheck.entry, '--json', '--timeout', '0.3'], { encoding: 'utf8', timeout: 20_000 });
    document(stdout);
    expect(stderr).toMatch(/^ended [012]\n$/);
  });

  test.each([['--help'], ['--version'], ['checks']])('a disk that is full is told of by %s as well', (word) => {
    const { status } = spawnSync('bash', ['-c', '"$@" > /dev/full', 'bash', process.execPath, cardcheck.entry, word], { encoding: 'utf8' });
    expect(status).toBe(73);
  });

  test('a disk that is full is told, with an exit code of its own', () => {
    const full = spawnSync('sh', ['-c', 'exec "$@" > /dev/full', 'sh', process.execPath, cardcheck.entry, '--from', file('sound.json'), '--json'], { encoding: 'utf8' });
    expect(full).toMatchObject({ status: 73, stderr: 'cardcheck: cannot write the report: ENOSPC\n' });
  });

  test('- as the file of the report is stdout, and no name for a snapshot', async () => {
    const { stdout } = await cardcheck.run(['--from', file('sound.json'), '--json', '-o', '-']);
    expect(document(stdout)).toMatchObject({ status: expect.any(String) });
    expect(await cardcheck.run(['--from', file('sound.json'), '--save', '-'])).toMatchObject({ exitCode: 64, stdout: '' });
  });
});

describe('help and lists', () => {
  test('help begins with examples and has the groups', async () => {
    const { exitCode, stdout } = await cardcheck.run(['--help']);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^Examples:\n/);
    for (const group of ['What to check:', 'Output:', 'Replay & sharing:', 'Safety:', 'Commands:']) expect(stdout).toContain(`\n${group}\n`);
    expect(stdout.split('\n').every((line) => line.length <= 80)).toBe(true);
  });

  test('-V says the version', async () => {
    expect(await cardcheck.run(['-V'])).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });

  test('a suppression that names no code is said, not obeyed', async () => {
    const { stderr } = await cardcheck.run(['--from', file('sound.json'), '--suppress', 'CC1O1=*']);
    expect(stderr).toContain('CC1O1');
  });

  test('every listed check can be explained', async () => {
    const { stdout } = await cardcheck.run(['checks', '--json']);
    const { checks } = JSON.parse(stdout) as { checks: { code: string; id: string; title: string }[] };
    const all = await cardcheck.run(['explain', ...checks.map(({ code }) => code)]);
    expect(all.exitCode).toBe(0);
    for (const { code, id } of checks) {
      expect(all.stdout).toContain(code);
      expect(all.stdout).toContain(id);
    }
  });

  test('a check is explained in JSON as well', async () => {
    const { exitCode, stdout } = await cardcheck.run(['explain', 'cc101', '--json']);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ schemaVersion: 1, checks: [{ code: 'CC101', id: 'scdaemon-holds-card', why: expect.any(String) }] });
  });

  test.each([['report', []], ['snapshot', ['--snapshot']]])('the schema of the %s is a JSON Schema', async (_, args) => {
    const { stdout } = await cardcheck.run(['schema', ...args]);
    expect(JSON.parse(stdout).$schema).toBe('https://json-schema.org/draft/2020-12/schema');
    expect(() => new Ajv({ strict: false }).compile(JSON.parse(stdout))).not.toThrow();
  });
});

describe('what --json loads', () => {
  test('neither zod nor react nor ink', () => {
    const [, main] = Object.entries(cardcheck.metafile.outputs).find(([path]) => path.endsWith('/main.cjs')) ?? [];
    const loaded = Object.keys(main?.inputs ?? {});
    expect(loaded).toContain('src/cli.ts');
    expect(loaded.filter((path) => /node_modules\/(?!commander|@commander-js)|snapshot\/schema|report\/schema|\/ink\//.test(path))).toEqual([]);
    expect(main?.imports.filter(({ kind, path }) => kind === 'import-statement' && path.startsWith('.'))).toEqual([]);
  });
});
