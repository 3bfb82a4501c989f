import type { Notebook } from './notebook.ts';
import type { Details, ObservationName, Sighting } from './observation.ts';

/** Looks for something in the notebook and returns the sightings that are it; none: it was not seen. */
export type Query = (book: Notebook) => readonly Sighting[];

/**
 * What an observation means for one cause.
 * `weight` is evidence in bits, roughly: 1 a hint, 2 points there, 4 hardly anything else writes this; negative
 * weights speak against. A clause that `decides` admits no other cause.
 */
export interface Clause {
  when: Query;
  weight: number;
  says: string;
  decides?: true;
}

/** Any sighting of this name, narrowed by `test`. */
export function seen<N extends ObservationName>(name: N, test: (details: Details[N]) => boolean = () => true): Query {
  return (book) => book.all(name).filter(({ observation }) => test(observation as unknown as Details[N])) as unknown as readonly Sighting[];
}

/** All queries find something: their sightings together. */
export const both =
  (...queries: readonly Query[]): Query =>
  (book) => {
    const found = queries.map((query) => query(book));
    return found.every((list) => list.length > 0) ? found.flat() : [];
  };

/** The first query finds something, none of the others does. */
export const unless =
  (query: Query, ...absent: readonly Query[]): Query =>
  (book) =>
    absent.some((other) => other(book).length > 0) ? [] : query(book);

export const either =
  (...queries: readonly Query[]): Query =>
  (book) =>
    queries.flatMap((query) => query(book));

/** The query finds at least `count` distinct things. */
export const atLeast =
  (count: number, query: Query): Query =>
  (book) => {
    const found = query(book);
    return found.length >= count ? found : [];
  };

/** Whether a dotted version is in [from, before). */
export function versionWithin(version: string, from: string, before: string): boolean {
  return compareVersions(version, from) >= 0 && compareVersions(version, before) < 0;
}

function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.split('.').map(Number));
  for (let part = 0; part < 3; part++) {
    const difference = (left?.[part] ?? 0) - (right?.[part] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
