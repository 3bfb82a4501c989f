/** What `explain` answers; `--json` prints it as it is. Fields are added freely, removed or changed only with a new schemaVersion. */
import type { Certainty } from '../report/schema.ts';
import type { CauseId } from './rules/index.ts';

export interface Evidence {
  /** Number of the line in what was read, from 1. */
  line: number;
  text: string;
  /** What the line says for or against this cause. */
  says: string;
  /** Present where the same was said again. */
  repeated?: { count: number; lastLine: number };
}

export interface Cause {
  id: CauseId;
  certainty: Certainty;
  /** Share of this cause among all that the lines speak for, 0 to 1. */
  score: number;
  evidence: Evidence[];
  against: Evidence[];
  /** What would settle it. */
  decidedBy: string;
  /** Commands to run next. */
  next: string[];
}

export interface Explanation {
  schemaVersion: 1;
  lines: number;
  /** By descending score; empty when nothing was recognised that speaks for any cause. */
  causes: Cause[];
  /** The codes met, with their names and what they mean. */
  codes: { line: number; code: string; means: string }[];
  recognised: { kind: string; lines: number[]; count: number }[];
  noise: { line: number; text: string; why: string; count: number }[];
  /** What pcsc-spy recorded; null where the material holds no such log. */
  spy: SpyReport | null;
}

/** One PC/SC call of a pcsc-spy log. */
export interface SpyCall {
  line: number;
  thread: string;
  call: string;
  arguments: Record<string, string>;
  /** Name and number; null: the call never returned in this log. */
  result: string | null;
  seconds: number | null;
}

/** A command APDU without its data: a PIN or key may be in it, so nobody gets to see it. */
export interface SpyApdu {
  line: number;
  thread: string;
  /** CLA INS P1 P2; for SELECT by name (A4 04) with the name. */
  command: string;
  /** Bytes of data behind the header. */
  dataBytes: number;
  /** SW1 SW2 of the answer. */
  status: string | null;
  seconds: number | null;
}

export interface SpyReport {
  threads: number;
  calls: number;
  /** The calls that failed, and those that waited; the first 50. */
  failed: (SpyCall & { excludes: string })[];
  waited: SpyCall[];
  /** Calls by name, with how often and how long, by total time. */
  totals: { call: string; count: number; seconds: number }[];
  /** null: not asked for. */
  apdus: SpyApdu[] | null;
}
