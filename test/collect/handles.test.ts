import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import handles from '../../src/collect/handles.ts';
import { type Rig, startRig } from '../../src/rig/rig.ts';
import { fixtureSystem } from '../../src/system/fixture.ts';
import { parseMaps } from '../../src/system/process-memory.ts';
import { realSystem } from '../../src/system/real.ts';

const options = { passive: true, wake: false, exclusive: false, timeoutMs: 1000, reader: null };

describe('open handles', () => {
  it('are none on a machine of files', async () => {
    const root = await mkdtemp(join(tmpdir(), 'cardcheck-'));
    expect((await handles.collect(await fixtureSystem(root), options)).handles.status).toBe('skipped');
    await rm(root, { recursive: true });
  });

  it('are absent, and nobody is woken, where no pcscd runs', async () => {
    const system = realSystem();
    const nowhere = { ...system, env: () => '/nonexistent/pcscd.comm', readDir: async () => [] };
    expect((await handles.collect(nowhere, options)).handles).toEqual({ status: 'absent', reason: 'no pcscd is running' });
  });
});

describe('where no pcscd is in sight but its socket is there', () => {
  const unitStates = (stdout: string) => async () => ({ exitCode: 3, stdout, stderr: '' });
  /** A socket of the machine of which no process is pcscd; connecting to it would fail the test by the error it gives. */
  const machine = (stdout: string) => ({
    ...realSystem(),
    env: () => undefined,
    readDir: async () => [],
    readFile: async () => '',
    stat: async () => ({ kind: 'socket', mode: 0o666, uid: 0, gid: 0, size: 0, mtimeMs: 0, inode: 1 }) as const,
    run: unitStates(stdout),
  });

  it.each([
    ['systemd says that it sleeps', 'inactive\nactive\n', 'absent'],
    ['it may be out of sight', 'inactive\ninactive\n', 'skipped'],
    ['there is no systemd', '', 'skipped'],
  ])('nobody is woken: %s', async (_, stdout, status) => {
    expect((await handles.collect(machine(stdout), options)).handles.status).toBe(status);
  });
});

describe('of a running pcscd', () => {
  let rig: Rig;
  beforeEach(async () => {
    rig = await startRig();
  });
  afterEach(() => rig.stop());

  /** `cardcheck --passive`, with a PATH that has only these programs of the machine. */
  async function handlesWith(...programs: string[]) {
    const folder = '/run/rig/tmp/programs';
    await rig.run('mkdir', ['-p', folder]);
    for (const program of programs) await rig.run('sh', ['-c', `ln -sf "$(command -v ${program})" ${folder}/`]);
    const file = '/run/rig/tmp/snapshot.json';
    await rig.run('env', [`PATH=${folder}`, rig.node, `${rig.app}/bin/cardcheck.js`, '--passive', '--json', '--no-redact', '--save', file], { cwd: '/' });
    return JSON.parse((await rig.run('cat', [file])).stdout).facts.handles;
  }

  it.each([
    ['the kernel is asked by Perl', ['perl']],
    ['there is only ss', ['ss', 'nsenter']],
  ])('are named where %s', async (_, programs) => {
    const holder = await rig.hold(rig.readers[0] ?? '', 'transaction', { name: 'signer' });
    expect(await handlesWith(...programs)).toMatchObject({
      status: 'ok',
      value: [{ reader: rig.readers[0], access: 'transaction', pid: holder.insidePid, process: { comm: 'signer' } }],
    });
  });

  it('could not be proven where the kernel cannot be asked who connected', async () => {
    await rig.hold(rig.readers[0] ?? '', 'shared');
    expect(await handlesWith()).toMatchObject({ status: 'failed', error: expect.stringContaining('neither perl nor ss') });
  });
});

describe('the mappings that can hold pcscd\'s structures', () => {
  it('are its variables with what follows them, its heap and anonymous memory', () => {
    const maps = [
      '5590a0000000-5590a0008000 r--p 00000000 fe:00 1047 /usr/sbin/pcscd',
      '5590a0008000-5590a0020000 r-xp 00008000 fe:00 1047 /usr/sbin/pcscd',
      '5590a002e000-5590a002f000 r--p 0002d000 fe:00 1047 /usr/sbin/pcscd',
      '5590a002f000-5590a0030000 rw-p 0002e000 fe:00 1047 /usr/sbin/pcscd',
      '5590a0030000-5590a0032000 rw-p 00000000 00:00 0 ',
      '5590a1000000-5590a1021000 rw-p 00000000 00:00 0 [heap]',
      '7f0000000000-7f0000021000 rw-p 00000000 00:00 0 ',
      '7f0000021000-7f0004000000 ---p 00000000 00:00 0 ',
      '7f0010000000-7f0010002000 rw-p 001d0000 fe:00 2000 /usr/lib/x86_64-linux-gnu/libc.so.6',
      '7f0010002000-7f0010004000 rw-s 00000000 00:01 3000 /dev/shm/x',
      '7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0 [stack]',
      'garbage',
    ].join('\n');
    expect(parseMaps(maps, (path) => path === '/usr/sbin/pcscd').map(({ start, end, kind }) => [start.toString(16), end.toString(16), kind])).toEqual([
      ['5590a002f000', '5590a0030000', 'data'],
      ['5590a0030000', '5590a0032000', 'data'],
      ['5590a1000000', '5590a1021000', 'heap'],
      ['7f0000000000', '7f0000021000', 'heap'],
    ]);
  });
});
