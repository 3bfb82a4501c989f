/**
 * pcscd's own protocol over its UNIX socket: requests are an 8-byte header and a struct, answers the same
 * struct without a header, all in the machine's byte order. One connection is one SCARDCONTEXT.
 * Commands, structs and version history: pcsc-lite src/winscard_msg.h, src/winscard_svc.c, src/eventhandler.h.
 */
import { endianness } from 'node:os';
import type { ReaderState, ShareMode } from '../snapshot/schema.ts';

const LITTLE_ENDIAN = endianness() === 'LE';

/** A member of a C struct: bytes it takes, and how to read and write them. */
interface Member<T> {
  size: number;
  read(view: DataView, offset: number): T;
  write(view: DataView, offset: number, value: T): void;
}

const u32: Member<number> = {
  size: 4,
  read: (view, offset) => view.getUint32(offset, LITTLE_ENDIAN),
  write: (view, offset, value) => view.setUint32(offset, value, LITTLE_ENDIAN),
};

const i32: Member<number> = {
  size: 4,
  read: (view, offset) => view.getInt32(offset, LITTLE_ENDIAN),
  write: (view, offset, value) => view.setInt32(offset, value, LITTLE_ENDIAN),
};

/** Exactly `size` bytes; a shorter value is filled up with zeros, a longer one cut. */
const bytes = (size: number): Member<Buffer> => ({
  size,
  read: (view, offset) => Buffer.from(view.buffer, view.byteOffset + offset, size),
  write: (view, offset, value) => {
    new Uint8Array(view.buffer, view.byteOffset + offset, size).set(value.subarray(0, size));
  },
});

type Values<M> = { [K in keyof M]: M[K] extends Member<infer T> ? T : never };

/** A C struct without padding other than its members, which is what all of pcscd's are. */
export interface Struct<V> {
  /** Bytes. */
  size: number;
  /** Bytes from the start to each member. */
  offsets: { [K in keyof V]: number };
  /** @param values members left out are zero */
  encode(values: Partial<V>): Buffer;
  /** @throws RangeError when the buffer is shorter than the struct */
  decode(buffer: Buffer, offset?: number): V;
}

function struct<M extends Record<string, Member<unknown>>>(members: M): Struct<Values<M>> {
  type V = Values<M>;
  const offsets = {} as { [K in keyof V]: number };
  let size = 0;
  for (const [name, member] of Object.entries(members)) {
    offsets[name as keyof V] = size;
    size += member.size;
  }
  const names = Object.keys(members) as (keyof V & string)[];
  const memberOf = (name: keyof V & string) => members[name] as Member<unknown>;
  return {
    size,
    offsets,
    encode(values) {
      const buffer = Buffer.alloc(size);
      const view = new DataView(buffer.buffer, buffer.byteOffset, size);
      for (const name of names) if (values[name] !== undefined) memberOf(name).write(view, offsets[name], values[name]);
      return buffer;
    },
    decode(buffer, offset = 0) {
      if (offset < 0 || buffer.length < offset + size) throw new RangeError(`a struct of ${size} bytes in ${buffer.length - offset}`);
      const view = new DataView(buffer.buffer, buffer.byteOffset + offset, size);
      return Object.fromEntries(names.map((name) => [name, memberOf(name).read(view, offsets[name])])) as V;
    },
  };
}

/** MAX_READERNAME, the closing zero included. */
export const MAX_READER_NAME = 128;
/** MAX_ATR_SIZE. A length one above it marks a slot that is not initialised (READER_NOT_INITIALIZED). */
const MAX_ATR = 33;

export const Command = {
  establishContext: 0x01,
  connect: 0x04,
  disconnect: 0x06,
  version: 0x11,
  getReadersState: 0x12,
  getReadersStateSize: 0x16,
  getReadersStateArray: 0x17,
} as const;
export type Command = (typeof Command)[keyof typeof Command];

export const headerStruct = struct({ size: u32, command: u32 });
export const versionStruct = struct({ major: i32, minor: i32, rv: u32 });
export const establishStruct = struct({ dwScope: u32, hContext: u32, rv: u32 });
export const connectStruct = struct({
  hContext: u32,
  szReader: bytes(MAX_READER_NAME),
  dwShareMode: u32,
  dwPreferredProtocols: u32,
  hCard: i32,
  dwActiveProtocol: u32,
  rv: u32,
});
export const disconnectStruct = struct({ hCard: i32, dwDisposition: u32, rv: u32 });
/** READER_STATE, in this layout since protocol 4:2. */
export const readerStateStruct = struct({
  readerName: bytes(MAX_READER_NAME),
  eventCounter: u32,
  readerState: u32,
  readerSharing: i32,
  cardAtr: bytes(MAX_ATR),
  padding: bytes(3),
  cardAtrLength: u32,
  cardProtocol: u32,
});

/** SCARD_SCOPE_SYSTEM */
export const SCOPE_SYSTEM = 2;
/** SCARD_LEAVE_CARD; no other disposition is ever sent. */
export const LEAVE_CARD = 0;

const T0_OR_T1 = 0x1 | 0x2;
/**
 * Share mode and protocols of each probe. DIRECT asks for no protocol, so that it leaves the card alone. RAW is
 * in none: pcscd would rewrite the protocol of every other client (pcsc-lite winscard.c, SCardConnect).
 */
export const shareModes: Readonly<Record<ShareMode, { share: number; protocols: number }>> = {
  exclusive: { share: 1, protocols: T0_OR_T1 },
  shared: { share: 2, protocols: T0_OR_T1 },
  direct: { share: 3, protocols: 0 },
};

/** A request ready to be written. @param body a struct, or nothing */
export function request(command: Command, body: Buffer = Buffer.alloc(0)): Buffer {
  return Buffer.concat([headerStruct.encode({ size: body.length, command }), body]);
}

/** READER_STATE.readerState bits (pcsc-lite PCSC/pcsclite.h). */
export const ReaderStateBit = { unknown: 0x1, absent: 0x2, present: 0x4, swallowed: 0x8, powered: 0x10 } as const;

/** One used slot of the table, with the name as the bytes pcscd knows it by. */
export interface ReaderSlot {
  rawName: Buffer;
  state: ReaderState;
}

/**
 * The used slots of a dump of reader states; any bytes are accepted.
 * @param dump a whole number of READER_STATEs; a rest is ignored
 */
export function decodeReaderTable(dump: Buffer): ReaderSlot[] {
  const slots: ReaderSlot[] = [];
  for (let offset = 0; offset + readerStateStruct.size <= dump.length; offset += readerStateStruct.size) {
    const entry = readerStateStruct.decode(dump, offset);
    const end = entry.readerName.indexOf(0);
    const rawName = entry.readerName.subarray(0, end === -1 ? MAX_READER_NAME : end);
    if (rawName.length === 0) continue;
    const hasAtr = entry.cardAtrLength > 0 && entry.cardAtrLength <= MAX_ATR;
    slots.push({
      rawName: Buffer.from(rawName),
      state: {
        name: rawName.toString('utf8'),
        present: (entry.readerState & ReaderStateBit.present) !== 0,
        atr: hasAtr ? entry.cardAtr.subarray(0, entry.cardAtrLength).toString('hex').toUpperCase() : null,
        sharing: entry.readerSharing,
        eventCounter: entry.eventCounter,
        state: entry.readerState,
        protocol: entry.cardProtocol,
      },
    });
  }
  return slots;
}

/** Most bytes accepted for one table: 512 readers, far above anything pcscd has been built with. */
export const MAX_TABLE_BYTES = 512 * readerStateStruct.size + 16;

/**
 * Length of a reader table that is followed by the answer to CMD_VERSION. Up to protocol 4:5 the table carries no
 * length and its size is a compile-time choice of the distribution (16 slots, 48 on Fedora), so a version request
 * is sent right behind and its known answer marks the end.
 * @param received everything after the first `skip` bytes' worth of other answers
 * @returns bytes of the table, null while the end has not been seen
 */
export function tableLength(received: Buffer, version: { major: number; minor: number }, skip = 0): number | null {
  const length = received.length - skip - versionStruct.size;
  if (length < 0 || length % readerStateStruct.size !== 0) return null;
  const tail = versionStruct.decode(received, skip + length);
  return tail.major === version.major && tail.minor === version.minor && tail.rv === 0 ? length : null;
}
