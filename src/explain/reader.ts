import type { LineReader } from './lines.ts';
import type { Notebook } from './notebook.ts';
import type { Line } from './observation.ts';
import { withoutSecrets } from './secrets.ts';
import type { Sign } from './sign.ts';
import { spyNeedles } from './spy/grammar.ts';
import { SpyRecorder } from './spy/recorder.ts';

// ECMA-48 control sequences, operating system commands and single escapes; then what is left of control bytes.
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g;
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f]/g;
/** Characters that a regular expression is let loose on. */
const MAX_TEXT = 4096;

/** Bytes of one line as text: colours, carriage returns and control bytes gone, invalid UTF-8 replaced. */
export function textOf(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  return text.replace(ESCAPES, '').replace(CONTROLS, '');
}

/** Turns lines into observations by the signs whose needles are in them; follows a pcsc-spy log line by line. */
export class SignReader implements LineReader {
  readonly needles: readonly string[];
  readonly spy: SpyRecorder;
  readonly #signsOf: readonly (readonly Sign[])[];
  readonly #book: Notebook;

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
    this.#book = book;
    this.spy = new SpyRecorder(book, apdus);
  }

  get attentive(): boolean {
    return this.spy.attentive;
  }

  line(bytes: Uint8Array, number: number, hits: readonly number[]): void {
    const whole = textOf(bytes);
    if (this.spy.line(whole, number)) return;
    const text = whole.slice(0, MAX_TEXT);
    for (const sign of new Set(hits.flatMap((id) => this.#signsOf[id] ?? []))) this.#apply(sign, { number, text });
  }

  #apply({ pattern, see, kind }: Sign, line: Line): void {
    const match = pattern === undefined ? (([''] as unknown) as RegExpExecArray) : pattern.exec(line.text);
    if (match === null) return;
    const observed = see(match, line.text);
    if (observed === null) return;
    const observations = 'name' in observed ? [observed] : observed;
    if (observations.length === 0) return;
    this.#book.recognise(kind, line.number);
    for (const observation of observations) this.#book.note(observation, { number: line.number, text: withoutSecrets(line.text) });
  }
}
