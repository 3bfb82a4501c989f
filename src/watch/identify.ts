import { collectHolders } from '../collect/holders.ts';
import { deriveHoldings } from '../derive/holdings.ts';
import type { ReaderReport } from '../report/schema.ts';
import { failed } from '../snapshot/fact.ts';
import type { Fact } from '../snapshot/schema.ts';
import { realSystem } from '../system/real.ts';

const TIMEOUT_MS = 1500;

/** Who holds what on this machine right now; never rejects. A fresh System each time, because a System remembers what it has read. */
export async function identify(): Promise<Fact<ReaderReport[]>> {
  try {
    return deriveHoldings(await collectHolders(realSystem(), { passive: true, wake: false, exclusive: false, timeoutMs: TIMEOUT_MS, reader: null }));
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error));
  }
}
