import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openPipe } from '../../src/system/pipe.ts';
import { type BuiltCardcheck, buildCardcheck } from '../support/built.ts';
import { soundSnapshot } from '../support/snapshot.ts';

let cardcheck: BuiltCardcheck;
const folder = mkdtempSync(join(tmpdir(), 'cardcheck-'));
const fifo = join(folder, 'fifo');
beforeAll(async () => {
  cardcheck = await buildCardcheck();
  execFileSync('mkfifo', [fifo]);
  writeFileSync(join(folder, 'file'), 'x');
});
afterAll(async () => {
  await cardcheck.remove();
  rmSync(folder, { recursive: true });
});

test('a file, a folder, a device that ends or does not, and nothing at all are no pipes', () => {
  for (const path of [join(folder, 'file'), folder, '/dev/null', '/dev/zero', join(folder, 'none')]) expect(openPipe(path)).toBeNull();
});

describe.each([
  ['a snapshot', ['--from', fifo], JSON.stringify(soundSnapshot()), /Yubico YubiKey CCID 00 00/],
  ['a log', ['explain', fifo], 'pcsc_connect failed: sharing violation (0x8010000b)\n', /SCARD_E_SHARING_VIOLATION/],
] as const)('%s that comes through a FIFO', (_, args, text, says) => {
  const start = () => {
    const child = spawn(process.execPath, [cardcheck.entry, ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (piece: string) => (stdout += piece));
    const ended = new Promise<{ exitCode: number | null; signal: string | null; stdout: string }>((resolve) => child.once('close', (exitCode, signal) => resolve({ exitCode, signal, stdout })));
    return { child, ended };
  };

  test('is waited for', async () => {
    const { ended } = start();
    spawn('sh', ['-c', 'sleep 1; cat > "$0"', fifo], { stdio: ['pipe', 'ignore', 'ignore'] }).stdin.end(text);
    expect((await ended).stdout).toMatch(says);
  });

  test('is waited for no longer than its user likes', async () => {
    const { child, ended } = start();
    await new Promise((resolve) => setTimeout(resolve, 1500));
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ exitCode: 130, signal: null });
  });
});
