import type { ReaderReport } from '../report/schema.ts';
import type { Fact, Facts } from '../snapshot/schema.ts';
import { absent } from '../snapshot/fact.ts';

export function deriveHoldings(_facts: Facts): Fact<ReaderReport[]> {
  return absent('not derived yet');
}
