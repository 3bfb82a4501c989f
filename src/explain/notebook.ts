import type { Line, Observation, ObservationName, Sighting } from './observation.ts';
import { withoutSecrets } from './secrets.ts';
import type { Kind } from './sign.ts';

/** Distinct observations kept; hostile input must not grow memory. */
const MAX_SIGHTINGS = 2000;
/** Line numbers kept per kind of recognised line. */
const MAX_LINES = 1000;
/** Characters of a line kept as evidence. */
const MAX_TEXT = 300;

/** Collects what was seen: repeated observations are counted, not kept. */
export class Notebook {
  readonly #sightings = new Map<string, Sighting>();
  readonly #byName = new Map<ObservationName, Sighting[]>();
  readonly #recognised = new Map<Kind, { lines: number[]; count: number }>();

  /** @returns the sighting, new or repeated; null when the notebook is full */
  note(observation: Observation, line: Line): Sighting | null {
    const key = keyOf(observation);
    const known = this.#sightings.get(key);
    if (known !== undefined) {
      this.repeat(known, line.number);
      return known;
    }
    if (this.#sightings.size >= MAX_SIGHTINGS) return null;
    const text = withoutSecrets(line.text.trim());
    const kept = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
    const sighting = { observation, line: { number: line.number, text: kept }, lastLine: line.number, count: 1 } as Sighting;
    this.#sightings.set(key, sighting);
    const list = this.#byName.get(observation.name);
    if (list === undefined) this.#byName.set(observation.name, [sighting]);
    else list.push(sighting);
    return sighting;
  }

  /** The same again, on this line. Lines come in order; one that comes late is a sentence joined of lines that were read. */
  repeat(sighting: Sighting, lineNumber: number): void {
    if (lineNumber <= sighting.lastLine) return;
    sighting.count++;
    sighting.lastLine = lineNumber;
  }

  recognise(kind: Kind, lineNumber: number): void {
    const known = this.#recognised.get(kind);
    if (known === undefined) {
      this.#recognised.set(kind, { lines: [lineNumber], count: 1 });
      return;
    }
    const isLate = lineNumber <= (known.lines.at(-1) as number);
    if (isLate && known.lines.includes(lineNumber)) return;
    known.count++;
    if (known.lines.length < MAX_LINES) known.lines.push(lineNumber);
  }

  /** Every distinct sighting of this name, in the order they were first made. */
  all<N extends ObservationName>(name: N): readonly Sighting<N>[] {
    return (this.#byName.get(name) ?? []) as unknown as readonly Sighting<N>[];
  }

  recognised(): { kind: Kind; lines: number[]; count: number }[] {
    return [...this.#recognised].map(([kind, seen]) => ({ kind, ...seen }));
  }
}

/** Tells observations apart as their JSON would, in a quarter of the time: they are flat, and each field has one type or is null. */
function keyOf(observation: Observation): string {
  let key = '';
  for (const field in observation) {
    const value = (observation as unknown as Record<string, string | number | boolean | null>)[field];
    key += value === null ? '\u0001' : `${value}\u0000`;
  }
  return key;
}
