import type { JudgedFacts } from '../check.ts';
import type { Judgement } from '../judge.ts';
import type { Snapshot } from '../snapshot/schema.ts';
import type { Report } from './schema.ts';

export function buildReport(_snapshot: Snapshot, _facts: JudgedFacts, _judgement: Judgement): Report {
  throw new Error('placeholder');
}
