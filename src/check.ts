/**
 * The contract of a check: a pure function from declared facts to findings. `checks/` may import this file,
 * the snapshot's types and its own prose; nothing that touches the machine.
 */
import type { Code, DataOf, Id } from '../checks/codes.ts';
import type { Certainty, Finding, LayerId, ReaderReport, Remedy, Severity } from './report/schema.ts';
import type { Fact, FactName, Facts, FactValue } from './snapshot/schema.ts';

/** Facts derived from the snapshot's once for all checks (src/derive). */
export interface DerivedFacts {
  /** Every reader with its sharing state, probes and attributed holders; USB-only devices included. */
  holdings: Fact<ReaderReport[]>;
}
export type JudgedFacts = Facts & DerivedFacts;
export type InputName = FactName | keyof DerivedFacts;
export type InputValue<N extends InputName> = N extends FactName
  ? FactValue<N>
  : N extends keyof DerivedFacts
    ? Extract<DerivedFacts[N], { status: 'ok' }>['value']
    : never;

/** One row of prose: everything said about a code, by whoever says it. `D` is the data its findings carry. */
export interface CodeRow<D, I extends string = string> {
  id: I;
  /** null: about cardcheck itself. */
  layer: LayerId | null;
  severity: Severity;
  /** The failing state, in words, at most about 60 characters. */
  title: string;
  /** The sound state, for the list of what was checked. */
  passTitle: string;
  /** One to three sentences about this occurrence; PC/SC names always with their numbers. */
  message: (data: D) => string;
  /** What happens and why, for `cardcheck explain`. */
  why: string;
  /** What curing it costs; null where there is nothing to weigh. */
  price: string | null;
  /** What people try in vain, and why it fails; null where nothing typical is known. */
  wrongCure: string | null;
  /** Where the facts come from: manual, source file with version, issue. */
  sources: string[];
  /** Why no look at a machine can show it, so that only `explain` names it. Absent: there is a check. */
  explainOnly?: string;
}

/** Infers a row's types where it is written: its id, and its data from what `message` takes, `({ pid }: { pid: number }) => …`. */
export const row = <D extends Record<string, Json>, const I extends string>(prose: CodeRow<D, I>): CodeRow<D, I> => prose;

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** What a check says about one occurrence; the runner adds code, id, layer and prose. */
export interface Draft<C extends Code> {
  /** Default: the row's. */
  severity?: Severity;
  subject: Finding['subject'];
  data: DataOf<C>;
  certainty: Certainty;
  /** Whole sentences, each an observation. */
  evidence: string[];
  remedies: Remedy[];
}

/** The question makes no sense on this machine; not the same as a pass. */
export interface NotApplicable {
  notApplicable: string;
}
export const notApplicable = (reason: string): NotApplicable => ({ notApplicable: reason });

export interface Check<C extends Code = Code, N extends InputName = InputName, W extends InputName = InputName> {
  code: C;
  /** Facts without which the check cannot answer: one that is not ok makes the outcome `unknown`. */
  needs: readonly N[];
  /** Facts that sharpen the answer; handed over whole, with the reason where they have no value. */
  wants?: readonly W[];
  /** Those of `needs` whose absence makes the question senseless: one that was looked for and is not there is not-applicable, not unknown. */
  about?: readonly N[];
  /** Ids of checks whose error finding makes this one moot. */
  after?: readonly Id[];
  check(facts: { [K in N]: InputValue<K> } & { [K in W]: JudgedFacts[K] }): Draft<C>[] | NotApplicable;
}

/** Keeps the types of one check and forgets them in the list of all. */
export function defineCheck<C extends Code, const N extends InputName, const W extends InputName = never>(check: Check<C, N, W>): AnyCheck {
  return check as unknown as AnyCheck;
}

/** A check as the runner sees it. */
export interface AnyCheck {
  code: Code;
  needs: readonly InputName[];
  wants?: readonly InputName[];
  about?: readonly InputName[];
  after?: readonly Id[];
  check(facts: Record<string, unknown>): Draft<Code>[] | NotApplicable;
}
