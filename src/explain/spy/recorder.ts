import { formatCode } from '../../pcsc/codes.ts';
import type { SpyApdu, SpyCall, SpyReport } from '../explanation.ts';
import type { Notebook } from '../notebook.ts';
import { withoutSecrets } from '../secrets.ts';
import { apduOf, bytesIn } from './apdu.ts';
import { type SpyEvent, listedEvents, rawEvent } from './grammar.ts';

/** Lines that are none of the log's before it is taken to have ended. */
const PATIENCE = 40;
/** A call that took this long, in seconds, waited for somebody: powering a card up takes up to one. */
const WAITED = 2;
const MAX_REPORTED = 50;
const MAX_OPEN = 1000;
const MAX_VALUES = 64;
const MAX_APDUS = 1000;

type Mode = 'EXCLUSIVE' | 'SHARED' | 'DIRECT';
const modes = new Map<string, Mode>([['1', 'EXCLUSIVE'], ['2', 'SHARED'], ['3', 'DIRECT']]);

/** Calls that stand still for nothing but a lock; a transmit may also wait for the card or a touch. */
const locked = new Set(['SCardConnect', 'SCardReconnect', 'SCardBeginTransaction', 'SCardStatus']);
/** Results that belong to normal work. */
const ordinary = new Set([0, 0x80100002, 0x8010000a, 0x80100008]);

/** The parameters of the raw form, by position (libpcscspy.c); the listing names them. */
const positions: Record<string, readonly string[]> = {
  SCardConnect: ['hContext', 'szReader', 'dwShareMode', 'dwPreferredProtocols', '', '', 'phCard', 'dwActiveProtocol'],
  SCardReconnect: ['hCard', 'dwShareMode', 'dwPreferredProtocols', 'dwInitialization', 'dwActiveProtocol'],
  SCardDisconnect: ['hCard', 'dwDisposition'],
  SCardBeginTransaction: ['hCard'],
  SCardEndTransaction: ['hCard', 'dwDisposition'],
  SCardStatus: ['hCard'],
  SCardReleaseContext: ['hContext'],
  SCardEstablishContext: ['dwScope', 'hContext'],
  SCardTransmit: ['hCard'],
  SCardControl: ['hCard', 'dwControlCode'],
  SCardGetAttrib: ['hCard', 'dwAttrId'],
  SCardGetStatusChange: ['hContext', 'dwTimeout'],
};
const shown = new Set(['hContext', 'hCard', 'szReader', 'dwShareMode', 'dwPreferredProtocols', 'dwDisposition', 'dwInitialization', 'dwActiveProtocol', 'dwControlCode', 'dwAttrId', 'dwTimeout', 'dwScope', 'phCard']);

interface Running {
  line: number;
  call: string;
  atUs: number | null;
  values: number;
  arguments: Record<string, string>;
  buffers: { command: number[]; response: number[] };
}

/** Follows a pcsc-spy log call by call; remembers what failed, what waited, and which handles are open. */
export class SpyRecorder {
  readonly #book: Notebook;
  readonly #running = new Map<string, Running>();
  readonly #threads = new Set<string>();
  readonly #handles = new Map<string, { reader: string; context: string; thread: string }>();
  readonly #totals = new Map<string, { count: number; seconds: number }>();
  readonly #failed: SpyReport['failed'] = [];
  readonly #waited: SpyCall[] = [];
  readonly #apdus: SpyApdu[] | null;
  #calls = 0;
  #strangers = PATIENCE;

  /** @param apdus report the headers of the commands sent, too */
  constructor(book: Notebook, apdus: boolean) {
    this.#book = book;
    this.#apdus = apdus ? [] : null;
  }

  /** In the middle of a log: every line is wanted. */
  get attentive(): boolean {
    return this.#strangers < PATIENCE;
  }

  /** @returns whether the line belongs to a pcsc-spy log */
  line(text: string, number: number): boolean {
    const raw = rawEvent(text);
    const events = raw === null ? listedEvents(text) : [raw];
    // A lone value proves nothing: any text may contain " i ".
    if (events.length === 0 || (!this.attentive && events.every(({ kind }) => kind === 'value') && raw === null)) {
      if (this.attentive) this.#strangers++;
      return false;
    }
    this.#strangers = 0;
    this.#book.recognise('pcsc-spy', number);
    for (const event of events) this.#take(event, { number, text });
    return true;
  }

  report(): SpyReport | null {
    if (this.#calls === 0) return null;
    for (const { call, line } of this.#running.values()) this.#book.note({ name: 'spy-unfinished', call }, { number: line, text: call });
    const totals = [...this.#totals].map(([call, total]) => ({ call, ...total })).sort((a, b) => b.seconds - a.seconds || b.count - a.count);
    return { threads: this.#threads.size, calls: this.#calls, failed: this.#failed, waited: this.#waited, totals, apdus: this.#apdus };
  }

  #take(event: SpyEvent, line: { number: number; text: string }): void {
    if (this.#threads.size < MAX_OPEN) this.#threads.add(event.thread);
    if (event.kind === 'enter') {
      this.#calls++;
      if (this.#running.size < MAX_OPEN) this.#running.set(event.thread, { line: line.number, call: event.call, atUs: event.atUs, values: 0, arguments: {}, buffers: { command: [], response: [] } });
      return;
    }
    const running = this.#running.get(event.thread);
    if (event.kind === 'leave') return this.#leave(event, running, line);
    if (running === undefined || running.values >= MAX_VALUES) return;
    if (this.#apdus !== null && running.call === 'SCardTransmit') keepBytes(event, running);
    const name = event.name ?? (event.direction === null ? positions[running.call]?.[running.values] : undefined);
    running.values++;
    if (name !== undefined && shown.has(name)) running.arguments[name] = withoutSecrets(event.value).slice(0, 200);
  }

  #leave(event: Extract<SpyEvent, { kind: 'leave' }>, running: Running | undefined, line: { number: number; text: string }): void {
    this.#running.delete(event.thread);
    const call = running?.call ?? event.call ?? 'unknown call';
    const seconds = event.seconds ?? (event.atUs !== null && running?.atUs != null ? (event.atUs - running.atUs) / 1e6 : null);
    const finished: SpyCall = { line: running?.line ?? line.number, thread: event.thread, call, arguments: running?.arguments ?? {}, result: formatCode(event.code), seconds };
    this.#count(call, seconds);
    if (running !== undefined && running.buffers.command.length >= 4 && (this.#apdus?.length ?? MAX_APDUS) < MAX_APDUS) this.#apdus?.push(apduOf(finished, running.buffers.command, running.buffers.response));
    if (event.code === 0) this.#succeed(finished);
    else if (!ordinary.has(event.code)) this.#fail(finished, event.code);
    if (seconds !== null && seconds >= WAITED && locked.has(call)) this.#wait(finished, seconds);
  }

  #count(call: string, seconds: number | null): void {
    const total = this.#totals.get(call) ?? { count: 0, seconds: 0 };
    this.#totals.set(call, { count: total.count + 1, seconds: total.seconds + (seconds ?? 0) });
  }

  #succeed({ call, arguments: given, thread, line }: SpyCall): void {
    const mode = modeOf(given);
    const handle = given.phCard ?? '';
    if (call === 'SCardConnect') {
      if (mode !== null) this.#book.note({ name: 'spy-connected', mode }, { number: line, text: describe(call, given) });
      if (this.#handles.size < MAX_OPEN) this.#handles.set(hexIn(handle), { reader: given.szReader ?? '', context: given.hContext ?? '', thread });
    }
    if (call === 'SCardDisconnect') this.#handles.delete(hexIn(given.hCard ?? ''));
    if (call === 'SCardReleaseContext') for (const [key, { context }] of this.#handles) if (context === given.hContext) this.#handles.delete(key);
  }

  #fail(finished: SpyCall, code: number): void {
    const { call, arguments: given, thread, line } = finished;
    const mode = modeOf(given);
    // Two programs may write into one log; the same context or thread is the same program for certain.
    const own = [...this.#handles.values()].filter(({ reader, context, thread: other }) => reader === given.szReader && reader !== '' && ((context === given.hContext && !/\?/.test(context)) || (other === thread && /^[0-9A-F]{6,}$/.test(thread))));
    this.#book.note({ name: 'spy-failed', call, code, mode, ownHandles: own.length }, { number: line, text: `${describe(call, given)} => ${finished.result}` });
    if (this.#failed.length < MAX_REPORTED) this.#failed.push({ ...finished, excludes: exclusionOf(call, code, mode, own.length) });
  }

  #wait(finished: SpyCall, seconds: number): void {
    this.#book.note({ name: 'spy-waited', call: finished.call, seconds: Math.round(seconds) }, { number: finished.line, text: `${describe(finished.call, finished.arguments)} took ${seconds.toFixed(1)} s` });
    if (this.#waited.length < MAX_REPORTED) this.#waited.push(finished);
  }
}

/** The raw form has one line per buffer, the listing one per 16 bytes; what was sent comes before what came back. */
function keepBytes({ direction, value, name }: Extract<SpyEvent, { kind: 'value' }>, { buffers }: Running): void {
  const bytes = name === null ? bytesIn(value) : [];
  if (bytes.length === 0) return;
  const sent = direction === null ? buffers.command.length === 0 : direction === 'in';
  (sent ? buffers.command : buffers.response).push(...bytes);
}

const hexIn = (text: string): string => /0x[0-9A-F]+/i.exec(text)?.[0] ?? text;

function modeOf(given: Record<string, string>): Mode | null {
  const value = given.dwShareMode;
  if (value === undefined) return null;
  return (/EXCLUSIVE|SHARED|DIRECT/.exec(value)?.[0] as Mode | undefined) ?? modes.get(String(Number.parseInt(hexIn(value), 16))) ?? null;
}

function describe(call: string, given: Record<string, string>): string {
  const mode = modeOf(given);
  return [call, given.szReader, mode === null ? null : `SCARD_SHARE_${mode}`].filter(Boolean).join(' ');
}

/** What the failure of this call rules out (pcsc-lite winscard.c SCardConnect). */
function exclusionOf(call: string, code: number, mode: Mode | null, ownHandles: number): string {
  if (code !== 0x8010000b) return failures.get(code) ?? 'says nothing about sharing';
  if (ownHandles > 0) return 'this program has a handle on the reader itself; no other program is needed to explain it';
  if (call !== 'SCardConnect') return 'somebody else has a transaction open; the reader is not held EXCLUSIVE by another, for this program has a handle';
  if (mode === 'EXCLUSIVE') return 'any other handle explains it, a shared one too; nobody needs to hold the reader EXCLUSIVE';
  return 'somebody holds the reader EXCLUSIVE; programs that share it cannot be the reason';
}

const failures = new Map([
  [0x8010001d, 'no lock is involved: the service was not reached'],
  [0x8010001e, 'no lock is involved: library and pcscd speak different protocol versions'],
  [0x8010006a, 'no lock is involved: access was refused'],
  [0x8010002e, 'no lock is involved: there is no reader'],
  [0x80100009, 'no lock is involved: the reader is not there under this name'],
  [0x8010000c, 'no lock is involved: there is no card'],
  [0x80100067, 'no lock is involved: the card could not be powered'],
  [0x80100066, 'no lock is involved: the card does not answer'],
  [0x80100068, 'another program reset the card, so it had a handle and no transaction was open here'],
]);
