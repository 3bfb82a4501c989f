/**
 * Daemons that the real one cannot be made to be: other versions, other table sizes, broken and hostile ones.
 * Written from pcsc-lite's winscard_svc.c with offsets in numbers, not with the structs under test.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Daemon {
  path: string;
  /** Commands in the order received, over all connections. */
  commands: number[];
  /** Body of each SCARD_CONNECT. */
  connects: Buffer[];
  /** Body of each SCARD_DISCONNECT. */
  disconnects: Buffer[];
  /** Connections that are open now. */
  open(): number;
  stop(): Promise<void>;
}

/** Listens on a socket of its own and hands over every connection. */
export async function listen(serve: (socket: Socket, daemon: Daemon) => void): Promise<Daemon> {
  const folder = await mkdtemp(join(tmpdir(), 'fake-pcscd-'));
  const sockets = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: false }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    serve(socket, daemon);
  });
  const daemon: Daemon = {
    path: join(folder, 'pcscd.comm'),
    commands: [],
    connects: [],
    disconnects: [],
    open: () => sockets.size,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
  await new Promise<void>((resolve) => server.listen(daemon.path, resolve));
  return daemon;
}

export interface FakeReader {
  name: string;
  sharing?: number;
  state?: number;
}

export interface FakeOptions {
  /** Its protocol version is 4:minor. */
  minor?: number;
  /** Versions it accepts; default its own only. */
  accepts?: (minor: number) => boolean;
  /** What it says to others. */
  refusal?: number;
  /** Size of the table. */
  slots?: number;
  readers?: FakeReader[];
  /** rv of a connect, or null to leave it without an answer. */
  connect?: (reader: string, mode: number) => number | null;
  /** Milliseconds until a connect is answered. */
  connectDelayMs?: number;
  /** Bytes written at a time. */
  chunk?: number;
  /** Ends the connection on this command, in the middle of the answer. */
  dieOn?: number;
  /** Does not answer this command. */
  silentOn?: number;
}

const SERVICE_STOPPED = 0x8010001e;

function entry({ name, sharing = 0, state = 0x34 }: FakeReader): Buffer {
  const bytes = Buffer.alloc(184);
  bytes.write(name, 0);
  bytes.writeUInt32LE(state, 132);
  bytes.writeInt32LE(sharing, 136);
  return bytes;
}

function emptyEntry(): Buffer {
  const bytes = Buffer.alloc(184);
  bytes.writeUInt32LE(34, 176);
  return bytes;
}

/** A daemon that keeps pcscd's protocol. */
export function fakePcscd(options: FakeOptions = {}): Promise<Daemon> {
  const { minor = 4, accepts = (asked) => asked === minor, refusal = SERVICE_STOPPED, slots = 16, readers = [] } = options;
  const table = (length: number) => Buffer.concat(Array.from({ length }, (_, at) => (readers[at] === undefined ? emptyEntry() : entry(readers[at]))));
  const answers: Record<number, (body: Buffer, daemon: Daemon) => Buffer | null> = {
    0x01: (body) => {
      body.writeUInt32LE(0x1234, 4);
      body.writeUInt32LE(0, 8);
      return body;
    },
    0x04: (body, daemon) => {
      daemon.connects.push(Buffer.from(body));
      const rv = options.connect?.(body.toString('utf8', 4, body.indexOf(0, 4)), body.readUInt32LE(132)) ?? (options.connect === undefined ? 0 : null);
      if (rv === null) return null;
      body.writeInt32LE(0x7777, 140);
      body.writeUInt32LE(rv, 148);
      return body;
    },
    0x06: (body, daemon) => {
      daemon.disconnects.push(Buffer.from(body));
      body.writeUInt32LE(0, 8);
      return body;
    },
    0x11: (body) => {
      body.writeUInt32LE(accepts(body.readInt32LE(4)) ? 0 : refusal, 8);
      body.writeInt32LE(4, 0);
      body.writeInt32LE(minor, 4);
      return body;
    },
    // From 4:6 on the old command always gives 16 entries.
    0x12: () => table(minor >= 6 ? 16 : slots),
    0x16: () => {
      const size = Buffer.alloc(4);
      size.writeInt32LE(slots);
      return size;
    },
    0x17: () => table(slots),
  };

  return listen((socket, daemon) => {
    let received = Buffer.alloc(0);
    socket.on('data', (data) => {
      received = Buffer.concat([received, data]);
      while (received.length >= 8 && received.length >= 8 + received.readUInt32LE(0)) {
        const size = received.readUInt32LE(0);
        const command = received.readUInt32LE(4);
        const body = Buffer.from(received.subarray(8, 8 + size));
        received = received.subarray(8 + size);
        daemon.commands.push(command);
        if (command === options.silentOn) return socket.removeAllListeners('data');
        const answer = (minor < 6 && command > 0x15 ? undefined : answers[command])?.(body, daemon);
        if (answer === undefined) return socket.destroy();
        if (answer === null) continue;
        if (command === options.dieOn) return socket.end(answer.subarray(0, Math.ceil(answer.length / 2)));
        setTimeout(() => write(socket, answer, options.chunk ?? answer.length), command === 0x04 ? (options.connectDelayMs ?? 0) : 0);
      }
      return undefined;
    });
  });
}

function write(socket: Socket, bytes: Buffer, chunk: number): void {
  for (let at = 0; at < bytes.length; at += chunk) socket.write(bytes.subarray(at, at + chunk));
}
