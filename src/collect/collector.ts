import { absent, denied, failed } from '../snapshot/fact.ts';
import type { Fact, FactName, Facts } from '../snapshot/schema.ts';
import { type System, SystemError } from '../system/port.ts';

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

/** The fact that `gather` comes to; what it throws becomes the reason for having none. */
export async function attempt<T>(gather: () => Promise<Fact<T>>): Promise<Fact<T>> {
  try {
    return await gather();
  } catch (error) {
    if (!(error instanceof SystemError)) return failed(error instanceof Error ? error.message : String(error));
    if (error.isMissing) return absent(`${error.path} does not exist`);
    return error.isDenied ? denied(`leave to read ${error.path}`) : failed(error.message);
  }
}
