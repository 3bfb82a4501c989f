import { defineCheck } from '../src/check.ts';
import type { ReaderReport } from '../src/report/schema.ts';
import { valueOf } from '../src/snapshot/fact.ts';
import type { Scdaemon, ScdaemonConfig } from '../src/snapshot/schema.ts';
import { endScdaemon } from './remedies.ts';

export default defineCheck({
  code: 'CC204',
  needs: ['scdaemons'],
  wants: ['scdaemonConfig', 'holdings', 'host'],
  after: ['scdaemon-config-invalid'],
  check({ scdaemons, scdaemonConfig, holdings, host }) {
    return scdaemons
      .filter(({ configNewerThanProcess }) => configNewerThanProcess === true)
      .map((scdaemon) => {
        const { process } = scdaemon;
        const wouldShare = scdaemon.ours && shares(valueOf(scdaemonConfig));
        return {
          // It locks others out today and would not with what its file says: then this is the cause.
          severity: wouldShare && locks(scdaemon, valueOf(holdings) ?? []) ? ('error' as const) : ('warning' as const),
          subject: { kind: 'process' as const, name: 'scdaemon' },
          data: { pid: process.pid, user: process.user },
          certainty: 'proven' as const,
          evidence: [`scdaemon (pid ${process.pid}) started${process.startedAt === null ? '' : ` at ${process.startedAt}`}, and one of its configuration files was changed later.`],
          remedies: [endScdaemon(scdaemon, host)],
        };
      });
  },
});

const shares = (config: ScdaemonConfig | undefined): boolean => config?.backend === 'pcsc' && config.shareMode === 'shared';

const locks = ({ process }: Scdaemon, readers: readonly ReaderReport[]): boolean =>
  readers.some(({ holders }) => holders.some(({ pid, access }) => pid === process.pid && (access === 'exclusive' || access === 'usb')));
