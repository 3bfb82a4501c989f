import type { Clause } from './clause.ts';

/** What is known about one root cause: how to recognise it, what would settle it, what to do next. */
export interface CauseRule {
  clauses: readonly Clause[];
  /** The observation that would settle it, as one sentence. */
  decidedBy: string;
  /** Commands that make that observation; all of them only look. */
  next: readonly string[];
}

export const supports = (weight: number, when: Clause['when'], says: string): Clause => ({ when, weight, says });
/** Speaks against, by what it excludes. */
export const excludes = (weight: number, when: Clause['when'], says: string): Clause => ({ when, weight: -weight, says });
/** Admits no other cause. */
export const decides = (when: Clause['when'], says: string, weight = 8): Clause => ({ when, weight, says, decides: true });
