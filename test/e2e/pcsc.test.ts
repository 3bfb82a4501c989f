import { mkdtemp, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { CollectOptions } from '../../src/collect/collector.ts';
import { collectPcsc, type PcscFacts } from '../../src/collect/pcsc.ts';
import { startAddon } from '../../src/pcsc/addon.ts';
import { openReaderTable, pcscdSocket } from '../../src/pcsc/socket.ts';
import type { Hold } from '../../src/rig/holder.ts';
import { type Rig, type RigOptions, startRig } from '../../src/rig/rig.ts';
import { until } from '../../src/rig/until.ts';
import { absent, ok } from '../../src/snapshot/fact.ts';
import type { Fact, Probe } from '../../src/snapshot/schema.ts';
import { realSystem } from '../../src/system/real.ts';
import { buildChild } from '../pcsc/child-bundle.ts';

/** Beside node_modules, so that the child finds pcsclite. */
const dist = fileURLToPath(new URL('../../dist/', import.meta.url));
let folder = '';
let child = '';
beforeAll(async () => {
  folder = await mkdtemp(`${dist}test-`);
  child = await buildChild(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

let rig: Rig;
afterEach(async () => {
  delete process.env.PCSCLITE_CSOCK_NAME;
  await rig.stop();
});

async function start(options?: RigOptions): Promise<string> {
  rig = await startRig(options);
  // libpcsclite and the socket backend alike go where this variable points, also into another mount namespace.
  process.env.PCSCLITE_CSOCK_NAME = socket();
  return rig.readers[0] ?? '';
}

const socket = () => rig.namespace.path('/run/pcscd/pcscd.comm');

/** Both backends on the rig's pcscd, which is known to run. */
function collect(options: Partial<CollectOptions> = {}, onStep: (step: string) => void = () => {}): Promise<PcscFacts> {
  const settings = { passive: false, wake: true, exclusive: true, timeoutMs: 1500, reader: null, ...options };
  const looked = { pcscdProcesses: ok([awake], 'the rig'), pcscdUnits: absent('no systemd in the rig'), pcscdSocket: absent('not looked at'), scdaemons: absent('the rig has none'), usbHolders: absent('the rig has none'), clients: absent('not looked at') };
  const ports = { daemon: pcscdSocket(socket()), library: startAddon(child) };
  return collectPcsc(realSystem(), settings, looked, ports, ({ step, state }) => state === 'running' && onStep(step));
}

function value<T>(fact: Fact<T>): T {
  if (fact.status !== 'ok') throw new Error(JSON.stringify(fact));
  return fact.value;
}

const awake = {
  process: { pid: 1, ppid: 0, uid: 0, user: 'root', comm: 'pcscd', argv: ['pcscd'], exe: null, startedAt: null, tty: null, unit: null, parents: [], confinement: null, hidden: false },
  sameMountNamespace: true,
  sameNetworkNamespace: true,
  listensOn: [],
};

/** Outcomes of one reader's probes: {'daemon direct': 'ok', …}. */
function outcomes(probes: Fact<Probe[]>, reader: string): Record<string, string> {
  const own = value(probes).filter((probe) => probe.reader === reader);
  return Object.fromEntries(own.map(({ backend, mode, outcome }) => [`${backend} ${mode}`, outcome]));
}

const all = (direct: string, shared: string, exclusive: string) => ({
  'daemon direct': direct,
  'daemon shared': shared,
  'daemon exclusive': exclusive,
  'library direct': direct,
  'library shared': shared,
});

describe('a reader', () => {
  test.each<[string, Hold[], number, Record<string, string>]>([
    ['that is free', [], 0, all('ok', 'ok', 'ok')],
    ['shared three times', ['shared', 'shared', 'shared'], 3, all('ok', 'ok', 'skipped')],
    ['held DIRECT', ['direct'], 1, all('ok', 'ok', 'skipped')],
    ['held EXCLUSIVE', ['exclusive'], -1, all('sharing-violation', 'sharing-violation', 'skipped')],
    ['with clients that hold nothing', ['context', 'context'], 0, all('ok', 'ok', 'ok')],
    ['in a transaction', ['transaction'], 1, { ...all('skipped', 'skipped', 'skipped'), 'daemon direct': 'blocked' }],
  ])('%s', async (_, holds, sharing, expected) => {
    const reader = await start();
    for (const hold of holds) await rig.hold(reader, hold);
    const before = await rig.card(0).counts();
    const facts = await collect();
    expect(value(facts.readers)[0]).toMatchObject({ name: reader, present: true, sharing });
    expect(outcomes(facts.probes, reader)).toEqual(expected);
    expect(value(facts.libraryReaders).map(({ name }) => name)).toEqual(value(facts.readers).map(({ name }) => name));
    // Whether a reader is in use is pcscd's to say: the library may have seen our own handle.
    // The upper half counts insertions, none where the card was there before pcscd looked.
    expect((value(facts.libraryReaders)[0]?.state ?? 0) & 0xffff).toBe(0x22);
    expect(value(facts.libraryContext)).toEqual({ code: 'SCARD_S_SUCCESS', hex: '0x00000000' });
    const after = await rig.card(0).counts();
    expect(after).toMatchObject({ reset: 0, apdu: 0 });
    // From a card that nobody holds pcscd takes the power by itself.
    if (sharing !== 0) expect(after).toEqual(before);
    // Neither backend saw a handle of the other's: pcscd counts what it counted before.
    if (expected['daemon direct'] !== 'blocked') expect((await rig.pcscd.readers())[0]).toMatchObject({ sharing });
  });

  test('without a card, and one with a mute card, in the same run', async () => {
    const empty = await start({ readers: [{ card: 'none' }, { card: 'mute' }] });
    const facts = await collect();
    expect(outcomes(facts.probes, empty)).toEqual(all('ok', 'no-card', 'skipped'));
    expect(outcomes(facts.probes, rig.readers[1] ?? '')).toEqual(all('ok', 'unpowered', 'skipped'));
  });

  test('in a transaction does not keep another one from being probed', async () => {
    const held = await start({ readers: [{}, {}] });
    await rig.hold(held, 'transaction');
    const facts = await collect();
    expect(outcomes(facts.probes, rig.readers[1] ?? '')).toEqual(all('ok', 'ok', 'ok'));
  });

  test('that was not asked for is not touched', async () => {
    await start({ readers: [{}, {}] });
    const facts = await collect({ reader: '*00 01' });
    expect(value(facts.probes).every(({ reader }) => reader === rig.readers[1])).toBe(true);
  });
});

/** No more than before: when it was counted, the connection that waited for the readers may not have ended yet. */
const isAsBefore = async (threads: number, fds: number) => (await rig.pcscd.threads()) <= threads && (await rig.pcscd.fds()) <= fds;

test('the connect given up on a transaction leaves nothing behind in pcscd once the transaction ends', async () => {
  const reader = await start();
  const [threads, fds] = [await rig.pcscd.threads(), await rig.pcscd.fds()];
  const holder = await rig.hold(reader, 'transaction');
  await holder.verifyPin();
  await collect({ timeoutMs: 300 });
  await holder.release();
  await until('pcscd is as it was', () => isAsBefore(threads, fds));
  expect((await rig.pcscd.readers())[0]).toMatchObject({ sharing: 0 });
  expect(await rig.card(0).counts()).toMatchObject({ reset: 0, verified: true });
});

test('a run beside a program at work takes nothing from it, time after time', async () => {
  const reader = await start();
  const holder = await rig.hold(reader, 'shared');
  await holder.verifyPin();
  const [threads, fds] = [await rig.pcscd.threads(), await rig.pcscd.fds()];
  await holder.startWork(5);
  for (let run = 0; run < 20; run++) expect(outcomes((await collect()).probes, reader)).toEqual(all('ok', 'ok', 'skipped'));
  await holder.stopWork();
  const report = await holder.report();
  expect(report.failures).toEqual([]);
  expect(await rig.card(0).counts()).toMatchObject({ powerOn: 1, powerOff: 0, reset: 0, apdu: report.sent, verified: true });
  await until('pcscd is as it was', () => isAsBefore(threads, fds));
});

test('the table is readable on its own, over and over, without a connect', async () => {
  const reader = await start();
  const table = value(await openReaderTable(realSystem(), 1500));
  const sharing = async () => value(await table.read(1500))[0]?.sharing;
  expect(await sharing()).toBe(0);
  const holder = await rig.hold(reader, 'exclusive');
  expect(await sharing()).toBe(-1);
  await holder.release();
  expect(await sharing()).toBe(0);
  table.close();
});

test('--passive reads both views and makes no connect', async () => {
  const reader = await start();
  await rig.hold(reader, 'exclusive');
  const facts = await collect({ passive: true });
  expect(value(facts.readers)[0]).toMatchObject({ sharing: -1 });
  expect(value(facts.daemon)).toMatchObject({ woken: false });
  // A table of 16, or from 2.5 on of what there is.
  expect([16, rig.readers.length]).toContain(value(facts.daemon).slots);
  expect(facts.probes).toEqual({ status: 'skipped', why: '--passive makes no connect' });
});

describe('pcscd', () => {
  test('without readers is sound and has an empty table', async () => {
    await start({ readers: [] });
    const facts = await collect();
    expect([facts.daemon.status, value(facts.readers), value(facts.libraryReaders), value(facts.probes)]).toEqual(['ok', [], [], []]);
  });

  test('that is not there: both backends say so', async () => {
    await start();
    await rig.pcscd.stop();
    const facts = await collect();
    expect(facts).toMatchObject({ daemon: { status: 'absent' }, readers: { status: 'absent' }, probes: { status: 'skipped' }, libraryReaders: { status: 'failed' } });
    expect(value(facts.libraryContext)).toEqual({ code: 'SCARD_E_NO_SERVICE', hex: '0x8010001D', library: expect.stringContaining('/libpcsclite') });
  });

  test('that left its socket behind: nobody listens', async () => {
    await start();
    await rig.pcscd.kill();
    expect((await collect()).daemon).toEqual({ status: 'absent', reason: `nobody listens on ${socket()} (ECONNREFUSED)` });
  });

  test('that dies in the middle of a probe: an error with the reason, and no further connect', async () => {
    const reader = await start();
    await rig.hold(reader, 'transaction');
    const facts = await collect({}, (step) => {
      // The first connect waits for the transaction, so there is time.
      if (step === reader) setTimeout(() => void rig.pcscd.kill(), 300);
    });
    expect(outcomes(facts.probes, reader)).toEqual({ ...all('skipped', 'skipped', 'skipped'), 'daemon direct': 'error' });
    expect(value(facts.probes)[0]).toMatchObject({ code: null, reason: expect.stringContaining('in the middle of a call') });
  });
});

test('a holder killed with -9 frees the reader', async () => {
  const reader = await start();
  const holder = await rig.hold(reader, 'exclusive');
  await holder.kill();
  await until('pcscd noticed', async () => (await rig.pcscd.readers())[0]?.sharing === 0);
  expect(outcomes((await collect()).probes, reader)).toEqual(all('ok', 'ok', 'ok'));
});
