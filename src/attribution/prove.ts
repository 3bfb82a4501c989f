/**
 * Proves who holds which reader: what pcscd's memory says, tied to processes by the kernel, accepted only if
 * nothing changed meanwhile and if pcscd's own table agrees before and after.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { absent, denied, failed, ok } from '../snapshot/fact.ts';
import type { Fact, Handle, ReaderState } from '../snapshot/schema.ts';
import { SystemError, type System } from '../system/port.ts';
import { readProcess } from '../system/process.ts';
import type { Connector } from './connectors.ts';
import { type Layout, layoutsOf } from './layouts.ts';
import { lookAt, type ProcessMemory } from './memory.ts';
import { type Holdings, walk } from './walk.ts';

/** What a proof needs of one running pcscd. */
export interface ExaminedDaemon {
  pid: number;
  /** The table of readers over a connection of this process that stays open during the proof. */
  readTable(): Promise<Fact<ReaderState[]>>;
  /** @throws SystemError */
  openMemory(): ProcessMemory & { machine: number; close(): void };
  /** The clients at the other ends of the daemon's descriptors. @throws SystemError */
  connectors(fds: readonly number[]): Promise<Map<number, Connector>>;
}

/** Every open handle of one moment, with its owner. */
export type Proof = Fact<Handle[]>;

/** Clients come and go; each attempt takes some milliseconds. */
const ATTEMPTS = 6;
const PAUSE_MS = 7;

const NOT_OURS = 'is not the pcscd that answers on the socket';

/**
 * Tries a few times, because a client that connects or lets go in the middle makes one attempt worthless.
 * @returns absent when it is another pcscd than the one whose table is read; failed when it could not be proven
 */
export async function proveHandles(system: System, daemon: ExaminedDaemon): Promise<Proof> {
  let reason = '';
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const proof = await attemptProof(system, daemon);
    if (proof.status !== 'failed') return proof;
    reason = proof.error;
    await sleep(PAUSE_MS * attempt);
  }
  return failed(reason);
}

async function attemptProof(system: System, daemon: ExaminedDaemon): Promise<Proof> {
  const table = await daemon.readTable();
  if (table.status !== 'ok') return table;
  if (table.value.every(({ sharing }) => sharing === 0)) return ok([], table.source);
  try {
    return await proveFrom(system, daemon, table.value);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    return error.isDenied ? denied('root') : failed(`the owners of the handles could not be proven: ${error.message}`);
  }
}

async function proveFrom(system: System, daemon: ExaminedDaemon, table: readonly ReaderState[]): Promise<Proof> {
  const memory = daemon.openMemory();
  try {
    const layouts = layoutsOf(memory.machine);
    const first = readHoldings(memory, layouts, table);
    if (first === null) return failed("pcscd's memory fits none of the layouts that cardcheck knows (pcsc-lite 1.8.8 to 2.5 on x86-64 and aarch64)");
    const connectors = await daemon.connectors(first.holdings.contexts.map(({ fd }) => fd));
    if (![...connectors.values()].some((connector) => clientOf(connector)?.pid === system.pid)) return absent(`process ${daemon.pid} ${NOT_OURS}`);
    const owned = ownedHandles(first.holdings);
    const handles = await Promise.all(owned.map((handle) => nameOwner(system, handle, connectors.get(handle.fd))));

    const connected = await Promise.all(owned.map(({ fd }) => isStillConnected(system, daemon.pid, connectors.get(fd))));
    const second = readHoldings(memory, [first.layout], table);
    const after = await daemon.readTable();
    const unchanged =
      connected.every(Boolean) &&
      second !== null &&
      same(first.holdings, second.holdings) &&
      after.status === 'ok' &&
      same(sharingOf(table), sharingOf(after.value));
    return unchanged ? ok(handles, `/proc/${daemon.pid}/mem (${first.layout.name})`) : failed('the handles kept changing while they were read');
  } finally {
    memory.close();
  }
}

/** With the one layout that fits; null when none does, or more than one. */
function readHoldings(memory: ProcessMemory, layouts: readonly Layout[], table: readonly ReaderState[]): { layout: Layout; holdings: Holdings } | null {
  const fitting = lookAt(memory, (image) =>
    layouts.flatMap((layout) => {
      const holdings = walk(image, layout, table);
      return holdings === null ? [] : [{ layout, holdings }];
    }),
  );
  return fitting.length === 1 ? (fitting[0] ?? null) : null;
}

interface OwnedHandle {
  reader: string;
  access: Handle['access'];
  hCard: number;
  fd: number;
}

function ownedHandles({ readers, contexts }: Holdings): OwnedHandle[] {
  return readers.flatMap(({ name, sharing, handles, lock }) =>
    handles.flatMap((hCard) => {
      const owner = contexts.find((context) => context.handles.includes(hCard));
      const access = sharing === -1 ? 'exclusive' : hCard === lock ? 'transaction' : 'shared';
      return owner === undefined ? [] : [{ reader: name, access, hCard, fd: owner.fd } as const];
    }),
  );
}

/** The process that made the connection and still has it; null: it handed it on, or pcscd is about to notice that it is gone. */
const clientOf = (connector: Connector | undefined) => connector?.users.find(({ pid }) => pid === connector.pid) ?? null;

async function nameOwner(system: System, { reader, access, hCard }: OwnedHandle, connector: Connector | undefined): Promise<Handle> {
  const pid = clientOf(connector)?.pid ?? null;
  return { reader, access, pid, process: pid === null ? null : await readProcess(system, pid), hCard: formatHandle(hCard) };
}

/** As pcsc-spy and libpcsclite's own log print it. */
export const formatHandle = (hCard: number): string => `0x${hCard.toString(16).toUpperCase().padStart(8, '0')}`;

/** Both ends are what they were: neither pcscd's descriptor nor the client's number have passed to another. */
async function isStillConnected(system: System, pcscd: number, connector: Connector | undefined): Promise<boolean> {
  if (connector === undefined) return false;
  const client = clientOf(connector);
  const ends = [[`/proc/${pcscd}/fd/${connector.fd}`, connector.inode], ...(client === null ? [] : [[`/proc/${client.pid}/fd/${client.fd}`, connector.peer]])];
  const targets = await Promise.all(ends.map(([path]) => system.readLink(String(path)).catch(() => null)));
  return ends.every(([, socket], index) => targets[index] === `socket:[${socket}]`);
}

const sharingOf = (table: readonly ReaderState[]) => table.map(({ name, sharing, eventCounter }) => ({ name, sharing, eventCounter }));

const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);
