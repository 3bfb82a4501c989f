import { defineCheck } from '../src/check.ts';
import { valueOf } from '../src/snapshot/fact.ts';
import { noService } from './causes.ts';
import { certaintyOf, evidenceFor, exclusiveHolders, isHeldExclusive, readerSubject, somebody } from './readers.ts';
import { releaseHolders, endScdaemon, shareReader } from './remedies.ts';
import { isScdaemon } from './scdaemon.ts';

export default defineCheck({
  code: 'CC101',
  needs: ['holdings'],
  wants: ['scdaemons', 'gnupg', 'scdaemonConfig', 'host'],
  after: [...noService, 'multiple-scdaemon', 'scdaemon-config-not-active'],
  check({ holdings, scdaemons, gnupg, scdaemonConfig, host }) {
    const running = valueOf(scdaemons) ?? [];
    const installed = valueOf(gnupg);
    const config = valueOf(scdaemonConfig);
    return holdings.filter(isHeldExclusive).flatMap((reader) => {
      const holders = exclusiveHolders(reader);
      if (holders.length === 0 || !holders.every((holder) => isScdaemon(holder, running))) return [];
      const named = holders.map(somebody);
      // Our configuration speaks for our scdaemon only; another user's has its own.
      const ours = running.find((one) => one.ours && holders.some(({ pid }) => pid === one.process.pid));
      const now = holders.flatMap((holder) => {
        const known = running.find(({ process }) => process.pid === holder.pid);
        return known === undefined ? releaseHolders([holder], host) : [endScdaemon(known, host)];
      });
      const lasting = ours !== undefined && installed?.scdaemon && config ? shareReader(installed, installed.scdaemon, config) : [];
      return [
        {
          subject: readerSubject(reader.name),
          data: { reader: reader.name, holders: named },
          certainty: certaintyOf(named),
          evidence: evidenceFor(reader, holders),
          remedies: [...now, ...lasting],
        },
      ];
    });
  },
});
