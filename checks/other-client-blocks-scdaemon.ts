import { defineCheck, notApplicable } from '../src/check.ts';
import { valueOf } from '../src/snapshot/fact.ts';
import { noScdaemon, noService } from './causes.ts';
import { certaintyOf, evidenceFor, readerSubject, somebody } from './readers.ts';
import { releaseHolders, shareReader } from './remedies.ts';
import { connectsExclusive, isScdaemon } from './scdaemon.ts';

export default defineCheck({
  code: 'CC102',
  needs: ['holdings', 'gnupg', 'scdaemonConfig'],
  wants: ['scdaemons', 'host'],
  about: ['gnupg', 'scdaemonConfig'],
  after: [...noService, ...noScdaemon, 'scdaemon-config-not-active', 'other-client-holds-transaction'],
  check({ holdings, gnupg, scdaemonConfig, scdaemons, host }) {
    const { scdaemon } = gnupg;
    if (scdaemon === null) return notApplicable('scdaemon is not installed');
    if (!connectsExclusive(scdaemonConfig)) return [];
    const running = valueOf(scdaemons) ?? [];
    const idle = new Set(running.filter(({ cardOpen }) => valueOf(cardOpen) === false).map(({ process }) => process.pid));
    return holdings.flatMap((reader) => {
      const { mode, handles } = reader.sharing;
      // One that has failed may stay connected (seen with 2.4.9 and pcscd 2.5.3) and is then a suspect by its connection alone.
      const holders = reader.holders.filter(({ access, certainty, pid }) => access !== 'usb' && !(certainty === 'possible' && idle.has(pid)));
      // A scdaemon among the holders got its connection under another configuration; it is not the one that is kept out.
      if (!reader.listed || mode !== 'shared' || holders.some((holder) => isScdaemon(holder, running))) return [];
      const named = holders.map(somebody);
      return [
        {
          subject: readerSubject(reader.name),
          data: { reader: reader.name, handles, holders: named },
          certainty: certaintyOf(named),
          evidence: [...evidenceFor(reader, holders), `scdaemon ${scdaemon.version}, as configured, connects EXCLUSIVE (pcsc-shared is not in force).`],
          remedies: [...releaseHolders(holders, host), ...shareReader(gnupg, scdaemon, scdaemonConfig)],
        },
      ];
    });
  },
});
