import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { absent, failed, ok, skipped, timedOut } from '../snapshot/fact.ts';
import type { Fact, Facts, Probe, ReaderState, ShareMode } from '../snapshot/schema.ts';
import { decodeMessage } from './addon-decode.ts';
import { type AddonAnswer, type AddonLoaded, type AddonNotLoaded, type AddonRequest, type LibraryState, lineCutter, MAX_LINE } from './addon-messages.ts';
import { describeCode, formatCode, outcomeOf } from './codes.ts';
import { before, countdown } from './deadline.ts';
import { guardExclusive, mayConnectExclusively } from './exclusive.ts';
import type { OpenedPcsc, PcscPort } from './port.ts';
import { ReaderStateBit } from './protocol.ts';

/** PC/SC as applications get it: libpcsclite, through pcsclite, in a child process. */
export interface AddonPort extends PcscPort {
  readonly backend: 'library';
  /** The child's process id, to keep it out of the lists of clients; null when it could not be started. */
  readonly pid: number | null;
  /**
   * Whether the addon could be loaded; touches no PC/SC. A reason begins with `not-installed: `, `not-built: `,
   * `wrong-abi: ` or `library-missing: `; other failures are `failed`.
   */
  loaded(deadlineMs: number): Promise<Facts['addon']>;
  /** Result of SCardEstablishContext; `skipped` before `open`. */
  readonly context: Facts['libraryContext'];
  /**
   * The readers with the first state SCardGetStatusChange gave for each. Only after `open`.
   * @param withinMs for the states; those that did not come are null
   */
  states(withinMs: number): Promise<Facts['libraryReaders']>;
}

/** Where the child's bundle lies from a bundle beside it, from another bundle in dist, and from the sources. */
const CHILD_PLACES = ['./addon-child.cjs', '../app/addon-child.cjs', '../../dist/app/addon-child.cjs'];

/** For an answer of the child's that waits for nothing but its own event loop, in ms. */
const ANSWER_MS = 500;
/** Characters kept of what the child or libpcsclite wrote to stderr. */
const MAX_STDERR = 2048;

function childPath(): string {
  const places = CHILD_PLACES.map((place) => fileURLToPath(new URL(place, import.meta.url)));
  return places.find((place) => existsSync(place)) ?? (places[0] as string);
}

/**
 * Starts the child, which loads the addon at once and then waits; it costs a Node start, so begin with it.
 * Nothing of it keeps this process alive but calls with a deadline and EXCLUSIVE connects under way.
 * @param script the child's bundle; a parameter for tests
 */
export function startAddon(script: string = childPath()): AddonPort {
  return new AddonProcess(script);
}

class AddonProcess implements AddonPort {
  readonly backend = 'library';
  context: Facts['libraryContext'] = skipped('libpcsclite was not asked');
  readonly #child: ChildProcess;
  readonly #loading: Promise<AddonLoaded | AddonNotLoaded | null>;
  #resolveLoading: (message: AddonLoaded | AddonNotLoaded | null) => void = () => {};
  readonly #waiting = new Map<number, (answer: AddonAnswer | null) => void>();
  readonly #killAtExit = () => void this.#kill();
  #lastId = 0;
  #exclusive = 0;
  #closing = false;
  #stderr = '';
  #end: string | null = null;

  constructor(script: string) {
    this.#loading = new Promise((resolve) => {
      this.#resolveLoading = resolve;
    });
    this.#child = spawn(process.execPath, [script], { stdio: ['pipe', 'ignore', 'pipe', 'pipe'] });
    const [stdin, , stderr, answers] = this.#stdio;
    this.#child.on('error', (error) => this.#ended(`the child process could not be started: ${error.message}`));
    // Not 'exit': its last answers may still be on their way then.
    this.#child.on('close', (code, signal) => this.#ended(`the child process ended (${signal ?? `exit status ${code}`})`));
    stdin?.on('error', () => {}); // the end of the child is reported by its exit
    stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(0, MAX_STDERR);
    });
    answers?.setEncoding('utf8').on('data', lineCutter((line) => this.#take(line), MAX_LINE));
    answers?.on('error', () => {});
    process.once('exit', this.#killAtExit);
    this.#keepAlive(false);
  }

  /** Sockets all of them, or nothing at all when no descriptor was left for them. */
  get #stdio(): (Socket | null)[] {
    return (this.#child.stdio as (Socket | null)[] | undefined) ?? [];
  }

  get pid(): number | null {
    return this.#child.pid ?? null;
  }

  async loaded(deadlineMs: number): Promise<Facts['addon']> {
    const message = await before<AddonLoaded | AddonNotLoaded | null | 'late'>(this.#loading, deadlineMs, () => 'late');
    if (message === 'late') return timedOut(Math.round(deadlineMs));
    if (message === null) return failed(this.#endText());
    if (message.loaded) {
      const { version, path, library } = message;
      return ok({ version, path, ...(library === undefined ? {} : { library }) }, 'pcsclite');
    }
    const { kind, text } = message.failure;
    return kind === 'failed' ? failed(text) : absent(`${kind}: ${text}`);
  }

  async open(deadlineMs: number): Promise<Fact<OpenedPcsc>> {
    const left = countdown(deadlineMs);
    const addon = await this.loaded(left());
    if (addon.status !== 'ok') return this.#noContext(addon);
    const answer = await this.#ask({ op: 'open' }, left());
    if (answer.status !== 'ok') return this.#noContext(answer);
    const { rv, call, text, names, library } = answer.value;
    if (rv === null || call === null) return this.#noContext(failed(text ?? 'pcsclite failed without a reason'));
    const { code, hex } = describeCode(rv);
    this.context = ok({ code: code ?? 'unknown', hex, ...(library === undefined ? {} : { library }) }, call);
    if (names !== undefined) return ok(this.#opened(new Set(names)), 'libpcsclite');
    return failed(rv === 0 && text !== null ? text : `${call}: ${formatCode(rv)}`);
  }

  #noContext(reason: Fact<never>): Fact<never> {
    this.context = reason;
    return reason;
  }

  #opened(names: ReadonlySet<string>): OpenedPcsc {
    return {
      protocol: null,
      announced: null,
      refused: null,
      slots: null,
      readers: async (deadlineMs) => {
        const states = await this.states(deadlineMs);
        return states.status === 'ok' ? ok(states.value.flatMap(readerState), states.source) : states;
      },
      connect: async (reader, mode, deadlineMs) =>
        names.has(reader) ? this.#connect(reader, mode, deadlineMs) : notTried(reader, mode, 'libpcsclite lists no reader of this name'),
    };
  }

  async states(withinMs: number): Promise<Facts['libraryReaders']> {
    const answer = await this.#ask({ op: 'states', withinMs }, withinMs + ANSWER_MS);
    if (answer.status !== 'ok') return answer;
    const { states, text } = answer.value;
    return states === undefined ? failed(text ?? 'pcsclite failed without a reason') : ok(states, 'SCardGetStatusChange');
  }

  async #connect(reader: string, mode: ShareMode, deadlineMs: number): Promise<Probe> {
    const exclusive = mode === 'exclusive';
    if (exclusive && !mayConnectExclusively()) return notTried(reader, mode, 'cardcheck was asked to end');
    const base = { reader, mode, backend: 'library', code: null, hex: null, ms: null } as const;
    const answer = await this.#ask({ op: 'connect', reader, mode }, deadlineMs, exclusive);
    if (answer.status === 'timeout') {
      return { ...base, outcome: 'blocked', ms: answer.afterMs, reason: `the connect did not return within ${answer.afterMs} ms` };
    }
    if (answer.status !== 'ok') return { ...base, outcome: 'error', reason: this.#endText() };
    const { rv, call, text, ms = null } = answer.value;
    if (rv === null) return { ...base, outcome: 'error', ms, reason: text };
    // Any other call than the connect means that it was not reached; its code says so in words only.
    const reason = call === 'SCardConnect' ? null : text;
    return { ...base, outcome: outcomeOf(rv), ...describeCode(rv), ms, reason };
  }

  /**
   * One request and its answer. The deadline ends the waiting, not the request; an EXCLUSIVE one keeps the child
   * and this process alive until the child has said that it has disconnected.
   */
  #ask(request: OmitId<AddonRequest>, deadlineMs: number, exclusive = false): Promise<Fact<AddonAnswer>> {
    if (this.#end !== null) return Promise.resolve(failed(this.#endText()));
    const id = ++this.#lastId;
    const answer = new Promise<AddonAnswer | null>((resolve) => this.#waiting.set(id, resolve));
    if (exclusive) this.#guard(answer);
    this.#child.stdin?.write(`${JSON.stringify({ id, ...request })}\n`);
    const fact = answer.then((value): Fact<AddonAnswer> => (value === null ? failed(this.#endText()) : ok(value, 'pcsclite')));
    return before(fact, deadlineMs, () => timedOut(Math.round(deadlineMs)));
  }

  #guard(answer: Promise<unknown>): void {
    this.#exclusive++;
    this.#keepAlive(true);
    void guardExclusive(answer).then(() => {
      this.#exclusive--;
      if (this.#exclusive === 0) this.#keepAlive(false);
      if (this.#closing) this.#kill();
    });
  }

  /** Ends the child: at once, or as soon as it has let an EXCLUSIVE handle go. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#kill();
  }

  #kill(): void {
    if (this.#exclusive > 0) this.#child.stdin?.end();
    else this.#child.kill('SIGKILL');
  }

  #keepAlive(keep: boolean): void {
    for (const part of [this.#child, ...this.#stdio]) keep ? part?.ref() : part?.unref();
  }

  #take(line: string): void {
    const message = decodeMessage(line);
    if (message === null) {
      this.#ended('the child process wrote what is no answer');
      return this.#kill();
    }
    if ('loaded' in message) return this.#resolveLoading(message);
    this.#waiting.get(message.id)?.(message);
    this.#waiting.delete(message.id);
  }

  #ended(how: string): void {
    this.#end ??= how;
    process.removeListener('exit', this.#killAtExit);
    this.#resolveLoading(null);
    for (const resolve of this.#waiting.values()) resolve(null);
    this.#waiting.clear();
  }

  #endText(): string {
    const end = this.#end ?? 'the child process ended';
    const words = this.#stderr.trim().split('\n', 1)[0];
    return words === '' ? end : `${end}: ${words}`;
  }
}

function notTried(reader: string, mode: ShareMode, reason: string): Probe {
  return { reader, mode, backend: 'library', outcome: 'skipped', code: null, hex: null, ms: null, reason };
}

type OmitId<T> = T extends unknown ? Omit<T, 'id'> : never;

/** SCARD_STATE_* bits (pcsc-lite PCSC/pcsclite.h). */
export const State = { unavailable: 0x8, empty: 0x10, present: 0x20, exclusive: 0x80, inUse: 0x100, mute: 0x200 } as const;
/** What pcscd's own table would say for them. */
const stateBits: readonly (readonly [number, number])[] = [
  [State.unavailable, ReaderStateBit.unknown],
  [State.empty, ReaderStateBit.absent],
  [State.present, ReaderStateBit.present],
  [State.mute, ReaderStateBit.swallowed],
];

/** The library's view in the words of pcscd's table, nothing for an unknown state. It does not count handles: in use is at least one. */
export function readerState({ name, state, atr }: LibraryState): ReaderState[] {
  if (state === null) return [];
  const entry: ReaderState = {
    name,
    present: (state & State.present) !== 0,
    atr,
    sharing: (state & State.exclusive) !== 0 ? -1 : (state & State.inUse) !== 0 ? 1 : 0,
    eventCounter: state >>> 16,
    state: stateBits.reduce((bits, [mask, bit]) => ((state & mask) !== 0 ? bits | bit : bits), 0),
    protocol: 0,
  };
  return [entry];
}
