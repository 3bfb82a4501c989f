import type { LineReader } from './lines.ts';
import type { Notebook } from './notebook.ts';
import type { Line } from './observation.ts';
import type { Sign } from './sign.ts';

// ECMA-48 control sequences, operating system commands and single escapes; then what is left of control bytes.
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f]/g;
/** Characters that a regular expression is let loose on. */
const MAX_TEXT = 4096;

/** Bytes of one line as text: colours, carriage returns and control bytes gone, invalid UTF-8 replaced. */
export function textOf(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  return text.replace(ESCAPES, '').replace(CONTROLS, '');
}

/** Turns lines into observations by the signs whose needles are in them. */
export class SignReader implements LineReader {
  readonly needles: readonly string[];
  readonly attentive = false;
  readonly #signsOf: readonly (readonly Sign[])[];
  readonly #book: Notebook;

  constructor(signs: readonly Sign[], book: Notebook) {
    const byNeedle = new Map<string, Sign[]>();
    for (const sign of signs) {
      for (const needle of new Set(sign.needles.map((word) => word.replace(/[A-Z]/g, (letter) => letter.toLowerCase())))) {
        const list = byNeedle.get(needle);
        if (list === undefined) byNeedle.set(needle, [sign]);
        else list.push(sign);
      }
    }
    this.needles = [...byNeedle.keys()];
    this.#signsOf = [...byNeedle.values()];
    this.#book = book;
  }

  line(bytes: Uint8Array, number: number, hits: readonly number[]): void {
    const signs = new Set(hits.flatMap((id) => this.#signsOf[id] ?? []));
    const text = textOf(bytes);
    const piece = text.length > MAX_TEXT ? text.slice(0, MAX_TEXT) : text;
    for (const sign of signs) this.#apply(sign, { number, text: piece });
  }

  #apply({ pattern, see, kind }: Sign, line: Line): void {
    const match = pattern === undefined ? (([''] as unknown) as RegExpExecArray) : pattern.exec(line.text);
    if (match === null) return;
    const observed = see(match, line.text);
    if (observed === null) return;
    const observations = 'name' in observed ? [observed] : observed;
    if (observations.length === 0) return;
    this.#book.recognise(kind, line.number);
    for (const observation of observations) this.#book.note(observation, line);
  }
}
