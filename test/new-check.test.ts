import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codes } from '../checks/codes.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
let copy = '';

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'cardcheck-tree-'));
  for (const part of ['bin', 'checks', 'src', 'test', 'fixtures/snapshots', 'package.json', 'tsconfig.json']) cpSync(join(root, part), join(copy, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
});
afterAll(() => rmSync(copy, { recursive: true }));

function inCopy(command: string, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(command, args, { cwd: copy, encoding: 'utf8', timeout: 60_000, env: { ...process.env, CI: '1', NO_COLOR: '1' } });
}
const newCheck = (...args: string[]) => inCopy(process.execPath, 'bin/ts.js', 'bin/new-check.ts', ...args);
const text = (file: string) => readFileSync(join(copy, file), 'utf8');

/** Number after the highest of a hundred. */
const nextOf = (hundred: string): string => `CC${Math.max(...Object.keys(codes).filter((code) => code.startsWith(`CC${hundred}`)).map((code) => Number(code.slice(2)))) + 1}`;

describe('npm run new-check', () => {
  test('writes a check for every hundred, which compiles and whose tests ask for what is missing', () => {
    const made = ['1', '2', '3', '4', '5', '9'].map((hundred) => {
      const name = `constructed-cause-${hundred}`;
      const { status, stdout, stderr } = newCheck(name, '--series', hundred);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      const code = nextOf(hundred);
      expect(stdout).toMatch(new RegExp(`^${code} ${name}\n`));
      expect(stdout).toContain('Its tests fail until');
      for (const file of stdout.match(/^ {2}\S+$/gm) ?? []) expect(text(file.trim())).not.toBe('');
      return { name, code };
    });
    expect(inCopy(process.execPath, 'node_modules/typescript/bin/tsc', '--noEmit').stdout.split('\n').filter((line) => /^(?:checks|bin)\/|constructed-cause/.test(line))).toEqual([]);
    const { stdout } = inCopy(process.execPath, 'node_modules/vitest/vitest.mjs', 'run', '--config', 'test/vitest.config.ts', 'test/checks/grid.test.ts', '--reporter=json');
    const results = (JSON.parse(stdout.slice(stdout.indexOf('{'))) as { testResults: { assertionResults: { title: string; status: string }[] }[] }).testResults.flatMap(({ assertionResults }) => assertionResults);
    const failed = (title: string) => results.find((result) => result.title === title)?.status;
    for (const { name, code } of made) {
      expect([failed(`${name}: ${name}`), failed(`${code} is written out`)]).toEqual(['failed', 'failed']);
      expect([failed(`${name}-near-miss: ${name}`), failed(`${name} reads the facts it declares, and no others`), failed(`${name} has a situation in which it speaks and a near miss in which it does not`)]).toEqual(['passed', 'passed', 'passed']);
    }
    expect(failed('a check has the name of its id, and each file is listed')).toBe('passed');
  });

  test.each([
    ['a cause that has a check', ['no-reader'], /no-reader exists: it is CC506/],
    ['a file of another meaning', ['remedies'], /checks\/remedies\.ts exists/],
    ['a hundred that is none', ['some-cause', '--series', '7'], /no series 7/],
    ['a name that is no id', ['Some_Cause'], /usage: npm run new-check NAME/],
    ['no name', [], /usage: npm run new-check NAME/],
    ['an option that is none', ['some-cause', '--serie', '1'], /--serie/],
  ])('refuses %s and writes nothing', (_, args, why) => {
    const before = text('checks/index.ts');
    expect(newCheck(...args)).toMatchObject({ status: 64, stdout: '', stderr: expect.stringMatching(why) });
    expect(text('checks/index.ts')).toBe(before);
    expect(existsSync(join(copy, 'checks/some-cause.ts'))).toBe(false);
  });
});
