import type { LineReader } from './lines.ts';
import { textOf, withoutMarkup } from './markup.ts';
import type { Notebook } from './notebook.ts';
import type { Line, Sighting } from './observation.ts';
import { LOG_NEEDLE_LENGTH, logKinds, type Sign } from './sign.ts';
import { spyNeedles, startsParameters } from './spy/grammar.ts';
import { SpyRecorder } from './spy/recorder.ts';

/** Characters that a regular expression is let loose on. */
const MAX_TEXT = 4096;

/** Turns lines into observations by the signs whose needles are in them; follows a pcsc-spy log line by line. */
export class SignReader implements LineReader {
  readonly needles: readonly string[];
  /** Those of `needles` that large logs are searched for, at the same positions. */
  readonly logNeedles: readonly (string | null)[];
  readonly spy: SpyRecorder;
  readonly #signsOf: readonly (readonly Sign[])[];
  /** By sign, the count of the line it was last tried on: a line may have several of its needles. */
  readonly #triedOn = new Map<Sign, number>();
  #lines = 0;
  readonly #book: Notebook;
  /** What fixed signs have said already: the next such line is only counted. */
  readonly #settled = new Map<Sign, Sighting>();

  constructor(signs: readonly Sign[], book: Notebook, { apdus }: { apdus: boolean }) {
    const byNeedle = new Map<string, Sign[]>();
    for (const sign of signs) {
      for (const needle of new Set(sign.needles.map((word) => word.replace(/[A-Z]/g, (letter) => letter.toLowerCase())))) {
        const list = byNeedle.get(needle);
        if (list === undefined) byNeedle.set(needle, [sign]);
        else list.push(sign);
      }
    }
    // Needles of the spy log come last and belong to no sign: they only make the line be looked at.
    this.needles = [...byNeedle.keys(), ...spyNeedles];
    this.#signsOf = [...byNeedle.values()];
    this.logNeedles = this.needles.map((needle, id) => (Buffer.byteLength(needle) >= LOG_NEEDLE_LENGTH && (this.#signsOf[id]?.some(({ kind, reassuring }) => logKinds.has(kind) && reassuring !== true) ?? true) ? needle : null));
    this.#book = book;
    this.spy = new SpyRecorder(book, apdus);
  }

  get attentive(): boolean {
    return this.spy.attentive;
  }

  line(bytes: Uint8Array, number: number, hits: readonly number[], previous: () => Uint8Array | null): void {
    if (!this.attentive && this.#isRepetition(number, hits)) return;
    const whole = textOf(bytes);
    const maybeSpied = this.attentive || hits.some((id) => id >= this.#signsOf.length);
    if (maybeSpied && this.#spyLine(whole, number, previous)) return;
    const text = whole.slice(0, MAX_TEXT);
    this.#applyAll(hits, { number, text }, withoutMarkup(text));
  }

  /** Each sign once. @param words what the line says without what formats it */
  #applyAll(hits: readonly number[], line: Line, words: string): void {
    const count = ++this.#lines;
    for (const id of hits) {
      for (const sign of this.#signsOf[id] ?? []) {
        if (this.#triedOn.get(sign) === count) continue;
        this.#triedOn.set(sign, count);
        this.#apply(sign, line, words);
      }
    }
  }

  /** Counts without reading it a line of which nothing is said but what was said before. */
  #isRepetition(number: number, hits: readonly number[]): boolean {
    for (const id of hits) {
      const signs = this.#signsOf[id];
      if (signs === undefined || !signs.every((sign) => this.#settled.has(sign))) return false;
    }
    for (const id of hits) {
      for (const sign of this.#signsOf[id] ?? []) {
        this.#book.repeat(this.#settled.get(sign) as Sighting, number);
        this.#book.recognise(sign.kind, number);
      }
    }
    return true;
  }

  /** The name of a call stands in the line before its first parameter, and has no needle of its own. */
  #spyLine(text: string, number: number, previous: () => Uint8Array | null): boolean {
    if (!this.attentive && startsParameters(text)) {
      const before = previous();
      if (before !== null) this.spy.line(textOf(before), number - 1);
    }
    return this.spy.line(text, number);
  }

  #apply(sign: Sign, line: Line, words: string): void {
    const { pattern, see, kind, fixed } = sign;
    const match = pattern === undefined ? (([''] as unknown) as RegExpExecArray) : pattern.exec(words);
    if (match === null) return;
    const observed = see(match, words);
    if (observed === null) return;
    const observations = 'name' in observed ? [observed] : observed;
    if (observations.length === 0) return;
    this.#book.recognise(kind, line.number);
    for (const observation of observations) {
      const sighting = this.#book.note(observation, line);
      if (fixed === true && sighting !== null) this.#settled.set(sign, sighting);
    }
  }
}
