import { mkdir, mkdtemp, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Connector } from '../../src/attribution/connectors.ts';
import { type ExaminedDaemon, proveHandles } from '../../src/attribution/prove.ts';
import { ok } from '../../src/snapshot/fact.ts';
import { fixtureSystem } from '../../src/system/fixture.ts';
import { type System, SystemError } from '../../src/system/port.ts';
import { type ImagePlan, pcscdImage } from './pcscd-image.ts';

const X86_64 = 62;
const PCSCD = 500;
const SELF = 900;

const plan: ImagePlan = {
  generation: '2.4.1',
  readers: [
    { name: 'ACS ACR122U 00 00', sharing: -1, lock: 11, handles: [11] },
    { name: 'Alcor AU9540 01 00', sharing: 2, lock: 33, handles: [22, 33] },
  ],
  contexts: [
    { fd: 12, handles: [11] },
    { fd: 13, handles: [22, 33] },
    { fd: 14, handles: [] },
  ],
};

const connectors: Connector[] = [
  { fd: 12, inode: 1200, path: '/run/pcscd/pcscd.comm', peer: 1201, pid: 700, users: [{ pid: 700, fd: 5 }] },
  { fd: 13, inode: 1300, path: '/run/pcscd/pcscd.comm', peer: 1301, pid: 800, users: [{ pid: 800, fd: 6 }] },
  { fd: 14, inode: 1400, path: '/run/pcscd/pcscd.comm', peer: 1401, pid: SELF, users: [{ pid: SELF, fd: 7 }] },
];

let root: string;
let system: System;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'cardcheck-'));
  await writeFile(join(root, 'machine.json'), JSON.stringify({ uid: 0, pid: SELF }));
  for (const { fd, inode, peer, users } of connectors) {
    for (const [process, descriptor, socket] of [[PCSCD, fd, inode], ...users.map((user) => [user.pid, user.fd, peer])]) {
      await mkdir(join(root, `proc/${process}/fd`), { recursive: true });
      await symlink(`socket:[${socket}]`, join(root, `proc/${process}/fd/${descriptor}`));
    }
  }
  system = await fixtureSystem(root);
});
afterEach(() => rm(root, { recursive: true }));

/** A pcscd whose memory is `images`, one after the other and then the last one for ever. */
function daemon(images: readonly ImagePlan[], change: Partial<ExaminedDaemon> = {}): ExaminedDaemon {
  let moment = -1;
  const next = () => pcscdImage(images[Math.min((moment += 1), images.length - 1)] ?? plan);
  return {
    pid: PCSCD,
    readTable: async () => ok(pcscdImage(images[Math.max(0, Math.min(moment, images.length - 1))] ?? plan).table, 'pcscd'),
    // Every walk reads all of the program's variables, so a read of their first page begins one.
    openMemory: () => {
      let image = pcscdImage(images[0] ?? plan);
      const [data] = image.memory.mappings;
      return {
        machine: X86_64,
        mappings: image.memory.mappings,
        read: (address, length) => {
          if (address === data?.start) image = next();
          return image.memory.read(address, length);
        },
        close: () => undefined,
      };
    },
    connectors: async () => new Map(connectors.map((connector) => [connector.fd, connector])),
    ...change,
  };
}

const found = async (examined: ExaminedDaemon) => {
  const proof = await proveHandles(system, examined);
  return proof.status === 'ok' ? proof.value.map(({ reader, access, pid }) => [reader, access, pid]) : proof;
};

const proven = [
  ['ACS ACR122U 00 00', 'exclusive', 700],
  ['Alcor AU9540 01 00', 'shared', 800],
  ['Alcor AU9540 01 00', 'transaction', 800],
];

describe('proveHandles', () => {
  it('names the owner of every handle and of every lock', async () => {
    expect(await found(daemon([plan]))).toEqual(proven);
  });

  it('waits until clients that come and go leave it a quiet moment', async () => {
    const between: ImagePlan = { ...plan, contexts: [...plan.contexts, { fd: 15, handles: [] }] };
    expect(await found(daemon([plan, between, between]))).toEqual(proven);
  });

  it('could not prove it while the lock changes hands all the time', async () => {
    const other: ImagePlan = { ...plan, readers: plan.readers.map((reader) => (reader.lock === 33 ? { ...reader, lock: 22 } : reader)) };
    expect(await found(daemon(Array.from({ length: 100 }, (_, index) => (index % 2 === 0 ? plan : other))))).toMatchObject({ status: 'failed' });
  });

  it('could not prove it from a memory that it does not understand', async () => {
    const unknown = { openMemory: () => ({ machine: X86_64, mappings: [], read: () => null, close: () => undefined }) };
    expect(await found(daemon([plan], unknown))).toMatchObject({ status: 'failed', error: expect.stringMatching(/none of the layouts/) });
  });

  it('is about another daemon when our own connection is not among its clients', async () => {
    const strangers = new Map(connectors.filter(({ pid }) => pid !== SELF).map((connector) => [connector.fd, connector]));
    expect(await found(daemon([plan], { connectors: async () => strangers }))).toMatchObject({ status: 'absent' });
  });

  it('names nobody for a connection that has no process any more', async () => {
    const orphaned = connectors.map((connector) => (connector.pid === 700 ? { ...connector, peer: null, users: [] } : connector));
    const handles = await found(daemon([plan], { connectors: async () => new Map(orphaned.map((connector) => [connector.fd, connector])) }));
    expect(handles).toEqual([['ACS ACR122U 00 00', 'exclusive', null], ...proven.slice(1)]);
  });

  it('names nobody when the client is gone before the end', async () => {
    await unlink(join(root, 'proc/700/fd/5'));
    expect(await found(daemon([plan]))).toMatchObject({ status: 'failed' });
  });

  it('needs root where the kernel closes the memory', async () => {
    const closed = {
      openMemory: () => {
        throw new SystemError('EACCES', `/proc/${PCSCD}/mem`);
      },
    };
    expect(await found(daemon([plan], closed))).toEqual({ status: 'denied', need: 'root' });
  });

  it('does not look at any memory when pcscd itself counts no handles', async () => {
    const free: ImagePlan = { generation: '2.4.1', readers: [{ name: 'A 00 00', sharing: 0, handles: [] }], contexts: [] };
    const closed = {
      openMemory: () => {
        throw new SystemError('EACCES', `/proc/${PCSCD}/mem`);
      },
    };
    expect(await found(daemon([free], closed))).toEqual([]);
  });
});
