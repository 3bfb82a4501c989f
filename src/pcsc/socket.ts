import { ok } from '../snapshot/fact.ts';
import type { Fact, Probe, ReaderState, ShareMode } from '../snapshot/schema.ts';
import type { System } from '../system/port.ts';
import { describeCode, formatCode, outcomeOf } from './codes.ts';
import { PcscdConnection, PcscdFailure } from './connection.ts';
import { before, countdown, elapsed, monotonicMs } from './deadline.ts';
import { guardExclusive, mayConnectExclusively } from './exclusive.ts';
import type { OpenedPcsc, PcscPort } from './port.ts';
import {
  Command,
  connectStruct,
  decodeReaderTable,
  disconnectStruct,
  establishStruct,
  LEAVE_CARD,
  MAX_TABLE_BYTES,
  type ReaderSlot,
  readerStateStruct,
  request,
  SCOPE_SYSTEM,
  shareModes,
  tableLength,
  versionStruct,
} from './protocol.ts';

/** A version of pcscd's protocol. */
export interface ProtocolVersion {
  major: number;
  minor: number;
}

/**
 * Announced where pcscd's own is not known: pcsc-lite 1.8.24 to 2.2.3 accepts exactly this one, 2.4.1 and later this
 * and newer ones. Those between refuse it and name their own in the refusal (pcsc-lite winscard_svc.c, CMD_VERSION).
 * Any version but its own leaves "Communication protocol mismatch!" in pcscd's log, for somebody to worry about.
 */
export const MOST_ACCEPTED: ProtocolVersion = { major: 4, minor: 4 };

/** From here on the table's length can be asked for: CMD_GET_READERS_STATE_SIZE. */
const HAS_TABLE_SIZE: ProtocolVersion = { major: 4, minor: 6 };

/** Since pcsc-lite 1.9.0; builds before that say /var/run, which is the same folder nowadays. */
const DEFAULT_SOCKET = '/run/pcscd/pcscd.comm';

/** Path of the socket as libpcsclite would choose it (pcsc-lite winscard_msg.c, getSocketName). */
export function socketPath(system: System): string {
  return system.env('PCSCLITE_CSOCK_NAME') ?? DEFAULT_SOCKET;
}

/**
 * pcscd's table of readers over one connection that stays open: what a SCARDCONTEXT is for a program that looks
 * and never connects to a card. As long as it is open pcscd does not end itself for want of clients.
 */
export class ReaderTable {
  readonly server: ProtocolVersion;
  /** The version pcscd accepted from us. */
  readonly announced: ProtocolVersion;
  /** The one it refused before; null: none. */
  readonly refused: ProtocolVersion | null;
  readonly #path: string;
  readonly #connection: PcscdConnection;
  #slots: number | null = null;
  #dump: Buffer | null = null;
  #readers: ReaderState[] = [];
  #rawNames = new Map<string, Buffer>();

  private constructor(path: string, connection: PcscdConnection, versions: Versions) {
    this.#path = path;
    this.#connection = connection;
    this.server = versions.server;
    this.announced = versions.announced;
    this.refused = versions.refused;
  }

  /**
   * Connects and agrees on a version. Wakes a pcscd that sleeps behind a socket unit.
   * @param deadlineMs for both together
   * @param greeting announced first; best is the version of the pcscd that listens
   */
  static open(path: string, deadlineMs: number, greeting = MOST_ACCEPTED): Promise<Fact<ReaderTable>> {
    const connection = new PcscdConnection(path);
    const opened = negotiate(connection, path, greeting).then((versions) => new ReaderTable(path, connection, versions));
    return asFact(opened, connection, deadlineMs, path);
  }

  /** Entries of the table, the empty ones included; null before the first successful `read`. */
  get slots(): number | null {
    return this.#slots;
  }

  /**
   * The readers now. pcscd holds the answer back while a reader is initialising (RFWaitForReaderInit), without
   * limit. After a failure the connection is closed and every later call fails.
   * @param deadlineMs for the whole table
   */
  read(deadlineMs: number): Promise<Fact<ReaderState[]>> {
    return asFact(this.#readDump().then((dump) => this.#readersIn(dump)), this.#connection, deadlineMs, this.#path);
  }

  /** The name as pcscd's own bytes, which need not be valid UTF-8. */
  rawName(name: string): Buffer {
    return this.#rawNames.get(name) ?? Buffer.from(name);
  }

  close(): void {
    this.#connection.close();
  }

  /** The same array as last time while nothing changed, because some ask many times a second. */
  #readersIn(dump: Buffer): ReaderState[] {
    if (this.#dump?.equals(dump) !== true) {
      const slots: ReaderSlot[] = decodeReaderTable(dump);
      this.#dump = Buffer.from(dump);
      this.#rawNames = new Map(slots.map(({ state, rawName }) => [state.name, rawName]));
      this.#readers = slots.map(({ state }) => state);
    }
    return this.#readers;
  }

  async #readDump(): Promise<Buffer> {
    const sized = isAtLeast(this.server, HAS_TABLE_SIZE);
    const skip = sized ? 4 : 0;
    const tables = sized ? [Command.getReadersStateSize, Command.getReadersStateArray] : [Command.getReadersState];
    // The server's own version, not the one announced: an equal one is not worth a line in its log.
    const end = request(Command.version, versionStruct.encode(this.server));
    const answer = await this.#connection.exchange(
      Buffer.concat([...tables.map((command) => request(command)), end]),
      (received) => (tableLength(received, this.server, skip) === null ? null : received.length),
      MAX_TABLE_BYTES,
    );
    const dump = answer.subarray(skip, answer.length - versionStruct.size);
    this.#slots = dump.length / readerStateStruct.size;
    return dump;
  }
}

/**
 * Opens the table of the pcscd that this user's programs would reach.
 * @param deadlineMs to connect and agree on a version
 * @param greeting see ReaderTable.open
 */
export function openReaderTable(system: System, deadlineMs: number, greeting?: ProtocolVersion): Promise<Fact<ReaderTable>> {
  return ReaderTable.open(socketPath(system), deadlineMs, greeting);
}

/** The table of readers once, without a connect to any of them. @param deadlineMs for the whole of it */
export async function readReaderTable(system: System, deadlineMs: number): Promise<Fact<ReaderState[]>> {
  const left = countdown(deadlineMs);
  const table = await openReaderTable(system, deadlineMs);
  if (table.status !== 'ok') return table;
  try {
    return await table.value.read(left());
  } finally {
    table.value.close();
  }
}

/** PC/SC as pcscd itself offers it on its socket, without any library. @param path of the socket @param greeting see ReaderTable.open */
export function pcscdSocket(path: string, greeting?: ProtocolVersion): PcscPort {
  let table: ReaderTable | null = null;
  return {
    backend: 'daemon',
    open: async (deadlineMs) => {
      const opened = await ReaderTable.open(path, deadlineMs, greeting);
      if (opened.status !== 'ok') return opened;
      table = opened.value;
      return ok(openedPcsc(path, table), path);
    },
    close: async () => table?.close(),
  };
}

function openedPcsc(path: string, table: ReaderTable): OpenedPcsc {
  return {
    protocol: table.server,
    announced: table.announced,
    refused: table.refused,
    get slots() {
      return table.slots;
    },
    readers: (deadlineMs) => table.read(deadlineMs),
    connect: (reader, mode, deadlineMs) => probe(path, reader, table.rawName(reader), mode, deadlineMs),
  };
}

/** One connect in a context of its own: one that blocks takes the connection it is made on with it. */
async function probe(path: string, reader: string, rawName: Buffer, mode: ShareMode, deadlineMs: number): Promise<Probe> {
  const base = { reader, mode, backend: 'daemon' } as const;
  if (mode === 'exclusive' && !mayConnectExclusively()) {
    return { ...base, outcome: 'skipped', code: null, hex: null, ms: null, reason: 'cardcheck was asked to end' };
  }
  const start = monotonicMs();
  const connection = new PcscdConnection(path);
  const work = connectAndLeave(connection, rawName, mode);
  if (mode === 'exclusive') guardExclusive(work);
  try {
    const rv = await before(work, deadlineMs, () => {
      // Closing an EXCLUSIVE attempt could reset the card if it succeeds later; it lives on until it has disconnected.
      if (mode !== 'exclusive') connection.close();
      throw new PcscdFailure('silent', `the connect did not return within ${Math.round(deadlineMs)} ms`);
    });
    return { ...base, outcome: outcomeOf(rv), ...describeCode(rv), ms: elapsed(start), reason: null };
  } catch (error) {
    if (!(error instanceof PcscdFailure)) throw error;
    return { ...base, outcome: error.outcome, code: null, hex: null, ms: elapsed(start), reason: error.message };
  }
}

/** SCardEstablishContext, SCardConnect, SCardDisconnect(LEAVE); pcscd drops the context with the connection. @returns rv of the connect */
async function connectAndLeave(connection: PcscdConnection, rawName: Buffer, mode: ShareMode): Promise<number> {
  try {
    const context = await connection.call(Command.establishContext, establishStruct, { dwScope: SCOPE_SYSTEM });
    if (context.rv !== 0) return context.rv;
    const { share, protocols } = shareModes[mode];
    const { rv, hCard } = await connection.call(Command.connect, connectStruct, {
      hContext: context.hContext,
      szReader: rawName,
      dwShareMode: share,
      dwPreferredProtocols: protocols,
    });
    if (rv === 0) await connection.call(Command.disconnect, disconnectStruct, { hCard, dwDisposition: LEAVE_CARD });
    return rv;
  } finally {
    connection.close();
  }
}

interface Versions {
  server: ProtocolVersion;
  announced: ProtocolVersion;
  refused: ProtocolVersion | null;
}

/**
 * Announces a version and, where pcscd refuses it, the one it named, on the same connection.
 * @throws PcscdFailure also when what answers is no pcscd, or one of another major version
 */
async function negotiate(connection: PcscdConnection, path: string, greeting: ProtocolVersion): Promise<Versions> {
  const first = await announce(connection, greeting);
  if (isAccepted(first)) return { server: first.version, announced: greeting, refused: null };
  if (!isPlausible(first)) throw new PcscdFailure('garbage', `what listens on ${path} is not pcscd: it names no protocol version`);
  const second = await announce(connection, first.version);
  if (isAccepted(second)) return { server: second.version, announced: first.version, refused: greeting };
  const { major, minor } = second.version;
  throw new PcscdFailure('mismatch', `pcscd speaks protocol ${major}:${minor} and refused ${greeting.major}:${greeting.minor} and its own: ${formatCode(second.rv)}`);
}

async function announce(connection: PcscdConnection, version: ProtocolVersion): Promise<{ version: ProtocolVersion; rv: number }> {
  const { major, minor, rv } = await connection.call(Command.version, versionStruct, version);
  return { version: { major, minor }, rv };
}

const isAccepted = ({ version, rv }: { version: ProtocolVersion; rv: number }) => rv === 0 && isPlausible({ version });

/** Every pcscd since 2010 has major version 4; text or noise read as a version has neither number small. */
const isPlausible = ({ version }: { version: ProtocolVersion }) => version.major > 0 && version.major < 256 && version.minor >= 0 && version.minor < 256;

const isAtLeast = (version: ProtocolVersion, wanted: ProtocolVersion) =>
  version.major > wanted.major || (version.major === wanted.major && version.minor >= wanted.minor);

/** The result as a fact; a failure or a passed deadline also closes the connection, whose answers are out of step from then on. */
async function asFact<T>(work: Promise<T>, connection: PcscdConnection, deadlineMs: number, source: string): Promise<Fact<T>> {
  try {
    const value = await before(work, deadlineMs, () => {
      throw new PcscdFailure('silent', 'no answer', Math.round(deadlineMs));
    });
    return ok(value, source);
  } catch (error) {
    connection.close();
    if (!(error instanceof PcscdFailure)) throw error;
    return error.toFact();
  }
}
