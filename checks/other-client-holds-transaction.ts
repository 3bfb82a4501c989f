import { defineCheck } from '../src/check.ts';
import type { ReaderReport } from '../src/report/schema.ts';
import { noService } from './causes.ts';
import type { Somebody } from './prose/named.ts';
import { evidenceFor, readerSubject, somebody } from './readers.ts';
import { releaseHolders } from './remedies.ts';

export default defineCheck({
  code: 'CC104',
  needs: ['holdings'],
  wants: ['host'],
  after: noService,
  check({ holdings, host }) {
    return holdings.flatMap((reader) => {
      const blocked = Object.values(reader.probes).filter((probe) => probe !== null).find(({ outcome }) => outcome === 'blocked');
      const holders = reader.holders.filter(({ access }) => access === 'transaction');
      if (blocked === undefined && reader.sharing.transaction !== true) return [];
      const named = holders.length > 0 ? holders.map(somebody) : suspects(reader);
      return [
        {
          // Seen in pcscd's memory alone it may be one of the many that are over in a moment; only a connect that waits in vain shows that it lasts.
          severity: blocked === undefined ? 'warning' : 'error',
          subject: readerSubject(reader.name),
          data: { reader: reader.name, holders: named, waitedMs: blocked?.ms == null ? null : Math.round(blocked.ms) },
          // A connect that does not return is also what a reader gives that is powering a slow card, or a stuck driver.
          certainty: holders[0]?.certainty ?? 'likely',
          evidence: [
            ...(blocked === undefined ? [] : ['A connect of ours did not return in time; an EXCLUSIVE connection of another program would have made it fail at once.']),
            ...evidenceFor(reader, holders),
          ],
          remedies: releaseHolders(holders, host),
        },
      ];
    });
  },
});

/** Whoever has a handle may be in a transaction with it. */
const suspects = ({ holders }: ReaderReport): Somebody[] => holders.filter(({ access }) => access !== 'usb').map((holder) => ({ ...somebody(holder), certainty: 'possible' }));
