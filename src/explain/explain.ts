import { findCode, formatCode } from '../pcsc/codes.ts';
import type { Explanation } from './explanation.ts';
import { infer } from './infer.ts';
import { LineSplitter } from './lines.ts';
import { Needles } from './needles.ts';
import { Notebook } from './notebook.ts';
import { ordinary } from './ordinary.ts';
import { SignReader } from './reader.ts';
import { kinds, LOG_NEEDLE_LENGTH, NEEDLE_LENGTH } from './sign.ts';
import { sourceName } from './signs/gpg.ts';
import { textOfCode } from './signs/gpg-reasons.ts';
import { allSigns } from './signs/index.ts';

/** Harmless lines reported; a log is full of them. */
const MAX_NOISE = 20;

/** The two searches, built once: every reader has the same needles in the same order. */
let everything: Needles | null = null;
let logs: Needles | null = null;

/** Takes material piece by piece and explains it in the end. Memory does not grow with the material. */
export class Explainer {
  readonly #book = new Notebook();
  readonly #reader: SignReader;
  readonly #splitter: LineSplitter;

  /** @param options.apdus report the headers (never the data) of the commands in a pcsc-spy log */
  constructor(options = { apdus: false }) {
    this.#reader = new SignReader(allSigns(), this.#book, options);
    const { needles, logNeedles } = this.#reader;
    everything ??= new Needles(needles, NEEDLE_LENGTH, ordinary);
    this.#splitter = new LineSplitter(everything, () => (logs ??= new Needles(logNeedles, LOG_NEEDLE_LENGTH, ordinary)), this.#reader);
  }

  /** @param chunk bytes of a log, a paste, anything; may end in the middle of a line */
  push(chunk: Buffer): void {
    this.#splitter.push(chunk);
  }

  finish(): Explanation {
    const lines = this.#splitter.finish();
    const spy = this.#reader.spy.report();
    return {
      schemaVersion: 1,
      lines,
      causes: infer(this.#book),
      codes: codesIn(this.#book),
      recognised: this.#book.recognised().map(({ kind, lines: numbers, count }) => ({ kind: kinds[kind], lines: numbers, count })),
      noise: this.#book
        .all('harmless')
        .slice(0, MAX_NOISE)
        .map(({ observation, line, count }) => ({ line: line.number, text: line.text, why: observation.why, count })),
      spy,
    };
  }
}

/** Each PC/SC and libgpg-error code once, where it was first met. */
function codesIn(book: Notebook): Explanation['codes'] {
  const pcsc = [...book.all('pcsc-code'), ...book.all('scdaemon-pcsc-failed'), ...book.all('spy-failed')].map(({ observation, line }) => ({ line: line.number, code: formatCode(observation.code), means: findCode(observation.code)?.text ?? 'No code of PC/SC.' }));
  const gpg = book.all('gpg-error-number').map(({ observation: { source, code }, line }) => ({ line: line.number, code: `libgpg-error ${code} from ${sourceName(source)}`, means: textOfCode(code) }));
  const byCode = new Map([...pcsc, ...gpg].sort((a, b) => b.line - a.line).map((entry) => [entry.code, entry]));
  return [...byCode.values()].sort((a, b) => a.line - b.line);
}

/** Explains a text as a whole. */
export function explainText(text: string): Explanation {
  const explainer = new Explainer();
  explainer.push(Buffer.from(text));
  return explainer.finish();
}
