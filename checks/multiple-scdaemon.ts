import { defineCheck } from '../src/check.ts';
import type { ReaderReport } from '../src/report/schema.ts';
import { valueOf } from '../src/snapshot/fact.ts';
import type { Scdaemon } from '../src/snapshot/schema.ts';
import { endScdaemon } from './remedies.ts';

export default defineCheck({
  code: 'CC109',
  needs: ['scdaemons'],
  wants: ['holdings', 'host'],
  check({ scdaemons, holdings, host }) {
    if (scdaemons.length < 2) return [];
    const holder = scdaemons.find((one) => locks(one, valueOf(holdings) ?? []));
    // Somebody else's scdaemon that has the card keeps ours from it; ours that has it is the ordinary case.
    const inTheWay = holder !== undefined && !holder.ours;
    return [
      {
        severity: inTheWay ? 'error' : 'warning',
        subject: { kind: 'process', name: 'scdaemon' },
        data: { scdaemons: scdaemons.map(({ process, home }) => ({ pid: process.pid, user: process.user, home })), holder: holder?.process.pid ?? null },
        certainty: 'proven',
        evidence: scdaemons.map(({ process, home }) => `scdaemon runs as pid ${process.pid} of uid ${process.uid}${home === null ? '' : ` with home ${home}`}.`),
        remedies: (inTheWay ? [holder] : scdaemons.filter(({ ours }) => !ours)).map((one) => endScdaemon(one, host)),
      },
    ];
  },
});

/** It has a reader in a way that admits no second scdaemon, and that was seen, not guessed. */
const locks = ({ process }: Scdaemon, readers: readonly ReaderReport[]): boolean =>
  readers.some(({ holders }) => holders.some(({ pid, access, certainty }) => pid === process.pid && (access === 'exclusive' || access === 'usb') && certainty !== 'possible'));
