/** What cardcheck and the child that holds the addon say to each other: one JSON object per line. */
import type { ShareMode } from '../snapshot/schema.ts';

export type AddonRequest =
  | { id: number; op: 'open' }
  | { id: number; op: 'states'; withinMs: number }
  | { id: number; op: 'connect'; reader: string; mode: ShareMode };

/** The first line, unasked, and one answer per request. */
export type AddonMessage = AddonLoaded | AddonNotLoaded | AddonAnswer;

export interface AddonLoaded {
  loaded: true;
  version: string;
  /** Of the compiled file. */
  path: string | null;
  /** File of the libpcsclite it is linked to, which may be a redirector. */
  library?: string;
}

export interface AddonNotLoaded {
  loaded: false;
  failure: LoadFailure;
}

export interface AddonAnswer {
  id: number;
  /** Result of the PC/SC call; null where the call failed without naming one. */
  rv: number | null;
  /** Name of the call `rv` belongs to, e.g. SCardEstablishContext; null when none was made. */
  call: string | null;
  /** The error as the addon worded it. */
  text: string | null;
  /** Duration of a connect in ms. */
  ms?: number;
  /** Of `open`: the readers it lists; missing when the list failed. */
  names?: string[];
  /** Of an `open` that failed: file of the libpcsclite that was asked. */
  library?: string;
  /** Of `states`. */
  states?: LibraryState[];
}

/** A reader as SCardGetStatusChange shows it. */
export interface LibraryState {
  name: string;
  /** SCARD_STATE_* bits of dwEventState; null: it did not come in time. */
  state: number | null;
  /** Hex, upper case. */
  atr: string | null;
}

/** The ways loading the addon fails; the words are stable and open the reason of the `addon` fact. */
export type LoadFailureKind = 'not-installed' | 'not-built' | 'wrong-abi' | 'library-missing' | 'failed';

export interface LoadFailure {
  kind: LoadFailureKind;
  /** One line. */
  text: string;
}

const loadFailures: readonly { kind: LoadFailureKind; when: (code: string, message: string) => boolean }[] = [
  { kind: 'not-built', when: (_, message) => /could not locate the bindings file/i.test(message) },
  { kind: 'not-installed', when: (code) => code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND' },
  // The loader's own words: glibc and musl on Linux, dyld on macOS.
  { kind: 'library-missing', when: (_, message) => /: cannot open shared object file|error loading shared library|library not loaded|PCSC\.framework/i.test(message) },
  {
    kind: 'wrong-abi',
    when: (_, message) => /NODE_MODULE_VERSION|did not self-register|undefined symbol|symbol not found|wrong ELF class|invalid ELF header|incompatible architecture/i.test(message),
  },
];

/** Sorts what `require('pcsclite')` threw. */
export function classifyLoadFailure(error: unknown): LoadFailure {
  const { code, message } = error as { code?: unknown; message?: unknown };
  const text = typeof message === 'string' ? message : String(error);
  const kind = loadFailures.find(({ when }) => when(String(code ?? ''), text))?.kind ?? 'failed';
  return { kind, text: text.split('\n', 1)[0] as string };
}

/** `SCardConnect error: Sharing violation.(0x8010000b)`: only the call's name and the number are ours to read. */
const CALL_FAILURE = /^(SCard\w+) error:.*\(0x([0-9a-f]{8,16})\)$/is;

/** The call and its result from an error of pcsclite, which carries them in its text alone. */
export function parseCallFailure(error: unknown): Pick<AddonAnswer, 'rv' | 'call' | 'text'> {
  const text = error instanceof Error ? error.message : String(error);
  const match = CALL_FAILURE.exec(text);
  if (match === null) return { rv: null, call: null, text };
  return { rv: Number(BigInt.asUintN(32, BigInt(`0x${match[2]}`))), call: match[1] as string, text };
}

/**
 * Cuts a stream of text into lines.
 * @param limit characters a line may have; a longer one is dropped
 * @returns takes each chunk of the stream
 */
export function lineCutter(onLine: (line: string) => void, limit: number): (chunk: string) => void {
  let rest = '';
  return (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = (lines.pop() as string).slice(0, limit);
    for (const line of lines) if (line.length < limit) onLine(line);
  };
}

/** More than any table of readers needs. */
export const MAX_LINE = 1024 * 1024;
