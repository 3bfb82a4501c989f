import { connect, type Socket } from 'node:net';
import { formatCode } from '../pcsc/codes.ts';
import {
  Command,
  connectStruct,
  decodeReaderTable,
  disconnectStruct,
  establishStruct,
  LEAVE_CARD,
  ReaderStateBit,
  readerStateStruct,
  SCOPE_SYSTEM,
  shareModes,
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
  readonly #socket: Socket;
  #buffered: Buffer = Buffer.alloc(0);
  #wanted: { length: number; resolve: (reply: Buffer) => void; reject: (error: Error) => void } | null = null;
  #ended: Error | null = null;
  #context = 0;
  #card = 0;
  #protocol = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#buffered = Buffer.concat([this.#buffered, chunk]);
      this.#deliver();
    });
    socket.on('error', (error) => this.#end(error));
    socket.on('close', () => this.#end(new Error('pcscd closed the connection')));
  }

  /** @throws Error when nobody listens there */
  static async open(path = process.env.PCSCLITE_CSOCK_NAME ?? '/run/pcscd/pcscd.comm'): Promise<PcscdClient> {
    const socket = connect(path);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new PcscdClient(socket);
  }

  close(): void {
    this.#socket.destroy();
  }

  /** The reader table; needs no context. Reads the 16 slots that every version answers with. */
  async readers(): Promise<ReaderRow[]> {
    const table = await this.#exchange(Command.getReadersState, Buffer.alloc(0), slotsEveryVersionAnswersWith * readerStateStruct.size);
    return decodeReaderTable(table).map(({ state }) => ({
      name: state.name,
      present: (state.state & ReaderStateBit.present) !== 0,
      settled: (state.state & (ReaderStateBit.swallowed | ReaderStateBit.powered)) !== 0,
      sharing: state.sharing,
    }));
  }

  /** Agrees on a protocol version and opens a context, as SCardEstablishContext does. */
  async establishContext(): Promise<void> {
    const answer = versionStruct.decode(await this.#exchange(Command.version, versionStruct.encode({ major: 4, minor: 4 }), versionStruct.size));
    // 2.3.0–2.4.0 accept their own version only and say which (winscard_svc.c, CMD_VERSION).
    if (answer.rv !== 0) await this.#call('SCardEstablishContext', Command.version, versionStruct.encode({ major: 4, minor: answer.minor }));
    const context = await this.#call('SCardEstablishContext', Command.establishContext, establishStruct.encode({ dwScope: SCOPE_SYSTEM }));
    this.#context = establishStruct.decode(context).hContext;
  }

  /** SCardConnect; DIRECT with no protocol, otherwise T=0|T=1. Waits as long as pcscd does. */
  async connect(reader: string, mode: ShareMode): Promise<void> {
    const { share, protocols } = shareModes[mode];
    const request = connectStruct.encode({ hContext: this.#context, szReader: Buffer.from(reader), dwShareMode: share, dwPreferredProtocols: protocols });
    const answer = connectStruct.decode(await this.#call('SCardConnect', Command.connect, request));
    this.#card = answer.hCard;
    this.#protocol = answer.dwActiveProtocol;
  }

  async beginTransaction(): Promise<void> {
    await this.#call('SCardBeginTransaction', clientCommand.beginTransaction, int32s(this.#card, 0));
  }

  async endTransaction(): Promise<void> {
    await this.#call('SCardEndTransaction', clientCommand.endTransaction, int32s(this.#card, LEAVE_CARD, 0));
  }

  /** SCardTransmit: the card's answer to an APDU, status word included. */
  async transmit(apdu: Buffer): Promise<Buffer> {
    // transmit_struct: hCard, protocol and length of both SCARD_IO_REQUESTs, both lengths, rv; the APDU follows it uncounted.
    const struct = int32s(this.#card, this.#protocol, 8, apdu.length, 0, 8, longestAnswer, 0);
    const answer = await this.#call('SCardTransmit', clientCommand.transmit, struct, apdu);
    return this.#read(answer.readUInt32LE(24));
  }

  /** SCardDisconnect with SCARD_LEAVE_CARD. */
  async disconnect(): Promise<void> {
    await this.#call('SCardDisconnect', Command.disconnect, disconnectStruct.encode({ hCard: this.#card, dwDisposition: LEAVE_CARD }));
  }

  /** @throws PcscError when the result, always the last field, is not success */
  async #call(operation: string, command: number, struct: Buffer, extra: Buffer = Buffer.alloc(0)): Promise<Buffer> {
    const reply = await this.#exchange(command, struct, struct.length, extra);
    const code = reply.readUInt32LE(reply.length - 4);
    if (code !== 0) throw new PcscError(operation, code);
    return reply;
  }

  #exchange(command: number, struct: Buffer, replyLength: number, extra: Buffer = Buffer.alloc(0)): Promise<Buffer> {
    this.#socket.write(Buffer.concat([int32s(struct.length, command), struct, extra]));
    return this.#read(replyLength);
  }

  #read(length: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#wanted = { length, resolve, reject };
      this.#deliver();
    });
  }

  #deliver(): void {
    const wanted = this.#wanted;
    if (wanted === null) return;
    if (this.#buffered.length >= wanted.length) {
      this.#wanted = null;
      const reply = this.#buffered.subarray(0, wanted.length);
      this.#buffered = this.#buffered.subarray(wanted.length);
      wanted.resolve(reply);
    } else if (this.#ended !== null) {
      this.#wanted = null;
      wanted.reject(this.#ended);
    }
  }

  #end(error: Error): void {
    this.#ended ??= error;
    this.#deliver();
  }
}

function int32s(...values: number[]): Buffer {
  return Buffer.concat(
    values.map((value) => {
      const bytes = Buffer.alloc(4);
      bytes.writeInt32LE(value | 0);
      return bytes;
    }),
  );
}
