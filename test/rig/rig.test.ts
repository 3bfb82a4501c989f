import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { defaultScdaemonConf } from '../../src/demo/scdaemon-conf.ts';
import { requireParts } from '../../src/rig/requirements.ts';
import { type Rig, type RigOptions, startRig } from '../../src/rig/rig.ts';
import { until } from '../../src/rig/until.ts';

let rig: Rig | null = null;
async function start(options?: RigOptions): Promise<Rig> {
  rig = await startRig(options);
  return rig;
}
afterEach(async () => {
  await rig?.stop();
  rig = null;
});

const isRoot = process.getuid?.() === 0;

describe('the rig', { timeout: 60_000 }, () => {
  it('serves an OpenPGP card that real gpg reads', async () => {
    const { readers } = await start();
    expect(readers).toEqual(['Virtual PCD 00 00', 'Virtual PCD 00 01']);
    const gnupg = await rig!.gnupg({ scdaemonConf: (await defaultScdaemonConf()).lines });
    const status = await gnupg.gpg('--card-status');
    expect(status).toMatchObject({ exitCode: 0 });
    expect(status.stdout).toContain('Application ID ...: D276000124010304FFFE000000010000');
    expect(await gnupg.scdaemonPids()).toHaveLength(1);
  });

  it('lets a shared handle keep real scdaemon out, and the two share with pcsc-shared', async () => {
    const { readers } = await start();
    await rig!.hold(readers[0]!, 'shared');
    const gnupg = await rig!.gnupg({ scdaemonConf: (await defaultScdaemonConf()).lines });
    const refused = await gnupg.gpg('--card-status');
    expect(refused.exitCode).not.toBe(0);
    expect(refused.stderr).toContain('No such device');
    await gnupg.configure(['disable-ccid', 'pcsc-shared']);
    await gnupg.killScdaemon();
    expect(await gnupg.gpg('--card-status')).toMatchObject({ exitCode: 0 });
  });

  it('holds exclusively: nobody else gets in', async () => {
    const { readers } = await start();
    const holder = await rig!.hold(readers[0]!, 'exclusive');
    await expect(rig!.hold(readers[0]!, 'shared')).rejects.toThrow('0x8010000B');
    await holder.release();
    await (await rig!.hold(readers[0]!, 'shared')).release();
    expect((await rig!.pcscd.readers())[0]).toMatchObject({ sharing: 0 });
  });

  it('counts what happens to the card, and the PIN is lost with the holder of a transaction', async () => {
    const { readers } = await start();
    const card = rig!.card(0);
    const holder = await rig!.hold(readers[0]!, 'transaction');
    await holder.verifyPin();
    expect(await card.counts()).toMatchObject({ powerOn: 1, reset: 0, apdu: 2, verified: true });
    await holder.kill();
    await until('pcscd resets the card', async () => (await card.counts()).reset > 0);
    expect((await card.counts()).verified).toBe(false);
  });

  it('refuses a wrong PIN and counts the tries', async () => {
    const { readers } = await start();
    const holder = await rig!.hold(readers[0]!, 'shared');
    expect(await holder.transmit('00a4040006d27600012401')).toBe('9000');
    expect(await holder.transmit('0020008206000000000000')).toBe('63c2');
    expect((await rig!.card(0).counts()).verified).toBe(false);
  });

  it('has mute cards, plain cards and empty slots', async () => {
    const { readers } = await start({ readers: [{ card: 'mute' }, { card: 'plain' }, { card: 'none' }] });
    expect(readers).toHaveLength(4);
    await expect(rig!.hold(readers[0]!, 'shared')).rejects.toThrow('0x80100067');
    const plain = await rig!.hold(readers[1]!, 'shared');
    expect(await plain.transmit('00a4040006d27600012401')).toBe('6a82');
    await expect(rig!.hold(readers[2]!, 'shared')).rejects.toThrow('0x8010000C');
  });

  it('inserts and removes cards', async () => {
    await start({ readers: [{ card: 'none' }] });
    await rig!.card(0).insert();
    await rig!.pcscd.untilReaders('the card is in', ([slot]) => slot?.present === true && slot.settled);
    await rig!.card(0).remove();
    await rig!.pcscd.untilReaders('the card is out', ([slot]) => slot?.present === false);
  });

  it('runs without a reader, and without pcscd', async () => {
    expect(await start({ readers: [] })).toMatchObject({ readers: [] });
    await rig!.pcscd.stop();
    expect(await rig!.run('test', ['-e', '/run/pcscd/pcscd.comm'])).toMatchObject({ exitCode: 1 });
    await rig!.stop();
    const bare = await start({ pcscd: false });
    expect(bare.pcscd.pid).toBe(0);
  });

  it.runIf(isRoot)('tells the user inside from root', async () => {
    const { readers } = await start();
    expect((await rig!.run('id', ['-u'])).stdout).toBe('0\n');
    expect((await rig!.run('id', ['-u'], { as: 'user' })).stdout).toBe('65534\n');
    const holder = await rig!.hold(readers[0]!, 'shared', { as: 'user', name: 'my-reader-app' });
    const { stdout } = await rig!.run('ps', ['-o', 'user=,comm=', '-p', String(holder.insidePid)]);
    expect(stdout.split(/\s+/)).toEqual(['nobody', 'my-reader-app', '']);
    expect(readFileSync(`/proc/${holder.pid}/comm`, 'utf8')).toBe('my-reader-app\n');
  });

  it('shows nothing of the machine: no USB device, no other process, no GnuPG configuration', async () => {
    await start();
    const seen = await rig!.run('sh', ['-c', 'ls /dev/bus/usb /sys/bus/usb/devices /etc/gnupg 2>/dev/null | grep -v :; ls /run']);
    expect(seen.stdout.trim().split(/\s+/)).toEqual(['mount', 'pcscd', 'rig']);
    const processes = await rig!.run('ps', ['-eo', 'comm=']);
    expect(processes.stdout.trim().split(/\s+/)).toEqual(['sh', 'cat', 'virtual-cards', 'pcscd', 'ps']);
  });

  it('ends a program that is stopped, and all the rest beside one', async () => {
    const stop = async () => {
      const sleeper = await rig!.spawn('sleep', ['600']);
      sleeper.kill('SIGSTOP');
      await until('it is stopped', async () => /^State:\s+T/m.test(readFileSync(`/proc/${sleeper.pid}/status`, 'utf8')));
      return sleeper;
    };
    await start();
    const first = await stop();
    first.kill('SIGKILL');
    expect(await first.exited).toMatchObject({ signal: 'SIGKILL' });
    const second = await stop();
    await rig!.stop();
    await until('it is gone', async () => isGone(second.pid));
  });

  it('leaves no process behind when its owner is killed', async () => {
    const owner = spawn(process.execPath, ['bin/ts.js', 'test/support/rig-open.ts'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(owner.stdout, 'data')) as [Buffer];
    const { pids } = JSON.parse(line.toString()) as { pids: number[] };
    expect(pids.every((pid) => existsSync(`/proc/${pid}`))).toBe(true);
    owner.kill('SIGKILL');
    await until('all of it is gone', async () => pids.every(isGone));
  });

  it('says in its own words why pcscd does not run', async () => {
    await expect(startRig({ pcscdArgs: ['--no-such-option'] })).rejects.toThrow(/pcscd ended at once: .*no-such-option/s);
  });

  it('says which package brings what is missing', async () => {
    await expect(requireParts(['pcscd', 'ip'], ['/nowhere'])).rejects.toMatchObject({
      message: expect.stringContaining('pcscd, ip'),
      help: [expect.stringContaining('apt-get install pcscd iproute2')],
    });
  });
});

/** Gone, or dead and only waiting for process 1 to take notice. */
function isGone(pid: number): boolean {
  try {
    return /^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return true;
  }
}
