import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import type { CollectOptions } from '../../src/collect/collector.ts';
import { collectPcsc, type LookedAt } from '../../src/collect/pcsc.ts';
import type { Progress } from '../../src/collect/progress.ts';
import type { AddonPort } from '../../src/pcsc/addon.ts';
import type { OpenedPcsc } from '../../src/pcsc/port.ts';
import { pcscdSocket } from '../../src/pcsc/socket.ts';
import { absent, denied, ok } from '../../src/snapshot/fact.ts';
import type { Facts, Probe, Process, ReaderState } from '../../src/snapshot/schema.ts';
import type { System } from '../../src/system/port.ts';
import { SystemError } from '../../src/system/port.ts';
import { realSystem } from '../../src/system/real.ts';
import { type Daemon, type FakeOptions, fakePcscd, listen } from '../pcsc/fake-pcscd.ts';

const daemons: Daemon[] = [];
afterEach(async () => {
  for (const daemon of daemons.splice(0)) await daemon.stop();
});
async function daemonWith(options: FakeOptions = {}): Promise<Daemon> {
  const daemon = await fakePcscd(options);
  daemons.push(daemon);
  return daemon;
}

const options: CollectOptions = { passive: false, wake: true, exclusive: true, timeoutMs: 1500, reader: null };

const process_ = (pid: number, comm: string): Process => ({
  pid,
  ppid: 1,
  uid: 0,
  user: 'root',
  comm,
  argv: [comm],
  exe: null,
  startedAt: null,
  tty: null,
  unit: null,
  parents: [],
  confinement: null,
  hidden: false,
});

const pcscd = (sameMountNamespace: boolean | null): Facts['pcscdProcesses'] =>
  ok([{ process: process_(77, 'pcscd'), sameMountNamespace, sameNetworkNamespace: true, listensOn: [] }], '/proc');
const scdaemon = (usesInternalCcid: boolean | null, cardOpen: Extract<Facts['scdaemons'], { status: 'ok' }>['value'][number]['cardOpen']): Facts['scdaemons'] =>
  ok([{ process: process_(88, 'scdaemon'), home: null, ours: false, usesInternalCcid, cardOpen, configNewerThanProcess: null }], '/proc');
const usbHolders = (...holders: Process[]): Facts['usbHolders'] =>
  ok({ holders: holders.map((process) => ({ node: '/dev/bus/usb/001/004', process })), unseenProcesses: 9 }, '/proc');

const units = (service: string, socket: string): Facts['pcscdUnits'] =>
  ok(
    [['pcscd.service', service] as const, ['pcscd.socket', socket] as const].map(([name, active]) => ({ name, load: 'loaded', active, sub: '', fileState: 'enabled', fragment: null, dropIns: [] })),
    'systemctl show',
  );
const noSystemd: Facts['pcscdUnits'] = absent('systemd does not run here');
const socket = (from: 'default' | 'PCSCLITE_CSOCK_NAME'): Facts['pcscdSocket'] => ok({ path: '/run/pcscd/pcscd.comm', from, kind: 'socket', mode: 0o666, uid: 0, writable: true, listening: null }, 'stat');

const connected = (...connections: number[]): Facts['clients'] =>
  ok({ clients: connections.map((pid) => ({ process: process_(pid, 'firefox'), connections: 1, inodes: [String(pid)], modules: [], handles: null })), unattributed: 0, hiddenByNamespace: 0, complete: true }, 'ss');
const nobody = connected();
const awake: LookedAt = { pcscdProcesses: pcscd(true), pcscdUnits: noSystemd, pcscdSocket: socket('default'), usbHolders: usbHolders(process_(77, 'pcscd')), scdaemons: ok([], '/proc'), clients: nobody };
const asleep: LookedAt = { pcscdProcesses: ok([], '/proc'), pcscdUnits: units('inactive', 'active'), pcscdSocket: socket('default'), usbHolders: usbHolders(), scdaemons: ok([], '/proc'), clients: nobody };

/** The machine with nothing but a pid file. */
const withPidFile = (text: string): System => ({ ...realSystem(), readFile: async (path) => (path === '/run/pcscd/pcscd.pid' ? text : Promise.reject(new SystemError('ENOENT', path))) });

describe('a pcscd that sleeps', () => {
  test.each<[string, Partial<CollectOptions>, Partial<LookedAt>, RegExp]>([
    ['with --passive', { passive: true }, {}, /--passive/],
    ['with --no-wake', { wake: false }, {}, /--no-wake/],
    ['while a program holds a reader over USB', {}, { usbHolders: usbHolders(process_(5, 'qemu')) }, /qemu \(5\) holds \/dev\/bus\/usb\/001\/004/],
    ['while that cannot be seen', {}, { usbHolders: denied('root') }, /unknown: needs root/],
    ['while scdaemon has a reader open over USB', {}, { scdaemons: scdaemon(true, absent('')) }, /scdaemon \(88\) holds/],
    ['while another user\'s scdaemon may', {}, { scdaemons: scdaemon(null, denied('root')) }, /scdaemon \(88\) may hold/],
    ['while only the one of a container runs', { passive: true }, { pcscdProcesses: pcscd(false) }, /--passive/],
    ['with --passive, in a container where it cannot be seen', { passive: true }, { pcscdUnits: noSystemd }, /no pcscd is in sight.*--passive/],
    ['with --no-wake, when the socket is not the one systemd has', { wake: false }, { pcscdSocket: socket('PCSCLITE_CSOCK_NAME'), pcscdUnits: units('inactive', 'inactive') }, /no pcscd is in sight.*--no-wake/],
  ])('is not woken %s', async (_, settings, seen, why) => {
    const daemon = await daemonWith();
    const facts = await collectPcsc(withPidFile(''), { ...options, ...settings }, { ...asleep, ...seen }, { daemon: pcscdSocket(daemon.path), library: null });
    for (const name of ['daemon', 'readers', 'probes', 'libraryContext'] as const) expect(facts[name]).toEqual({ status: 'skipped', why: expect.stringMatching(why) });
    expect(daemon.open()).toBe(0);
    expect(daemon.commands).toEqual([]);
  });

  test.each<[string, Partial<LookedAt>]>([
    ['nothing holds a reader', {}],
    ['scdaemon runs without a card', { scdaemons: scdaemon(null, ok(false, 'scdaemon')) }],
    ['scdaemon goes through PC/SC', { scdaemons: scdaemon(false, absent('')) }],
    ['there is no USB at all', { usbHolders: absent('no /dev/bus/usb') }],
  ])('is woken when %s, and that is said', async (_, seen) => {
    const daemon = await daemonWith();
    const facts = await collectPcsc(withPidFile(''), options, { ...asleep, ...seen }, { daemon: pcscdSocket(daemon.path), library: null });
    expect(facts.daemon).toMatchObject({ status: 'ok', value: { woken: true } });
  });
});

test.each<[string, Partial<LookedAt>, boolean | null]>([
  ['runs in sight', { pcscdProcesses: pcscd(true) }, false],
  ['runs out of sight, but systemd knows', { pcscdUnits: units('active', 'active') }, false],
  ['would not be started by anybody', { pcscdUnits: units('inactive', 'inactive') }, false],
  ['is on the other side of a container', { pcscdUnits: noSystemd }, null],
])('of a pcscd that %s cardcheck does not claim to have woken it', async (_, seen, woken) => {
  const daemon = await daemonWith();
  const facts = await collectPcsc(withPidFile(''), options, { ...asleep, ...seen }, { daemon: pcscdSocket(daemon.path), library: null });
  expect(facts.daemon).toMatchObject({ status: 'ok', value: { woken } });
});

test.each<[string, boolean | null, string, boolean]>([
  ['in our mount namespace', true, '', true],
  ['whose namespace cannot be seen, but which wrote the pid file', null, '77\n', true],
  ['whose namespace cannot be seen and which did not', null, '12\n', false],
])('a pcscd %s counts as awake: %s', async (_, namespace, pidFile, contacted) => {
  const daemon = await daemonWith();
  const facts = await collectPcsc(withPidFile(pidFile), { ...options, passive: true }, { ...awake, pcscdProcesses: pcscd(namespace) }, { daemon: pcscdSocket(daemon.path), library: null });
  expect(facts.daemon.status).toBe(contacted ? 'ok' : 'skipped');
  expect(daemon.connects).toEqual([]);
});

test('a tree of files has no PC/SC', async () => {
  const daemon = await daemonWith();
  const facts = await collectPcsc({ ...realSystem(), live: false }, options, awake, { daemon: pcscdSocket(daemon.path), library: null });
  expect(facts.readers.status).toBe('skipped');
  expect(daemon.commands).toEqual([]);
});

test('a socket that accepts and never answers: timeouts, and libpcsclite is kept away from it', async () => {
  const daemon = await listen(() => {});
  daemons.push(daemon);
  const library = new Library([]);
  const facts = await collectPcsc(realSystem(), { ...options, timeoutMs: 100 }, awake, { daemon: pcscdSocket(daemon.path), library });
  expect(facts).toMatchObject({ daemon: { status: 'timeout' }, readers: { status: 'timeout' }, probes: { status: 'skipped' }, libraryContext: { status: 'skipped' }, addon: { status: 'ok' } });
  expect(library.opened).toBe(false);
});

test('something else on the socket: libpcsclite is kept away from it as well', async () => {
  const daemon = await listen((socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
  daemons.push(daemon);
  const library = new Library([]);
  const facts = await collectPcsc(realSystem(), options, awake, { daemon: pcscdSocket(daemon.path), library });
  expect(facts).toMatchObject({ daemon: { status: 'failed' }, libraryContext: { status: 'skipped' } });
  expect(library.opened).toBe(false);
});

test('a slow connect says what it waits for', async () => {
  const daemon = await daemonWith({ readers: [{ name: 'Reader' }], connect: () => null });
  const steps: Progress[] = [];
  await collectPcsc(realSystem(), { ...options, timeoutMs: 100 }, awake, { daemon: pcscdSocket(daemon.path), library: null }, (progress) => steps.push(progress));
  const waiting = steps.filter(({ step }) => step === 'Reader');
  expect(waiting.map(({ state }) => state)).toEqual(['running', 'done']);
  expect(waiting[0]?.waitsFor).toBe('somebody who holds a transaction on Reader');
});

const reader = (name: string, sharing: number): ReaderState => ({ name, present: true, atr: null, sharing, eventCounter: 0, state: 0x34, protocol: 0 });

/** What each connect comes to, and a record of who connected where, when. */
class Bench {
  readonly calls: { backend: string; reader: string; mode: string }[] = [];
  readonly outcomes: Record<string, Probe['outcome']>;
  readonly busy = new Map<string, number>();
  most = 0;
  constructor(outcomes: Record<string, Probe['outcome']> = {}) {
    this.outcomes = outcomes;
  }

  opened(backend: Probe['backend'], readers: ReaderState[]): OpenedPcsc {
    return {
      protocol: { major: 4, minor: 4 },
      announced: { major: 4, minor: 4 },
      refused: null,
      slots: 16,
      readers: async () => ok(readers, 'bench'),
      connect: async (name, mode) => {
        this.calls.push({ backend, reader: name, mode });
        const now = (this.busy.get(name) ?? 0) + 1;
        this.busy.set(name, now);
        this.most = Math.max(this.most, now);
        await new Promise(setImmediate);
        this.busy.set(name, now - 1);
        return { reader: name, mode, backend, outcome: this.outcomes[`${backend} ${name} ${mode}`] ?? 'ok', code: null, hex: null, ms: 0, reason: null };
      },
    };
  }
}

/** libpcsclite as the bench has it. */
class Library implements AddonPort {
  readonly backend = 'library';
  readonly pid = null;
  opened = false;
  context: Facts['libraryContext'] = absent('not opened');
  readonly #readers: ReaderState[];
  readonly #bench: Bench;
  constructor(readers: ReaderState[], bench = new Bench()) {
    this.#readers = readers;
    this.#bench = bench;
  }
  async loaded(): Promise<Facts['addon']> {
    return ok({ version: '1.0.1', path: null }, 'bench');
  }
  async open() {
    this.opened = true;
    this.context = ok({ code: 'SCARD_S_SUCCESS', hex: '0x00000000' }, 'bench');
    return ok(this.#bench.opened('library', this.#readers), 'bench');
  }
  async states(): Promise<Facts['libraryReaders']> {
    return ok(this.#readers.map(({ name }) => ({ name, state: 0, atr: null })), 'bench');
  }
  async close(): Promise<void> {}
}

const daemonPort = (bench: Bench, readers: ReaderState[]) => ({ backend: 'daemon' as const, open: async () => ok(bench.opened('daemon', readers), 'bench'), close: async () => {} });

test('whatever the connects come to, no reader is ever connected to twice at once, against its sharing, or after a connect that settled nothing', async () => {
  const outcome = fc.constantFrom<Probe['outcome']>('ok', 'sharing-violation', 'no-card', 'unpowered', 'blocked', 'error', 'access-denied', 'no-service');
  const names = ['A', 'B', 'C'];
  const keys = names.flatMap((name) => ['daemon', 'library'].flatMap((backend) => ['direct', 'shared', 'exclusive'].map((mode) => `${backend} ${name} ${mode}`)));
  const cases = fc.record({
    outcomes: fc.record(Object.fromEntries(keys.map((key) => [key, outcome]))),
    sharing: fc.tuple(...names.map(() => fc.integer({ min: -1, max: 2 }))),
    exclusive: fc.boolean(),
    others: fc.constantFrom(nobody, absent('ss is not installed'), connected(99)),
  });
  await fc.assert(
    fc.asyncProperty(cases, async ({ outcomes, sharing, exclusive, others }) => {
      const bench = new Bench(outcomes as Record<string, Probe['outcome']>);
      const readers = names.map((name, at) => reader(name, sharing[at] ?? 0));
      const facts = await collectPcsc(realSystem(), { ...options, exclusive }, { ...awake, clients: others }, { daemon: daemonPort(bench, readers), library: new Library(readers, bench) });
      expect(bench.most).toBe(1);
      for (const { name, sharing: handles } of readers) {
        const calls = bench.calls.filter((call) => call.reader === name);
        expect(calls[0]).toMatchObject({ backend: 'daemon', mode: 'direct' });
        const exclusives = calls.filter(({ mode }) => mode === 'exclusive');
        expect(exclusives.length).toBeLessThanOrEqual(exclusive && handles === 0 && !(others.status === 'ok' && others.value.clients.length > 0) ? 1 : 0);
        const fruitless = calls.findIndex((call) => ['blocked', 'error', 'access-denied', 'no-service'].includes(bench.outcomes[`${call.backend} ${name} ${call.mode}`] ?? 'ok'));
        expect(fruitless === -1 || fruitless === calls.length - 1).toBe(true);
        // Every mode has an answer from the daemon, and every one not tried has a reason.
        const probes = facts.probes.status === 'ok' ? facts.probes.value.filter((probe) => probe.reader === name) : [];
        expect(probes.map((probe) => `${probe.backend} ${probe.mode}`)).toEqual(['daemon direct', 'daemon shared', 'daemon exclusive', 'library direct', 'library shared']);
        for (const probe of probes) expect(probe.outcome !== 'skipped' || probe.reason !== null).toBe(true);
      }
    }),
    { numRuns: 60 },
  );
});

test.each([
  [-1, 'derived: sharing-violation, the reader is held exclusively'],
  [1, 'derived: sharing-violation, a handle is open on the reader'],
  [3, 'derived: sharing-violation, 3 handles are open on the reader'],
])('with sharing %i EXCLUSIVE is derived, not tried', async (sharing, reason) => {
  const bench = new Bench();
  const readers = [reader('A', sharing)];
  const facts = await collectPcsc(realSystem(), options, awake, { daemon: daemonPort(bench, readers), library: null });
  expect(facts.probes).toMatchObject({ status: 'ok', value: expect.arrayContaining([expect.objectContaining({ mode: 'exclusive', outcome: 'skipped', reason })]) });
});

test('while another program is connected, a free reader is connected to no more than tells something new, and not EXCLUSIVE', async () => {
  const bench = new Bench();
  const readers = [reader('Free', 0), reader('Shared', 1)];
  const unattributed: Facts['clients'] = ok({ clients: [], unattributed: 1, hiddenByNamespace: 0, complete: false }, 'ss');
  for (const clients of [connected(99), unattributed]) {
    bench.calls.length = 0;
    await collectPcsc(realSystem(), options, { ...awake, clients }, { daemon: daemonPort(bench, readers), library: new Library(readers, bench) });
    const calls = (name: string) => bench.calls.filter((call) => call.reader === name).map(({ backend, mode }) => `${backend} ${mode}`);
    expect(calls('Free')).toEqual(['daemon direct', 'daemon shared']);
    expect(calls('Shared')).toEqual(['daemon direct', 'daemon shared', 'library direct', 'library shared']);
  }
});

test('without a pcscd to ask, as on macOS, the library shows the readers and probes them alone', async () => {
  const bench = new Bench();
  const readers = [reader('Free', 0), reader('Held', -1)];
  const facts = await collectPcsc(realSystem(), options, asleep, { daemon: null, library: new Library(readers, bench) });
  expect(facts).toMatchObject({ daemon: { status: 'absent' }, readers: { status: 'ok', value: readers } });
  expect(bench.calls.map((call) => `${call.backend} ${call.reader} ${call.mode}`).sort()).toEqual([
    'library Free direct',
    'library Free exclusive',
    'library Free shared',
    'library Held direct',
    'library Held shared',
  ]);
});

test('without the addon the daemon answers alone, and the library\'s probes say why they are missing', async () => {
  const bench = new Bench();
  const readers = [reader('A', 0)];
  const library = new Library(readers, bench);
  const unbuilt = absent('not-built: Could not locate the bindings file');
  Object.assign(library, { loaded: async () => unbuilt, open: async () => unbuilt, context: unbuilt });
  const facts = await collectPcsc(realSystem(), options, awake, { daemon: daemonPort(bench, readers), library });
  expect(facts).toMatchObject({ addon: unbuilt, libraryContext: unbuilt, libraryReaders: unbuilt });
  expect(facts.probes).toMatchObject({ value: [{ outcome: 'ok' }, { outcome: 'ok' }, { outcome: 'ok' }, { outcome: 'skipped', reason: unbuilt.status === 'absent' ? unbuilt.reason : '' }, { outcome: 'skipped' }] });
});
