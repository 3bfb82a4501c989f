import type { FactName, Facts } from '../snapshot/schema.ts';
import type { System } from '../system/port.ts';

/** Settings of a run that collectors obey. */
export interface CollectOptions {
  /** No connect at all: only what can be read. */
  passive: boolean;
  /** May a sleeping pcscd be woken through its socket. */
  wake: boolean;
  /** May EXCLUSIVE be tried where nobody holds a handle. */
  exclusive: boolean;
  /** For each connect and each answer of a daemon, in ms. */
  timeoutMs: number;
  /** Glob over reader names; null: all. */
  reader: string | null;
}

/**
 * One layer's collector: gathers the facts it names and nothing else. It never throws and always fills every
 * name; what it could not learn is a fact with a reason.
 */
export interface Collector<N extends FactName> {
  name: string;
  facts: readonly N[];
  collect(system: System, options: CollectOptions): Promise<Pick<Facts, N>>;
}

export function defineCollector<const N extends FactName>(collector: Collector<N>): Collector<N> {
  return collector;
}
