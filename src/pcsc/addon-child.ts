/**
 * The process that holds pcsclite. The addon can block its event loop, abort it and never let it exit, so it lives
 * here and nowhere else. It loads the addon at once, touches PC/SC only when told, answers on descriptor 3 (an old
 * libpcsclite logs to stdout) and ends with the parent.
 */
import { readFileSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type AddonAnswer, type AddonMessage, type AddonRequest, classifyLoadFailure, type LibraryState, lineCutter, MAX_LINE, parseCallFailure } from './addon-messages.ts';
import { before, elapsed, monotonicMs } from './deadline.ts';
import { LEAVE_CARD, shareModes } from './protocol.ts';

/** pcsclite's reader; its own typings leave out half of it. */
interface CardReader {
  name: string;
  on(event: 'error', listener: (error: Error) => void): void;
  on(event: 'status', listener: (status: { state: number; atr?: Buffer }) => void): void;
  connect(options: { share_mode: number; protocol: number }, done: (error: Error | null) => void): void;
  disconnect(disposition: number, done: (error: Error | null) => void): void;
  constructor: new (name: string) => CardReader;
}
type ListCallback = (error: Error | undefined, names?: Buffer) => void;
interface PcscLite {
  on(event: 'error', listener: (error: Error) => void): void;
  on(event: 'reader', listener: (reader: CardReader) => void): void;
  start(done: ListCallback): void;
}
type Result = Pick<AddonAnswer, 'rv' | 'call' | 'text'>;

const ANSWERS = 3;
const require = createRequire(import.meta.url);

// Ctrl-C reaches the whole process group. An EXCLUSIVE handle must be disconnected before this process ends, so
// it ends when the parent says so, by closing stdin, or has gone.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

let exclusive: Promise<unknown> = Promise.resolve();
/** Everything native stays referenced: the addon holds no references of its own to what its threads work on. */
const alive: unknown[] = [];
const connectable = new Map<string, CardReader>();
const states: { state: LibraryState; settled: Promise<void> }[] = [];

const pcsclite = load();
process.stdin.setEncoding('utf8');
process.stdin.on('data', lineCutter((line) => void answer(JSON.parse(line) as AddonRequest), MAX_LINE));
process.stdin.on('error', () => {}); // followed by 'close', like its end
process.stdin.on('close', () => void exclusive.then(end));

function load(): (() => PcscLite) | null {
  try {
    const factory = require('pcsclite') as () => PcscLite;
    const { version } = require('pcsclite/package.json') as { version: string };
    say({ loaded: true, version, path: Object.keys(require.cache).find((path) => path.endsWith('.node')) ?? null, ...askedLibrary() });
    return factory;
  } catch (error) {
    say({ loaded: false, failure: classifyLoadFailure(error) });
    return null;
  }
}

async function answer(request: AddonRequest): Promise<void> {
  switch (request.op) {
    case 'open':
      return say({ id: request.id, ...(await open()) });
    case 'states':
      return say({ id: request.id, ...(await firstStates(request.withinMs)) });
    case 'connect': {
      const start = monotonicMs();
      const result = connectAndLeave(request.reader, request.mode);
      if (request.mode === 'exclusive') exclusive = Promise.allSettled([exclusive, result]);
      return say({ id: request.id, ...(await result), ms: elapsed(start) });
    }
  }
}

/** SCardEstablishContext, which is synchronous in the addon, and the first list of readers. */
async function open(): Promise<Result & Pick<AddonAnswer, 'names' | 'library'>> {
  const done = { rv: 0, call: 'SCardEstablishContext', text: null };
  if (pcsclite === null) return { rv: null, call: null, text: 'pcsclite is not loaded' };
  try {
    const pcsc = pcsclite();
    alive.push(pcsc);
    await firstList(pcsc);
    return { ...done, names: [...connectable.keys()] };
  } catch (error) {
    const failure = { ...parseCallFailure(error), ...askedLibrary() };
    // A later call than that for the context failed: the context itself was given.
    return failure.call === 'SCardEstablishContext' || failure.call === null ? failure : { ...done, text: failure.text };
  }
}

/** Where several copies are installed, only this tells which one was asked. A redirector has loaded the one that speaks by now. */
function askedLibrary(): Pick<AddonAnswer, 'library'> {
  try {
    const files = readFileSync('/proc/self/maps', 'utf8').match(/\/.*\/libpcsclite[^/\n]*$/gm) ?? [];
    const library = files.find((path) => path.includes('libpcsclite_real')) ?? files[0];
    return library === undefined ? {} : { library };
  } catch {
    return {};
  }
}

function firstList(pcsc: PcscLite): Promise<void> {
  return new Promise((resolve, reject) => {
    pcsc.on('error', (error) => setImmediate(reject, error));
    pcsc.on('reader', addReader);
    // pcsclite tells of readers, not that there are none; its own callback, called on the next tick, does.
    const { start } = pcsc;
    pcsc.start = (done) =>
      start.call(pcsc, (error, names) => {
        done(error, names);
        setImmediate(resolve);
      });
  });
}

/** Runs inside a callback of the addon, hence only takes notes. */
function addReader(reader: CardReader): void {
  const state: LibraryState = { name: reader.name, state: null, atr: null };
  const settled = new Promise<void>((resolve) => {
    // Listeners first: an error nobody listens to ends the process.
    reader.on('error', () => setImmediate(resolve));
    reader.on('status', (status) => {
      if (state.state === null) {
        state.state = status.state;
        state.atr = status.atr === undefined || status.atr.length === 0 ? null : status.atr.toString('hex').toUpperCase();
      }
      setImmediate(resolve);
    });
  });
  states.push({ state, settled });
  // Connects go through a second object of the same name. The first one's status thread and its connects share a
  // mutex that its callback takes on the main thread, so that a blocked connect would block the event loop.
  const second = new reader.constructor(reader.name);
  alive.push(reader, second);
  connectable.set(reader.name, second);
}

/** libpcsclite holds back the first state of a mute card until the next event on its reader, so there is a limit. */
async function firstStates(withinMs: number): Promise<Result & { states: LibraryState[] }> {
  const all = Promise.all(states.map(({ settled }) => settled));
  await before<unknown>(all, withinMs, () => null);
  return { rv: 0, call: 'SCardGetStatusChange', text: null, states: states.map(({ state }) => state) };
}

/** Whatever happens in between, a handle that was given is given back with SCARD_LEAVE_CARD before the answer. */
async function connectAndLeave(name: string, mode: keyof typeof shareModes): Promise<Result> {
  const reader = connectable.get(name);
  if (reader === undefined) return { rv: null, call: null, text: 'libpcsclite lists no reader of this name' };
  const { share, protocols } = shareModes[mode];
  const refused = await called((done) => reader.connect({ share_mode: share, protocol: protocols }, done));
  if (refused !== null) return parseCallFailure(refused);
  const kept = await called((done) => reader.disconnect(LEAVE_CARD, done));
  // pcsclite takes it for still connected and would call any further connect a success.
  if (kept !== null) connectable.delete(name);
  return { rv: 0, call: 'SCardConnect', text: null };
}

/** With pcsclite on Node 26, promises settled inside its callbacks do not continue before another event: hence setImmediate, everywhere. */
function called(call: (done: (error: Error | null) => void) => void): Promise<Error | null> {
  return new Promise((resolve) => call((error) => setImmediate(resolve, error ?? null)));
}

function say(message: AddonMessage): void {
  try {
    writeSync(ANSWERS, `${JSON.stringify(message)}\n`);
  } catch {
    void exclusive.then(end); // nobody reads any more
  }
}

/** Not process.exit: that waits for the addon's threads, which may be blocked in pcscd for as long as it likes. */
function end(): void {
  process.kill(process.pid, 'SIGKILL');
}
