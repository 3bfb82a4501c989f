import { checks } from '../checks/index.ts';
import type { AnyCheck } from './check.ts';
import { deriveHoldings } from './derive/holdings.ts';
import { judge } from './judge.ts';
import { buildReport } from './report/build.ts';
import type { Report } from './report/schema.ts';
import type { Snapshot } from './snapshot/schema.ts';

/** From a snapshot, taken a moment ago or loaded from a file, to the report: pure, the same bytes everywhere. */
export function examine(snapshot: Snapshot, selected: readonly AnyCheck[] = checks): Report {
  const facts = { ...snapshot.facts, holdings: deriveHoldings(snapshot.facts) };
  return buildReport(snapshot, facts, judge(selected, facts));
}
