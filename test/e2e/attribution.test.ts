import { afterEach, describe, expect, it } from 'vitest';
import { layoutsOf } from '../../src/attribution/layouts.ts';
import { MemoryImage } from '../../src/attribution/memory.ts';
import { walk } from '../../src/attribution/walk.ts';
import { ReaderTable } from '../../src/pcsc/socket.ts';
import type { ReaderReport } from '../../src/report/schema.ts';
import { type Inmate } from '../../src/rig/namespace.ts';
import { type Rig, startRig } from '../../src/rig/rig.ts';
import { until } from '../../src/rig/until.ts';
import { valueOf } from '../../src/snapshot/fact.ts';
import { openProcessMemory } from '../../src/system/process-memory.ts';
import { attributionRounds } from '../support/attribution.ts';

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.stop();
  rig = null;
});

async function holders(...args: string[]): Promise<{ exitCode: number | null; readers: ReaderReport[]; stdout: string }> {
  if (rig === null) throw new Error('no rig');
  const { stdout, exitCode } = await rig.run(rig.node, [`${rig.app}/bin/cardcheck.js`, 'holders', ...args], { cwd: '/' });
  return { exitCode, stdout, readers: args.includes('--json') ? JSON.parse(stdout).readers : [] };
}

it('proves every holder among ten programs that came in any order, and nothing wrong', async () => {
  const { held, proven, wrong } = await attributionRounds('installed', 3);
  expect(wrong).toEqual([]);
  expect(proven).toBe(held);
});

describe('a holder that ss of the host does not show', () => {
  /** scriptor of pcsc-tools: connects SHARED and waits for APDUs to come on its input. */
  async function scriptor(...wrapper: [string, ...string[]]): Promise<Inmate> {
    const [program, ...args] = wrapper;
    const inmate = await (rig as Rig).spawn(program, [...args, 'scriptor'], { stdio: ['pipe', 'ignore', 'ignore'] });
    await until('it holds the reader', async () => (await (rig as Rig).pcscd.readers()).some(({ sharing }) => sharing === 1));
    return inmate;
  }

  it.each([
    ['another network namespace', ['unshare', '--net']],
    ['another pid namespace', ['unshare', '--pid', '--fork', '--mount-proc']],
    ['both', ['unshare', '--net', '--pid', '--fork', '--mount-proc']],
  ] as [string, [string, ...string[]]][])('is proven in %s', async (_, wrapper) => {
    rig = await startRig();
    await scriptor(...wrapper);
    const pid = Number((await rig.run('pgrep', ['--exact', 'scriptor'])).stdout);
    const { readers } = await holders('--json');
    expect(readers[0]?.holders).toMatchObject([{ pid, access: 'shared', certainty: 'proven' }]);
  });
});

describe('a memory that is not understood', () => {
  it('is read with the one layout of the running pcscd and with no other', async () => {
    rig = await startRig();
    const holder = await rig.hold(rig.readers[0] ?? '', 'transaction');
    const opened = await ReaderTable.open(rig.namespace.path('/run/pcscd/pcscd.comm'), 2000);
    const connection = valueOf(opened);
    const table = valueOf((await connection?.read(2000)) ?? { status: 'absent', reason: '' }) ?? [];
    const memory = openProcessMemory(rig.pcscd.pid);
    try {
      // musl's mutex has the size of x86-64's, so on aarch64 its layouts are those of x86-64.
      const layouts = [62, 183].flatMap(layoutsOf).filter(({ name }) => !name.includes('musl'));
      const readings = layouts.map((layout) => ({ layout: layout.name, holdings: walk(new MemoryImage(memory), layout, table) }));
      const [understood, ...others] = readings.filter(({ holdings }) => holdings !== null);
      expect(others).toEqual([]);
      expect(understood?.holdings?.readers[0]).toMatchObject({ sharing: 1, lock: understood?.holdings?.readers[0]?.handles[0] });

      const noise = { ...memory, read: (address: number, length: number) => memory.read(address, length)?.map((byte, index) => (index % 3 === 0 ? byte ^ 0x5a : byte)) as Buffer | null };
      expect(layoutsOf(memory.machine).map((layout) => walk(new MemoryImage(noise), layout, table))).toEqual([null, null, null]);
    } finally {
      memory.close();
      connection?.close();
      await holder.release();
    }
  });
});

describe('cardcheck holders', () => {
  it('ends with 1 while nobody holds a reader and with 0 when somebody does', async () => {
    rig = await startRig();
    expect((await holders()).exitCode).toBe(1);
    await rig.hold(rig.readers[0] ?? '', 'exclusive', { name: 'greedy' });
    const { exitCode, stdout } = await holders();
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^READER +MODE +PID +USER +COMMAND +SINCE +CERTAINTY\n/);
    expect(stdout).toMatch(/^Virtual PCD 00 00 +exclusive +\d+ +root +greedy +\d{4}-\d\d-\d\d \d\d:\d\d +proven$/m);
  });

  it('looks at the reader it was asked for', async () => {
    rig = await startRig({ readers: [{}, {}] });
    await rig.hold(rig.readers[0] ?? '', 'shared');
    expect((await holders(rig.readers[1] ?? '')).exitCode).toBe(1);
    expect((await holders('*00 00')).exitCode).toBe(0);
  });

  it('could not tell about a reader that is not there', async () => {
    rig = await startRig();
    expect((await holders('no such reader')).exitCode).toBe(2);
  });

  it('takes a machine without pcscd for one where nobody holds a reader through it', async () => {
    rig = await startRig({ pcscd: false });
    expect((await holders('--json')).exitCode).toBe(1);
  });

  it('does not touch the card', async () => {
    rig = await startRig();
    await rig.hold(rig.readers[0] ?? '', 'transaction');
    const before = await rig.card(0).counts();
    await holders();
    expect(await rig.card(0).counts()).toEqual(before);
  });
});
