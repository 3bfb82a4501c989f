/** Properties of what pcscd, its memory and the addon's child say, each of which may be anybody. */
import { createServer } from 'node:net';
import fc from 'fast-check';
import * as z from 'zod';
import { layoutsOf } from '../../src/attribution/layouts.ts';
import { MemoryImage, type ProcessMemory } from '../../src/attribution/memory.ts';
import { type Holdings, walk } from '../../src/attribution/walk.ts';
import { readerState } from '../../src/pcsc/addon.ts';
import { decodeMessage } from '../../src/pcsc/addon-decode.ts';
import { lineCutter, parseCallFailure } from '../../src/pcsc/addon-messages.ts';
import { describeCode, outcomeOf } from '../../src/pcsc/codes.ts';
import { decodeReaderTable, readerStateStruct, tableLength } from '../../src/pcsc/protocol.ts';
import { pcscdSocket } from '../../src/pcsc/socket.ts';
import { factSchemas } from '../../src/snapshot/schema.ts';
import { type ImagePlan, pcscdImage } from '../attribution/pcscd-image.ts';
import { bounded } from './bounded.ts';
import { textOf } from './texts.ts';

const valid = (schema: z.ZodType, value: unknown): void => {
  const problem = schema.safeParse(value).error;
  if (problem !== undefined) throw new Error(z.prettifyError(problem));
};

// --- the protocol

const u32 = fc.oneof(fc.constantFrom(0, 1, 2, 4, 16, 33, 34, 0x34, 0x8010000b, 0x8010001e, 0xffffffff, 0x7fffffff), fc.integer({ min: 0, max: 0xffffffff }));
const entry = fc.tuple(fc.oneof(fc.constantFrom('Yubico YubiKey CCID 00 00', '', '\u001b[2J', 'x'.repeat(128)), fc.string({ unit: 'binary', maxLength: 130 })), u32, u32, u32, u32, u32).map(([name, counter, state, sharing, length, protocol]) => {
  const bytes = Buffer.alloc(readerStateStruct.size);
  bytes.write(name, 0, 128);
  [counter, state, sharing].forEach((number, index) => bytes.writeUInt32LE(number, 128 + 4 * index));
  bytes.writeUInt32LE(length, 176);
  bytes.writeUInt32LE(protocol, 180);
  return bytes;
});
const tables = fc.tuple(fc.array(entry, { maxLength: 20 }), fc.uint8Array({ maxLength: 200 })).map(([entries, rest]) => Buffer.concat([...entries, rest]));

const readerTable = fc.property(tables, fc.nat(50), ({ buffer, byteOffset, length }, skip) => {
  const bytes = Buffer.from(buffer, byteOffset, length);
  valid(factSchemas.readers, { status: 'ok', value: decodeReaderTable(bytes).map(({ state }) => state), source: 'x' });
  const end = tableLength(bytes, { major: 4, minor: 4 }, skip);
  return end === null || (end >= 0 && end <= bytes.length);
});

/** What is answered, piece by piece: true answers of pcscd's up to some command, noise afterwards. */
interface Script {
  version: { major: number; minor: number; rv: number }[];
  table: Buffer;
  connect: { rv: number; hCard: number };
  /** After so many requests, the bytes of `noise`, and the connection ends or stays silent. */
  turns: number;
  noise: Buffer;
  then: 'end' | 'reset' | 'silence';
  chunk: number;
}
const bytes = fc.uint8Array({ maxLength: 600 }).map((noise) => Buffer.from(noise));
const scripts: fc.Arbitrary<Script> = fc.record({
  version: fc.array(fc.record({ major: fc.constantFrom(4, 4, 4, 0, -1, 3), minor: fc.constantFrom(4, 3, 5, 6, 300), rv: fc.constantFrom(0, 0, 0x8010001e) }), { minLength: 1, maxLength: 3 }),
  table: fc.oneof(fc.tuple(fc.array(entry, { maxLength: 4 })).map(([entries]) => Buffer.concat([...entries, ...Array.from({ length: 16 - entries.length }, () => Buffer.alloc(readerStateStruct.size))])), tables),
  connect: fc.record({ rv: u32, hCard: fc.integer() }),
  turns: fc.oneof(fc.constant(1000), fc.nat(8)),
  noise: bytes,
  then: fc.constantFrom('end', 'end', 'reset', 'silence'),
  chunk: fc.constantFrom(1_000_000, 1_000_000, 7),
});

/** In Linux's abstract namespace (unix(7)), so that nothing is left behind. */
const path = `\0cardcheck-fuzz-${process.pid}`;
let script: Script;
let listening: Promise<void> | null = null;

/** One server for all executions; what it says is the script of the moment. */
function listen(): Promise<void> {
  listening ??= new Promise((resolve) => {
    const server = createServer((socket) => {
      const { version, table, connect, turns, noise, then, chunk } = script;
      let [turn, versions, received] = [0, 0, Buffer.alloc(0)];
      const say = (answer: Buffer) => {
        for (let at = 0; at < answer.length; at += chunk) socket.write(answer.subarray(at, at + chunk));
      };
      const answers: Record<number, (body: Buffer) => Buffer> = {
        0x01: (body) => body,
        0x04: (body) => {
          body.writeInt32LE(connect.hCard, 140);
          body.writeUInt32LE(connect.rv, 148);
          return body;
        },
        0x06: (body) => body,
        0x11: (body) => {
          const { major, minor, rv } = version[Math.min(versions++, version.length - 1)] as Script['version'][number];
          body.writeInt32LE(major, 0);
          body.writeInt32LE(minor, 4);
          body.writeUInt32LE(rv, 8);
          return body;
        },
        0x12: () => table,
        0x16: () => Buffer.from(Uint32Array.of(table.length / readerStateStruct.size).buffer),
        0x17: () => table,
      };
      socket.on('error', () => {});
      socket.on('data', (data) => {
        received = Buffer.concat([received, data]);
        for (; received.length >= 8 && received.length >= 8 + received.readUInt32LE(0); turn++) {
          const [size, command] = [received.readUInt32LE(0), received.readUInt32LE(4)];
          const body = Buffer.from(received.subarray(8, 8 + size));
          received = received.subarray(8 + size);
          if (turn < turns) {
            say(answers[command]?.(body) ?? Buffer.alloc(0));
            continue;
          }
          say(noise);
          if (then === 'end') socket.end();
          if (then === 'reset') socket.destroy();
        }
      });
    });
    server.unref().listen(path, resolve);
  });
  return listening;
}

const DEADLINE_MS = 15;

/** Whoever listens on the socket: facts of their schemas, in time. */
const hostileServer = fc.asyncProperty(scripts, async (scripted) => {
  await listen();
  script = scripted;
  const port = pcscdSocket(path);
  const opened = await port.open(DEADLINE_MS);
  if (opened.status === 'ok') {
    const { protocol, announced, slots } = opened.value;
    valid(factSchemas.daemon, { status: 'ok', value: { protocol, announced, slots, woken: null }, source: 'x' });
    const readers = await opened.value.readers(DEADLINE_MS);
    valid(factSchemas.readers, readers);
    const name = readers.status === 'ok' ? (readers.value[0]?.name ?? 'x') : 'x';
    const probes = [await opened.value.connect(name, 'direct', DEADLINE_MS), await opened.value.connect(name, 'shared', DEADLINE_MS)];
    valid(factSchemas.probes, { status: 'ok', value: probes, source: 'x' });
  }
  await port.close();
});

const resultCodes = fc.property(u32, fc.oneof(textOf(['SCardConnect error:', 'Sharing violation.', '(0x8010000b)', '(0xffffffff8010000b)']), fc.string()), (code, text) => {
  const { rv } = bounded(text.length, () => parseCallFailure(new Error(text)));
  return typeof outcomeOf(code) === 'string' && /^0x[0-9A-F]{8}$/.test(describeCode(code).hex) && (rv === null || (rv >= 0 && rv <= 0xffffffff));
});

// --- the addon's child

const childWords = ['{"loaded":true,"version":"1.0.1","path":null}', '{"loaded":false,"failure":{"kind":"failed","text":"x"}}', '{"id":1,"rv":0,"call":"SCardConnect","text":null', ',"states":[{"name":"a","state":34,"atr":null}]', ',"names":["a"]', '}', 'null', '42', '"loaded"', '[]', '{"loaded":true}', '{"id":1}', '{"id":1,"rv":0,"call":null,"text":null,"states":[null]}', '{"__proto__":{"loaded":true}}', '\n'];
const childMessages = fc.property(textOf(childWords), fc.integer({ min: 1, max: 5000 }), fc.constantFrom(50, 1000), (text, size, limit) => {
  bounded(text.length * (1 + 1000 / size), () => {
    const cut = lineCutter((line) => {
      const message = decodeMessage(line);
      if (message === null) return;
      if ('loaded' in message) valid(factSchemas.addon, message.loaded ? { status: 'ok', value: message, source: 'x' } : { status: 'failed', error: message.failure.text });
      else valid(factSchemas.readers, { status: 'ok', value: (message.states ?? []).flatMap(readerState), source: 'x' });
    }, limit);
    for (let at = 0; at < text.length; at += size) cut(text.slice(at, at + size));
  });
});

// --- pcscd's memory

const X86_64 = 62;
const generation = fc.constantFrom<ImagePlan['generation']>('1.9.5', '2.4.1', '2.5.1');

/** What can happen between two looks. A number of a handle never comes twice (pcsc-lite winscard.c: they are drawn at random). */
type Step = { kind: 'come' | 'go' | 'connect' | 'connect-exclusively' | 'disconnect' | 'lock' | 'unlock'; client: number; reader: number };
const steps = fc.array(fc.record({ kind: fc.constantFrom<Step['kind']>('come', 'go', 'connect', 'connect', 'connect-exclusively', 'disconnect', 'lock', 'unlock'), client: fc.nat(20), reader: fc.nat(20) }), { maxLength: 12 });
const NAMES = ['Yubico YubiKey OTP+FIDO+CCID 00 00', 'ACS ACR122U 01 00', 'Alcor AU9540 02 00'];

type Plan = Omit<ImagePlan, 'generation'>;

/** A pcscd's life; `number` draws handles. */
function live(plan: Plan, list: readonly Step[], number: () => number): Plan {
  const { readers, contexts } = structuredClone(plan);
  for (const { kind, client, reader: which } of list) {
    const reader = readers[which % readers.length] as Plan['readers'][number];
    const context = contexts[client % Math.max(1, contexts.length)];
    const free = [12, 13, 14, 15, 16, 17].find((fd) => contexts.every((one) => one.fd !== fd));
    const release = (handles: readonly number[]) => {
      for (const one of readers) {
        const left = one.handles.filter((handle) => !handles.includes(handle));
        if (left.length === one.handles.length) continue;
        if (one.lock !== undefined && !left.includes(one.lock)) delete one.lock;
        Object.assign(one, { handles: left, sharing: left.length });
      }
    };
    if (kind === 'come' && free !== undefined) contexts.push({ fd: free, handles: [] });
    if (context === undefined) continue;
    if (kind === 'go') {
      release(context.handles);
      contexts.splice(contexts.indexOf(context), 1);
    } else if (kind === 'disconnect') {
      release(context.handles.splice(0, 1));
    } else if ((kind === 'connect' && reader.sharing >= 0) || (kind === 'connect-exclusively' && reader.sharing === 0)) {
      const handle = number();
      context.handles.push(handle);
      reader.handles.push(handle);
      reader.sharing = kind === 'connect' ? reader.sharing + 1 : -1;
      if (kind !== 'connect') reader.lock = handle;
    } else if (kind === 'lock' && reader.sharing > 0) {
      reader.lock ??= reader.handles[which % reader.handles.length] as number;
    } else if (kind === 'unlock' && reader.sharing > 0) {
      delete reader.lock;
    }
  }
  return { readers, contexts };
}

/** Who holds what, without the addresses. */
const told = ({ readers, contexts }: Holdings | Plan) =>
  JSON.stringify(readers.map(({ name, sharing, handles, lock }) => [name, sharing, [...handles].sort((a, b) => a - b).map((handle) => [handle, contexts.find((context) => context.handles.includes(handle))?.fd]), lock ?? 0]));

const readings = (memory: ProcessMemory, table: Parameters<typeof walk>[2]) =>
  layoutsOf(X86_64).flatMap((layout) => walk(new MemoryImage(memory), layout, table) ?? []);

const numbers = () => {
  let last = 0x1000;
  return () => (last += 0x1357);
};
const start: Plan = { readers: NAMES.map((name) => ({ name, sharing: 0, handles: [] })), contexts: [{ fd: 12, handles: [] }] };

/** The memory at some moment, in which stretches are from a later one: `true` in `torn` marks them. */
function tornImage(generation: ImagePlan['generation'], early: Plan, late: Plan, torn: readonly boolean[], size: number): ProcessMemory {
  const [one, other] = [early, late].map((plan) => pcscdImage({ generation, ...plan })) as [ReturnType<typeof pcscdImage>, ReturnType<typeof pcscdImage>];
  for (const part of ['data', 'heap'] as const) {
    for (let at = 0, index = 0; at < one[part].length; at += size, index++) if (torn[index % torn.length]) other[part].copy(one[part], at, at, at + size);
  }
  return one.memory;
}

const pattern = fc.array(fc.boolean(), { minLength: 1, maxLength: 64 });

/**
 * Read twice while it changes, as for a proof: what both times comes out was so at one of the moments. (Once is not
 * enough: a client that exchanges one handle for another can be seen with both.)
 */
const tornMemory = fc.property(generation, steps, steps, steps, pattern, pattern, fc.constantFrom(8, 16, 64, 256, 4096), (which, first, second, third, tornFirst, tornSecond, size) => {
  const number = numbers();
  const before = live(start, first, number);
  const middle = live(before, second, number);
  const after = live(middle, third, number);
  const truths = [before, middle, after].map(told);
  const { table } = pcscdImage({ generation: which, ...before });
  const seen = readings(tornImage(which, before, middle, tornFirst, size), table).map(told);
  const again = readings(tornImage(which, middle, after, tornSecond, size), table).map(told);
  for (const reading of seen) if (again.includes(reading) && !truths.includes(reading)) throw new Error(`read ${reading}, true was ${truths.join(' or ')}`);
});

/** Bytes spoilt anywhere: every handle and lock that comes out is a true one. Descriptors are tied to processes by the kernel, later. */
const spoiltMemory = fc.property(generation, steps, fc.array(fc.tuple(fc.nat(), u32, fc.constantFrom(1, 4)), { minLength: 1, maxLength: 6 }), fc.boolean(), (which, list, spoils, inHeap) => {
  const plan = live(start, list, numbers());
  const image = pcscdImage({ generation: which, ...plan });
  const part = inHeap ? image.heap.subarray(0, image.used) : image.data;
  for (const [at, value, width] of spoils) width === 1 ? part.writeUInt8(value & 0xff, at % part.length) : part.writeUInt32LE(value, (at % (part.length - 4)) & ~3);
  const handles = (holdings: Holdings | Plan) => JSON.stringify(holdings.readers.map(({ name, handles: all, lock }) => [name, [...all].sort((a, b) => a - b), lock ?? 0]));
  for (const holdings of readings(image.memory, image.table)) if (handles(holdings) !== handles(plan)) throw new Error(`read ${handles(holdings)}, true is ${handles(plan)}`);
});

export const properties = { readerTable, hostileServer, resultCodes, childMessages, tornMemory, spoiltMemory };
