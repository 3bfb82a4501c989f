import { chmod, writeFile } from 'node:fs/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { abortPcsc } from '../../src/pcsc/exclusive.ts';
import type { OpenedPcsc } from '../../src/pcsc/port.ts';
import { openReaderTable, pcscdSocket, readReaderTable } from '../../src/pcsc/socket.ts';
import type { Fact } from '../../src/snapshot/schema.ts';
import { realSystem } from '../../src/system/real.ts';
import { type Daemon, type FakeOptions, fakePcscd, listen } from './fake-pcscd.ts';

/** Long enough for a busy machine to answer, short enough to wait for. */
const SHORT = 150;
const LONG = 5000;

const daemons: Daemon[] = [];
const ports: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const port of ports.splice(0)) await port.close();
  for (const daemon of daemons.splice(0)) await daemon.stop();
});

async function started(making: Promise<Daemon>): Promise<Daemon> {
  const daemon = await making;
  daemons.push(daemon);
  return daemon;
}

async function open(path: string, deadlineMs = LONG): Promise<Fact<OpenedPcsc>> {
  const port = pcscdSocket(path);
  ports.push(port);
  return port.open(deadlineMs);
}

function value<T>(fact: Fact<T>): T {
  if (fact.status !== 'ok') throw new Error(JSON.stringify(fact));
  return fact.value;
}

async function opened(options: FakeOptions): Promise<{ daemon: Daemon; pcsc: OpenedPcsc }> {
  const daemon = await started(fakePcscd(options));
  return { daemon, pcsc: value(await open(daemon.path)) };
}

/** Root may open everything, so it has to stop being root for a moment. */
async function asOrdinaryUser<T>(work: () => Promise<T>): Promise<T> {
  const uid = process.geteuid?.();
  if (uid === 0) process.seteuid?.(65534);
  try {
    return await work();
  } finally {
    if (uid === 0) process.seteuid?.(0);
  }
}

const readers = (count: number) => Array.from({ length: count }, (_, at) => ({ name: `Reader ${at}`, sharing: at - 1 }));
const names = (count: number) => readers(count).map(({ name }) => name);

describe('the version', () => {
  test('4:4 is announced to a pcscd that knows no other', async () => {
    const { pcsc, daemon } = await opened({ minor: 4 });
    expect([pcsc.protocol, pcsc.announced]).toEqual([{ major: 4, minor: 4 }, { major: 4, minor: 4 }]);
    expect(daemon.commands).toEqual([0x11]);
  });

  test('is the daemon\'s own, on the same connection, where 4:4 is refused (pcsc-lite 2.3.0 to 2.4.0)', async () => {
    const { pcsc, daemon } = await opened({ minor: 5 });
    expect([pcsc.protocol, pcsc.announced]).toEqual([{ major: 4, minor: 5 }, { major: 4, minor: 5 }]);
    expect(daemon.open()).toBe(1);
  });

  test('of a pcscd before 1.8.24, which refuses with another code, is used as well', async () => {
    const { pcsc } = await opened({ minor: 3, refusal: 0x8010001d });
    expect(pcsc.protocol).toEqual({ major: 4, minor: 3 });
  });

  test('of a pcscd that accepts older clients is told apart from the one announced', async () => {
    const { pcsc } = await opened({ minor: 6, accepts: (minor) => minor >= 4 });
    expect([pcsc.protocol, pcsc.announced]).toEqual([{ major: 4, minor: 6 }, { major: 4, minor: 4 }]);
  });

  test('that the daemon refuses even when it is its own is a failure with the code', async () => {
    const daemon = await started(fakePcscd({ accepts: () => false }));
    expect(await open(daemon.path)).toEqual({ status: 'failed', error: expect.stringMatching(/^protocol-mismatch: .*SCARD_E_SERVICE_STOPPED \(0x8010001E\)/) });
  });
});

describe('the table of readers', () => {
  test.each([
    ['16 slots, as pcsc-lite is built', { minor: 4, slots: 16 }, 16],
    ['48 slots, as Fedora builds it', { minor: 4, slots: 48 }, 48],
    ['as many slots as readers', { minor: 6, accepts: (minor: number) => minor >= 4, slots: 20 }, 20],
    ['an answer that comes byte by byte', { minor: 4, slots: 16, chunk: 1 }, 16],
  ])('is read whole: %s', async (_, options, slots) => {
    const { pcsc } = await opened({ ...options, readers: readers(slots) });
    expect(value(await pcsc.readers(LONG)).map(({ name }) => name)).toEqual(names(slots));
    expect(pcsc.slots).toBe(slots);
  });

  test('can be read again and again on one connection, without a connect', async () => {
    const daemon = await started(fakePcscd({ slots: 48, readers: readers(3) }));
    process.env.PCSCLITE_CSOCK_NAME = daemon.path;
    try {
      const table = value(await openReaderTable(realSystem(), LONG));
      for (let round = 0; round < 3; round++) expect(value(await table.read(LONG)).map(({ sharing }) => sharing)).toEqual([-1, 0, 1]);
      expect(daemon.open()).toBe(1);
      table.close();
      expect(value(await readReaderTable(realSystem(), LONG))).toHaveLength(3);
      expect(daemon.connects).toEqual([]);
    } finally {
      delete process.env.PCSCLITE_CSOCK_NAME;
    }
  });

  test('that is held back while a reader initialises ends with the deadline, and stays ended', async () => {
    const { pcsc } = await opened({ silentOn: 0x12 });
    expect(await pcsc.readers(SHORT)).toEqual({ status: 'timeout', afterMs: SHORT });
    expect((await pcsc.readers(SHORT)).status).toBe('failed');
  });

  test('that breaks off in the middle is a failure', async () => {
    const { pcsc } = await opened({ dieOn: 0x12 });
    expect(await pcsc.readers(LONG)).toEqual({ status: 'failed', error: expect.stringMatching(/^connection-closed: /) });
  });
});

describe('a connect', () => {
  const MODES = [
    ['direct', 3, 0],
    ['shared', 2, 3],
    ['exclusive', 1, 3],
  ] as const;

  test.each(MODES)('%s asks for share mode %i and protocols %i and leaves the card as it was', async (mode, share, protocols) => {
    const { daemon, pcsc } = await opened({ readers: readers(1) });
    const probe = await pcsc.connect('Reader 0', mode, LONG);
    expect(probe).toMatchObject({ reader: 'Reader 0', mode, backend: 'daemon', outcome: 'ok', code: 'SCARD_S_SUCCESS', hex: '0x00000000', reason: null });
    expect(daemon.connects.map((body) => [body.readUInt32LE(0), body.readUInt32LE(132), body.readUInt32LE(136)])).toEqual([[0x1234, share, protocols]]);
    expect(daemon.disconnects.map((body) => [body.readInt32LE(0), body.readUInt32LE(4)])).toEqual([[0x7777, 0]]);
  });

  test('that is refused has the code and nothing to disconnect', async () => {
    const { daemon, pcsc } = await opened({ readers: readers(1), connect: () => 0x8010000b });
    expect(await pcsc.connect('Reader 0', 'shared', LONG)).toMatchObject({ outcome: 'sharing-violation', code: 'SCARD_E_SHARING_VIOLATION', hex: '0x8010000B' });
    expect(daemon.disconnects).toEqual([]);
  });

  test('that does not return is blocked, given up, and does not block the table', async () => {
    const { daemon, pcsc } = await opened({ readers: readers(1), connect: () => null });
    expect(await pcsc.connect('Reader 0', 'direct', SHORT)).toMatchObject({ outcome: 'blocked', code: null, hex: null });
    expect(value(await pcsc.readers(LONG))).toHaveLength(1);
    expect(daemon.connects).toHaveLength(1);
    expect(daemon.open()).toBe(1);
  });

  test('uses the name as pcscd\'s own bytes', async () => {
    const { daemon, pcsc } = await opened({ readers: [{ name: 'Lesegerät 00 00' }] });
    await pcsc.readers(LONG);
    await pcsc.connect('Lesegerät 00 00', 'shared', LONG);
    expect(daemon.connects[0]?.toString('utf8', 4, 20)).toBe('Lesegerät 00 00');
  });

  test('on which pcscd dies is an error with a reason, not a violation', async () => {
    const { pcsc } = await opened({ readers: readers(1), dieOn: 0x04 });
    expect(await pcsc.connect('Reader 0', 'shared', LONG)).toMatchObject({ outcome: 'error', code: null, reason: expect.stringContaining('in the middle of a call') });
  });
});

test('an EXCLUSIVE connect that comes late is still given back, and the end of the run waits for it', async () => {
  const { daemon, pcsc } = await opened({ readers: readers(1), connectDelayMs: 2 * SHORT });
  expect(await pcsc.connect('Reader 0', 'exclusive', SHORT)).toMatchObject({ outcome: 'blocked' });
  expect(daemon.disconnects).toEqual([]);
  // The module remembers that the run is ending; no other test here begins an EXCLUSIVE connect after this one.
  await abortPcsc();
  expect(daemon.disconnects.map((body) => body.readUInt32LE(4))).toEqual([0]);
  expect(await pcsc.connect('Reader 0', 'exclusive', LONG)).toMatchObject({ outcome: 'skipped' });
});

describe('what is not a working pcscd', () => {
  test('no socket file: absent', async () => {
    expect(await open(`/run/${'x'.repeat(5000)}`)).toMatchObject({ status: 'absent' });
    expect(await open('/nonexistent/pcscd.comm')).toEqual({ status: 'absent', reason: '/nonexistent/pcscd.comm does not exist' });
  });

  test('a socket file nobody listens on, and a plain file: absent', async () => {
    const daemon = await started(listen(() => {}));
    const file = `${daemon.path}.file`;
    await writeFile(file, '');
    expect(await open(file)).toEqual({ status: 'absent', reason: `nobody listens on ${file} (ECONNREFUSED)` });
  });

  test('a socket this user may not open: denied', async () => {
    const daemon = await started(listen(() => {}));
    await chmod(daemon.path, 0);
    const denied = await asOrdinaryUser(() => open(daemon.path));
    expect(denied).toEqual({ status: 'denied', need: `permission to connect to ${daemon.path} (EACCES)` });
  });

  test('one that accepts and never answers: timeout', async () => {
    const daemon = await started(listen(() => {}));
    expect(await open(daemon.path, SHORT)).toEqual({ status: 'timeout', afterMs: SHORT });
  });

  test.each<[string, Parameters<typeof listen>[0]]>([
    ['closes at once', (socket) => socket.destroy()],
    ['closes when it is spoken to', (socket) => socket.once('readable', () => socket.destroy())],
  ])('one that %s: dropped, which polkit does too', async (_, serve) => {
    const daemon = await started(listen(serve));
    expect(await open(daemon.path)).toEqual({ status: 'failed', error: expect.stringMatching(/^connection-dropped: .*polkit/) });
  });

  test('one that ends in the middle of an answer: dropped', async () => {
    const daemon = await started(fakePcscd({ dieOn: 0x11 }));
    expect(await open(daemon.path)).toEqual({ status: 'failed', error: expect.stringMatching(/^connection-dropped: /) });
  });

  test.each([
    ['speaks HTTP', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['sends zeros', Buffer.alloc(4096)],
    ['sends without end', Buffer.alloc(4 * 1024 * 1024, 0x41)],
  ])('one that %s: not pcscd', async (_, bytes) => {
    const daemon = await started(listen((socket) => socket.once('data', () => socket.write(bytes))));
    expect(await open(daemon.path)).toEqual({ status: 'failed', error: expect.stringMatching(/^not-pcscd: /) });
  });

  test('one that speaks before it is asked: not pcscd', async () => {
    const daemon = await started(listen((socket) => socket.write('220 mail ready\r\n')));
    const first = await open(daemon.path);
    expect(first).toEqual({ status: 'failed', error: expect.stringMatching(/^not-pcscd: /) });
  });

  test('a table without end is not read for ever', async () => {
    const daemon = await started(fakePcscd({ slots: 100_000 }));
    const pcsc = value(await open(daemon.path));
    expect(await pcsc.readers(LONG)).toEqual({ status: 'failed', error: expect.stringMatching(/^not-pcscd: /) });
  });

  test('a path no socket can have: a reason, not a crash', async () => {
    expect((await open(`/${'x'.repeat(300)}`)).status).not.toBe('ok');
  });
});
