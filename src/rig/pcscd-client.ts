import { formatCode } from '../pcsc/codes.ts';
import { PcscdConnection } from '../pcsc/connection.ts';
import {
  Command,
  connectStruct,
  decodeReaderTable,
  disconnectStruct,
  establishStruct,
  LEAVE_CARD,
  ReaderStateBit,
  readerStateStruct,
  request,
  SCOPE_SYSTEM,
  shareModes,
  type Struct,
  versionStruct,
} from '../pcsc/protocol.ts';
import type { ShareMode } from '../snapshot/schema.ts';

/** What a diagnosis never sends and a program that uses a card does (pcsc-lite winscard_msg.h). */
const clientCommand = { beginTransaction: 0x07, endTransaction: 0x08, transmit: 0x09 } as const;
/** Short APDUs answer with at most 256 bytes and a status word. */
const longestAnswer = 258;
const slotsEveryVersionAnswersWith = 16;

/** One row of pcscd's reader table. */
export interface ReaderRow {
  name: string;
  present: boolean;
  /** Powered, or known not to answer: pcscd is done with a card that was inserted. */
  settled: boolean;
  /** −1 exclusive, 0 free, n handles. */
  sharing: number;
}

/** An error code of pcscd's, e.g. 0x8010000B. */
export class PcscError extends Error {
  readonly code: number;
  constructor(operation: string, code: number) {
    super(`${operation}: ${formatCode(code)}`);
    this.name = 'PcscError';
    this.code = code;
  }
}

/**
 * A program that uses a card through pcscd's own socket protocol: what a holder is made of.
 * It needs neither libpcsclite nor a compiler, and works little-endian, as every machine pcscd is packaged for but s390x.
 */
export class PcscdClient {
  readonly #connection: PcscdConnection;
  #context = 0;
  #card = 0;
  #protocol = 0;

  /** Begins to connect; whether anybody listens shows at the first call. @param path of pcscd's socket */
  constructor(path = process.env.PCSCLITE_CSOCK_NAME ?? '/run/pcscd/pcscd.comm') {
    this.#connection = new PcscdConnection(path);
  }

  close(): void {
    this.#connection.close();
  }

  /** The reader table; needs no context. Reads the 16 slots that every version answers with. */
  async readers(): Promise<ReaderRow[]> {
    const size = slotsEveryVersionAnswersWith * readerStateStruct.size;
    const table = await this.#connection.exchange(request(Command.getReadersState), ofLength(size), size);
    return decodeReaderTable(table).map(({ state }) => ({
      name: state.name,
      present: (state.state & ReaderStateBit.present) !== 0,
      settled: (state.state & (ReaderStateBit.swallowed | ReaderStateBit.powered)) !== 0,
      sharing: state.sharing,
    }));
  }

  /** Agrees on a protocol version and opens a context, as SCardEstablishContext does. */
  async establishContext(): Promise<void> {
    const answer = await this.#connection.call(Command.version, versionStruct, { major: 4, minor: 4 });
    // 2.3.0–2.4.0 accept their own version only and say which (winscard_svc.c, CMD_VERSION).
    if (answer.rv !== 0) await this.#call('SCardEstablishContext', Command.version, versionStruct, { major: 4, minor: answer.minor });
    const { hContext } = await this.#call('SCardEstablishContext', Command.establishContext, establishStruct, { dwScope: SCOPE_SYSTEM });
    this.#context = hContext;
  }

  /** SCardConnect; DIRECT with no protocol, otherwise T=0|T=1. Waits as long as pcscd does. */
  async connect(reader: string, mode: ShareMode): Promise<void> {
    const { share, protocols } = shareModes[mode];
    const values = { hContext: this.#context, szReader: Buffer.from(reader), dwShareMode: share, dwPreferredProtocols: protocols };
    const { hCard, dwActiveProtocol } = await this.#call('SCardConnect', Command.connect, connectStruct, values);
    this.#card = hCard;
    this.#protocol = dwActiveProtocol;
  }

  async beginTransaction(): Promise<void> {
    await this.#send('SCardBeginTransaction', clientCommand.beginTransaction, int32s(this.#card, 0));
  }

  async endTransaction(): Promise<void> {
    await this.#send('SCardEndTransaction', clientCommand.endTransaction, int32s(this.#card, LEAVE_CARD, 0));
  }

  /** SCardTransmit: the card's answer to an APDU, status word included. */
  async transmit(apdu: Buffer): Promise<Buffer> {
    // transmit_struct: hCard, protocol and length of both SCARD_IO_REQUESTs, both lengths, rv; the APDU follows it uncounted.
    const struct = int32s(this.#card, this.#protocol, 8, apdu.length, 0, 8, longestAnswer, 0);
    const isWhole = (received: Buffer): number | null => {
      if (received.length < struct.length) return null;
      const length = struct.length + (received.readUInt32LE(28) === 0 ? received.readUInt32LE(24) : 0);
      return received.length < length ? null : length;
    };
    const answer = await this.#send('SCardTransmit', clientCommand.transmit, struct, apdu, isWhole);
    return answer.subarray(struct.length);
  }

  /** SCardDisconnect with SCARD_LEAVE_CARD. */
  async disconnect(): Promise<void> {
    await this.#call('SCardDisconnect', Command.disconnect, disconnectStruct, { hCard: this.#card, dwDisposition: LEAVE_CARD });
  }

  /** @throws PcscError */
  async #call<V extends { rv: number }>(operation: string, command: Command, struct: Struct<V>, values: Partial<V>): Promise<V> {
    const answer = await this.#connection.call(command, struct, values);
    if (answer.rv !== 0) throw new PcscError(operation, answer.rv);
    return answer;
  }

  /** A request of int32s, whose last is the result, as in every structure. @throws PcscError */
  async #send(operation: string, command: number, struct: Buffer, extra: Buffer = Buffer.alloc(0), lengthOf = ofLength(struct.length)): Promise<Buffer> {
    const message = Buffer.concat([int32s(struct.length, command), struct, extra]);
    const answer = await this.#connection.exchange(message, lengthOf, struct.length + longestAnswer);
    const code = answer.readUInt32LE(struct.length - 4);
    if (code !== 0) throw new PcscError(operation, code);
    return answer;
  }
}

function ofLength(length: number): (received: Buffer) => number | null {
  return (received) => (received.length < length ? null : length);
}

function int32s(...values: number[]): Buffer {
  return Buffer.from(Int32Array.from(values).buffer);
}
