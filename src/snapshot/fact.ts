import type { Fact } from './schema.ts';

export const ok = <T>(value: T, source: string): Fact<T> => ({ status: 'ok', value, source });
export const absent = (reason: string): Fact<never> => ({ status: 'absent', reason });
export const denied = (need: string): Fact<never> => ({ status: 'denied', need });
export const failed = (error: string): Fact<never> => ({ status: 'failed', error });
export const timedOut = (afterMs: number): Fact<never> => ({ status: 'timeout', afterMs });
export const skipped = (why: string): Fact<never> => ({ status: 'skipped', why });

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
