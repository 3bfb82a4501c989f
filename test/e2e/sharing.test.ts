import { existsSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { defaultScdaemonConf } from '../../src/demo/scdaemon-conf.ts';
import type { As } from '../../src/rig/namespace.ts';
import { type Rig, type RigOptions, startRig } from '../../src/rig/rig.ts';
import { until } from '../../src/rig/until.ts';
import type { Report } from '../../src/report/schema.ts';
import { type CardcheckRun, runCardcheck } from '../support/cardcheck.ts';

/** As root, who sees everything, and as an ordinary user, who may not look into others' processes and exists inside only where root runs the tests. */
const identities: readonly As[] = process.getuid?.() === 0 ? ['root', 'user'] : ['root'];

let rig: Rig;
/** None with GnuPG 2.2; what 2.3 and later need to look at a reader that is not on USB. */
const { lines: scdaemonConf } = await defaultScdaemonConf();

async function start(options?: RigOptions): Promise<string> {
  rig = await startRig(options);
  for (const as of identities) await rig.gnupg({ as, scdaemonConf });
  return rig.readers[0] ?? '';
}
afterEach(() => rig.stop());

async function examine(as: As): Promise<CardcheckRun & { report: Report }> {
  const run = await runCardcheck(rig, { as });
  expect(run.report, run.words).not.toBeNull();
  return run as CardcheckRun & { report: Report };
}

function readerOf(report: Report, name: string): Report['readers'][number] {
  const reader = report.readers.find((row) => row.name === name);
  expect(reader, `no ${name} in the report`).toBeDefined();
  return reader!;
}

/** Ids of findings that count as failures; a mere risk is a warning. */
function errors(report: Report): string[] {
  return report.findings.filter(({ severity }) => severity === 'error').map(({ id }) => id);
}

function outcomes(reader: Report['readers'][number]) {
  const { direct, shared, exclusive } = reader.probes;
  return { direct: direct?.outcome, shared: shared?.outcome, exclusive: exclusive?.outcome };
}

describe.each(identities)('what cardcheck says of a reader, as %s', (as) => {
  it('free', async () => {
    const name = await start();
    const { report, exitCode } = await examine(as);
    const reader = readerOf(report, name);
    expect(reader.sharing).toMatchObject({ mode: 'free', handles: 0, transaction: false });
    expect(reader.card.present).toBe(true);
    expect(outcomes(reader)).toEqual({ direct: 'ok', shared: 'ok', exclusive: 'ok' });
    expect(reader.holders).toEqual([]);
    expect(errors(report)).toEqual([]);
    expect(exitCode).toBe(0);
    expect(await rig.card(0).counts()).toMatchObject({ reset: 0, apdu: 0 });
  });

  it('shared three times', async () => {
    const name = await start();
    const holders = [await rig.hold(name, 'shared'), await rig.hold(name, 'shared'), await rig.hold(name, 'shared', as === 'user' ? { as } : {})];
    const { report, exitCode } = await examine(as);
    const reader = readerOf(report, name);
    expect(reader.sharing).toMatchObject({ mode: 'shared', handles: 3, transaction: false });
    // EXCLUSIVE would fail, and trying it proves nothing new.
    expect(outcomes(reader)).toEqual({ direct: 'ok', shared: 'ok', exclusive: 'skipped' });
    // scdaemon as it is installed connects exclusively and cannot get in now, running or not.
    expect(errors(report)).toEqual(['other-client-blocks-scdaemon']);
    expect(exitCode).toBe(1);
    if (as === 'root') expect(reader.holders.map(({ pid, access }) => ({ pid, access })).sort(byPid)).toEqual(holders.map(({ insidePid: pid }) => ({ pid, access: 'shared' })).sort(byPid));
    else expect(reader.holders.length + reader.unattributed).toBeGreaterThanOrEqual(3);
  });

  it('shared, where scdaemon shares as well', async () => {
    const name = await start();
    await rig.gnupg({ as, scdaemonConf: ['disable-ccid', 'pcsc-shared'] });
    await rig.hold(name, 'shared');
    const { report, exitCode } = await examine(as);
    expect(readerOf(report, name).sharing).toMatchObject({ mode: 'shared', handles: 1 });
    expect(report.findings.filter(({ severity }) => severity !== 'info')).toEqual([]);
    expect(exitCode).toBe(0);
  });

  it('free, though others look at the same time', async () => {
    await start();
    const runs = await Promise.all([1, 2, 3].map(() => examine(as)));
    expect(runs.map(({ report }) => report.readers.map(({ sharing, holders }) => [sharing.mode, holders]))).toEqual(runs.map(() => [['free', []], ['free', []]]));
    expect(runs.map(({ report, exitCode }) => [exitCode, errors(report)])).toEqual(runs.map(() => [0, []]));
  });

  it('held exclusively', async () => {
    const name = await start();
    const holder = await rig.hold(name, 'exclusive');
    const { report, exitCode } = await examine(as);
    const reader = readerOf(report, name);
    expect(reader.sharing).toMatchObject({ mode: 'exclusive' });
    expect(reader.probes.shared).toMatchObject({ outcome: 'sharing-violation', code: 'SCARD_E_SHARING_VIOLATION', hex: '0x8010000B' });
    expect(errors(report)).toEqual(['other-client-holds-card']);
    expect(exitCode).toBe(1);
    if (as === 'root') expect(reader.holders).toMatchObject([{ pid: holder.insidePid, access: 'exclusive', certainty: 'proven', command: 'other-program' }]);
    else expect(reader.holders.filter(({ certainty }) => certainty === 'proven')).toEqual([]);
  });

  it('held DIRECT', async () => {
    const name = await start();
    const holder = await rig.hold(name, 'direct');
    const { report, exitCode } = await examine(as);
    const reader = readerOf(report, name);
    expect(reader.sharing).toMatchObject({ mode: 'shared', handles: 1 });
    expect(outcomes(reader)).toMatchObject({ direct: 'ok', shared: 'ok' });
    expect(errors(report)).toEqual(['other-client-blocks-scdaemon']);
    expect(exitCode).toBe(1);
    if (as === 'root') expect(reader.holders).toMatchObject([{ pid: holder.insidePid }]);
  });

  it('in a transaction', async () => {
    const name = await start();
    const holder = await rig.hold(name, 'transaction');
    const { report, exitCode } = await examine(as);
    const reader = readerOf(report, name);
    expect(reader.sharing).toMatchObject({ mode: 'shared', handles: 1, transaction: true });
    // One blocked connect is enough, and a second one would wait as well.
    expect(outcomes(reader)).toMatchObject({ direct: 'blocked', shared: 'skipped', exclusive: 'skipped' });
    expect(errors(report)).toEqual(['other-client-holds-transaction']);
    expect(exitCode).toBe(1);
    if (as === 'root') expect(reader.holders).toMatchObject([{ pid: holder.insidePid, access: 'transaction' }]);
    else expect(reader.holders.filter(({ certainty }) => certainty === 'proven')).toEqual([]);
  });

  it('without a card', async () => {
    const name = await start({ readers: [{ card: 'none' }] });
    const { report, exitCode } = await examine(as);
    const reader = readerOf(report, name);
    expect(reader.card).toMatchObject({ present: false });
    expect(reader.probes.direct).toMatchObject({ outcome: 'ok' });
    expect(reader.probes.shared).toMatchObject({ outcome: 'no-card', hex: '0x8010000C' });
    expect(errors(report)).toEqual([]);
    expect(exitCode).toBe(0);
  });

  it('with a mute card', async () => {
    const name = await start({ readers: [{ card: 'mute' }] });
    const { report } = await examine(as);
    const reader = readerOf(report, name);
    expect(reader.card.present).toBe(true);
    expect(reader.probes.shared).toMatchObject({ outcome: 'unpowered', hex: '0x80100067' });
    // Nobody holds it, so nobody may be accused.
    expect(errors(report).filter((id) => id !== 'card-defect')).toEqual([]);
    expect(reader.holders).toEqual([]);
  });

  it('after its holder was killed with -9', async () => {
    const name = await start();
    const holder = await rig.hold(name, 'exclusive');
    await holder.kill('SIGKILL');
    await until('pcscd has noticed', async () => (await rig.pcscd.readers())[0]?.sharing === 0);
    const resets = (await rig.card(0).counts()).reset;
    const { report, exitCode } = await examine(as);
    expect(readerOf(report, name).sharing).toMatchObject({ mode: 'free', handles: 0 });
    expect(errors(report)).toEqual([]);
    expect(exitCode).toBe(0);
    expect((await rig.card(0).counts()).reset).toBe(resets);
  });
});

describe.each(identities)('what cardcheck says of the service, as %s', (as) => {
  it('no reader', async () => {
    await start({ readers: [] });
    const { report } = await examine(as);
    expect(report.readers).toEqual([]);
    expect(report.layers.find(({ id }) => id === 'service')).toMatchObject({ status: 'ok' });
    expect(errors(report)).toEqual([]);
  });

  it('no pcscd', async () => {
    await start({ pcscd: false });
    const { report, exitCode } = await examine(as);
    expect(errors(report)).toEqual(['pcscd-not-running']);
    expect(exitCode).toBe(1);
    expect(report.readers).toEqual([]);
    const { exitCode: woken } = await rig.run('test', ['-e', '/run/pcscd/pcscd.comm']);
    expect(woken).toBe(1);
  });

  it('a pcscd that was killed and left its socket', async () => {
    await start();
    await rig.pcscd.kill('SIGKILL');
    const { report, exitCode } = await examine(as);
    expect(errors(report)).toEqual(['pcscd-not-running']);
    expect(exitCode).toBe(1);
  });

  it('a pcscd that dies in the middle of a probe', async () => {
    const name = await start();
    await rig.hold(name, 'transaction');
    const before = await rig.pcscd.threads();
    const running = examine(as);
    // Each connection is a thread of pcscd's: more than before means that cardcheck is in there, waiting for the transaction.
    await until('cardcheck has connected', async () => (await rig.pcscd.threads()) > before, 15_000);
    await rig.pcscd.kill('SIGKILL');
    const { report, exitCode } = await running;
    expect(report.status).not.toBe('ok');
    expect(exitCode).toBeGreaterThan(0);
    expect(report.checks.filter(({ outcome }) => outcome === 'crashed')).toEqual([]);
  });

  it('a pcscd that is too busy to accept for a moment', async () => {
    const name = await start({ readers: [{ card: 'plain' }] });
    process.kill(rig.pcscd.pid, 'SIGSTOP');
    // pcscd's own socket queues one connection beyond the first; from then on a connect gets EAGAIN.
    const queued = `for (const n of [1, 2]) require('node:net').connect('/run/pcscd/pcscd.comm').on('connect', () => console.log(n)).on('error', () => {})`;
    const crowd = await rig.spawn(rig.node, ['-e', queued], { cwd: '/' });
    await until('the queue is full', async () => crowd.said.stdout().split('\n').length > 2);
    const running = examine(as);
    setTimeout(() => process.kill(rig.pcscd.pid, 'SIGCONT'), 700);
    const { report, exitCode } = await running;
    expect(errors(report)).toEqual([]);
    expect(outcomes(readerOf(report, name))).toEqual({ direct: 'ok', shared: 'ok', exclusive: 'ok' });
    expect(exitCode).toBe(0);
  });

  it('a socket that accepts and never answers', async () => {
    await start({ pcscd: false });
    const deaf = await rig.spawn(rig.node, ['-e', `require('node:net').createServer(() => {}).listen('/run/pcscd/pcscd.comm', () => { require('node:fs').chmodSync('/run/pcscd/pcscd.comm', 0o777); console.log('deaf') })`], { cwd: '/' });
    await until('it listens', async () => existsSync(rig.namespace.path('/run/pcscd/pcscd.comm')) && deaf.said.stdout() !== '');
    const { report, exitCode } = await examine(as);
    expect(report.status).not.toBe('ok');
    expect(exitCode).toBeGreaterThan(0);
    expect(report.readers).toEqual([]);
    expect(report.checks.filter(({ outcome }) => outcome === 'crashed')).toEqual([]);
  });
});

describe('gpg beside another program', () => {
  it('says who keeps scdaemon out, and what it advises works', async () => {
    const name = await start();
    const holder = await rig.hold(name, 'shared');
    const gnupg = await rig.gnupg({ scdaemonConf });
    const refused = await gnupg.gpg('--card-status');
    expect(refused.stderr).toContain('No such device');

    const blocked = await examine('root');
    expect(errors(blocked.report)).toEqual(['other-client-blocks-scdaemon']);
    expect(blocked.exitCode).toBe(1);
    const finding = blocked.report.findings.find(({ id }) => id === 'other-client-blocks-scdaemon')!;
    expect(finding).toMatchObject({ severity: 'error', layer: 'sharing' });
    expect(JSON.stringify(finding)).toContain(String(holder.insidePid));
    expect(readerOf(blocked.report, name).holders).toMatchObject([{ pid: holder.insidePid, access: 'shared' }]);

    await applyLastingRemedy(finding);
    await until('gpg-agent has taken notice', async () => (await gnupg.scdaemonPids()).length === 0);
    expect(await gnupg.gpg('--card-status')).toMatchObject({ exitCode: 0 });
    const green = await examine('root');
    expect(green.report.findings.filter(({ severity }) => severity !== 'info')).toEqual([]);
    expect(green.exitCode).toBe(0);
    expect(readerOf(green.report, name).sharing).toMatchObject({ mode: 'shared', handles: 2 });
  });

  it('names scdaemon where gpg keeps another program out', async () => {
    const name = await start();
    const gnupg = await rig.gnupg({ scdaemonConf });
    expect(await gnupg.gpg('--card-status')).toMatchObject({ exitCode: 0 });
    await expect(rig.hold(name, 'shared')).rejects.toThrow('0x8010000B');
    const [scdaemon] = await gnupg.scdaemonPids();
    const { report, exitCode } = await examine('root');
    expect(errors(report)).toEqual(['scdaemon-holds-card']);
    expect(exitCode).toBe(1);
    expect(readerOf(report, name).holders).toMatchObject([{ pid: scdaemon, command: 'scdaemon', access: 'exclusive', certainty: 'proven' }]);
  });
});

/** Runs what the finding says, by the letter. */
async function applyLastingRemedy(finding: Report['findings'][number]): Promise<void> {
  const remedy = finding.remedies.find(({ kind }) => kind === 'lasting');
  expect(remedy?.commands.length, 'a lasting remedy').toBeGreaterThan(0);
  for (const command of remedy!.commands) expect(await rig.run('sh', ['-c', command], { cwd: '/' })).toMatchObject({ exitCode: 0 });
}

const byPid = (one: { pid: number }, other: { pid: number }): number => one.pid - other.pid;
