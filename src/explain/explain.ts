import type { Explanation } from './explanation.ts';
import { infer } from './infer.ts';
import { LineSplitter } from './lines.ts';
import { Needles } from './needles.ts';
import { Notebook } from './notebook.ts';
import { SignReader } from './reader.ts';
import { kinds, NEEDLE_LENGTH } from './sign.ts';
import { allSigns } from './signs/index.ts';

/** Harmless lines reported; a log is full of them. */
const MAX_NOISE = 20;

/** Takes material piece by piece and explains it in the end. Memory does not grow with the material. */
export class Explainer {
  readonly #book = new Notebook();
  readonly #splitter: LineSplitter;

  constructor() {
    const reader = new SignReader(allSigns(), this.#book);
    this.#splitter = new LineSplitter(new Needles(reader.needles, NEEDLE_LENGTH), reader);
  }

  /** @param chunk bytes of a log, a paste, anything; may end in the middle of a line */
  push(chunk: Buffer): void {
    this.#splitter.push(chunk);
  }

  finish(): Explanation {
    const lines = this.#splitter.finish();
    return {
      schemaVersion: 1,
      lines,
      causes: infer(this.#book),
      recognised: this.#book.recognised().map(({ kind, lines: numbers, count }) => ({ kind: kinds[kind], lines: numbers, count })),
      noise: this.#book
        .all('harmless')
        .slice(0, MAX_NOISE)
        .map(({ observation, line, count }) => ({ line: line.number, text: line.text, why: observation.why, count })),
      spy: null,
    };
  }
}

/** Explains a text as a whole. */
export function explainText(text: string): Explanation {
  const explainer = new Explainer();
  explainer.push(Buffer.from(text));
  return explainer.finish();
}
