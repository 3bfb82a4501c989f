import { defineCheck } from '../src/check.ts';
import { valueOf } from '../src/snapshot/fact.ts';
import { noService } from './causes.ts';
import { certaintyOf, evidenceFor, exclusiveHolders, isHeldExclusive, readerSubject, somebody } from './readers.ts';
import { releaseHolders } from './remedies.ts';
import { isScdaemon } from './scdaemon.ts';

export default defineCheck({
  code: 'CC103',
  needs: ['holdings'],
  wants: ['scdaemons', 'host'],
  after: [...noService, 'macos-ctk-holds-card'],
  check({ holdings, scdaemons, host }) {
    const running = valueOf(scdaemons) ?? [];
    return holdings.filter(isHeldExclusive).flatMap((reader) => {
      const holders = exclusiveHolders(reader);
      if (holders.length > 0 && holders.every((holder) => isScdaemon(holder, running))) return [];
      const named = holders.map(somebody);
      return [
        {
          subject: readerSubject(reader.name),
          data: { reader: reader.name, holders: named },
          certainty: certaintyOf(named),
          evidence: evidenceFor(reader, holders),
          remedies: releaseHolders(holders, host),
        },
      ];
    });
  },
});
