import type { Fact } from './schema.ts';

export const ok = <T>(value: T, source: string): Fact<T> => ({ status: 'ok', value, source });
export const absent = (reason: string): Fact<never> => ({ status: 'absent', reason });
export const denied = (need: string): Fact<never> => ({ status: 'denied', need });
export const failed = (error: string): Fact<never> => ({ status: 'failed', error });
export const timedOut = (afterMs: number): Fact<never> => ({ status: 'timeout', afterMs });
export const skipped = (why: string): Fact<never> => ({ status: 'skipped', why });

const NOT_ASKED = 'not asked by the cardcheck that took the snapshot';

/** For a question that is younger than the snapshot. @param writer which cardcheck that was */
export const notAsked = (writer: string): Fact<never> => skipped(`${NOT_ASKED}${writer}`);

export const wasNotAsked = (fact: Fact<unknown>): boolean => fact.status === 'skipped' && fact.why.startsWith(NOT_ASKED);

/**
 * The same facts, and a list of those nobody asked for that were looked at since: what has been concluded from them
 * has been concluded from nothing.
 */
export function watchNotAsked<F extends object>(facts: F): { facts: F; lookedAt: () => string[] } {
  const lookedAt = new Set<string>();
  const watched = Object.entries(facts as Record<string, unknown>).map(([name, fact]) => {
    if (!isFact(fact) || !wasNotAsked(fact)) return [name, fact];
    const status = () => {
      lookedAt.add(name);
      return fact.status;
    };
    return [name, Object.defineProperty({ ...fact }, 'status', { get: status, enumerable: true })];
  });
  return { facts: Object.fromEntries(watched) as F, lookedAt: () => [...lookedAt] };
}

const isFact = (value: unknown): value is Fact<unknown> => typeof value === 'object' && value !== null && 'status' in value;

/** The value, or undefined where the caller has a good answer without it. */
export function valueOf<T>(fact: Fact<T>): T | undefined {
  return fact.status === 'ok' ? fact.value : undefined;
}

/** Why a fact has no value, as the end of a sentence: "… is unknown: needs root". */
export function reasonOf(fact: Exclude<Fact<unknown>, { status: 'ok' }>): string {
  switch (fact.status) {
    case 'absent':
      return fact.reason;
    case 'denied':
      return `needs ${fact.need}`;
    case 'failed':
      return fact.error;
    case 'timeout':
      return `no answer within ${fact.afterMs} ms`;
    case 'skipped':
      return fact.why;
  }
}
