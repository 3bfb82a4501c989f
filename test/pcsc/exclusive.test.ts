import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { until } from '../../src/rig/until.ts';
import { fakePcscd } from './fake-pcscd.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'exclusive-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('a terminal that is closed during an EXCLUSIVE connect ends the process after it was given back', async () => {
  const daemon = await fakePcscd({ readers: [{ name: 'Reader' }], connectDelayMs: 300 });
  const prober = join(folder, 'prober.mjs');
  const contents = `
    import { pcscdSocket } from './src/pcsc/socket.ts';
    const { value } = await pcscdSocket(${JSON.stringify(daemon.path)}).open(60_000);
    await value.readers(60_000);
    await value.connect('Reader', 'exclusive', 60_000);
    setInterval(() => {}, 60_000);`;
  await build({ stdin: { contents, resolveDir: '.' }, bundle: true, platform: 'node', format: 'esm', outfile: prober });
  const child = spawn(process.execPath, [prober], { stdio: 'inherit' });
  const exited = once(child, 'exit');
  try {
    await until('the connect is under way', async () => daemon.connects.length === 1);
    child.kill('SIGHUP');
    expect(await exited).toEqual([null, 'SIGHUP']);
    await until('what it said has arrived', async () => daemon.open() === 0);
    expect(daemon.disconnects.map((body) => body.readUInt32LE(4))).toEqual([0]);
  } finally {
    child.kill('SIGKILL');
    await daemon.stop();
  }
});
