import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../../src/rig/until.ts';
import { run } from '../../src/system/run.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'run-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A shell that starts a child, notes both pids and waits for it. */
const family = () => ['-c', `sleep 60 & echo $$ $! > ${folder}/pids.new; mv ${folder}/pids.new ${folder}/pids; wait`];
const started = () => readFileSync(join(folder, 'pids'), 'utf8').trim().split(' ').map(Number);
const lives = (pid: number): boolean => {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};
const allGone = () => until('all of it has ended', async () => !started().some(lives), 5000);

describe('a program that is run', () => {
  it('gives its answer, whatever its exit status', async () => {
    expect(await run('sh', ['-c', 'echo out; echo err >&2; exit 3'])).toEqual({ exitCode: 3, stdout: 'out\n', stderr: 'err\n' });
    expect(await run('sh', ['-c', 'kill -9 $$'])).toMatchObject({ exitCode: null });
    await expect(run('no-such-program-anywhere', [])).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('is cut off when it says too much', async () => {
    const { exitCode, stdout } = await run('yes', [], { limit: 10 });
    expect({ exitCode, stdout }).toEqual({ exitCode: null, stdout: 'y\ny\ny\ny\ny\n' });
  });

  it('ends with everything it has started when its time is up', async () => {
    await expect(run('sh', family(), { timeoutMs: 300 })).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    await allGone();
  });

  it('ends with everything it has started when the one who asked ends first', async () => {
    const asker = join(folder, 'asker.mjs');
    const contents = `
      import { existsSync } from 'node:fs';
      import { run } from './src/system/run.ts';
      void run('sh', ${JSON.stringify(family())}, { timeoutMs: 60_000 });
      setInterval(() => existsSync('${folder}/pids') && process.exit(0), 5);`;
    await build({ stdin: { contents, resolveDir: '.' }, bundle: true, platform: 'node', format: 'esm', outfile: asker });
    spawnSync(process.execPath, [asker], { timeout: 20_000 });
    expect(existsSync(join(folder, 'pids'))).toBe(true);
    await allGone();
  });
});
