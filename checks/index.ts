import type { AnyCheck } from '../src/check.ts';

/** Every live check, in the order of the layers. */
export const checks: readonly AnyCheck[] = [];
