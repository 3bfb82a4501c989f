import { defineCheck, notApplicable } from '../src/check.ts';
import { valueOf } from '../src/snapshot/fact.ts';
import { noScdaemon, noService } from './causes.ts';
import { readerSubject } from './readers.ts';
import { endScdaemon, shareReader, stopPcscd } from './remedies.ts';
import { isScdaemon } from './scdaemon.ts';

export default defineCheck({
  code: 'CC301',
  needs: ['holdings', 'gnupg', 'scdaemonConfig'],
  wants: ['scdaemons', 'pcscdProcesses', 'host'],
  about: ['gnupg', 'scdaemonConfig'],
  after: [...noService, ...noScdaemon, 'internal-ccid-driver-limited', 'scdaemon-config-not-active', 'multiple-scdaemon'],
  check({ holdings, gnupg, scdaemonConfig, scdaemons, pcscdProcesses, host }) {
    const { scdaemon } = gnupg;
    if (scdaemon === null) return notApplicable('scdaemon is not installed');
    const running = valueOf(scdaemons) ?? [];
    const pcscdRuns = (valueOf(pcscdProcesses) ?? []).some(({ sameMountNamespace }) => sameMountNamespace !== false);
    const lasting = shareReader(gnupg, scdaemon, scdaemonConfig);

    const takenByScdaemon = holdings
      .filter((reader) => !reader.listed && pcscdRuns)
      .flatMap((reader) => {
        const holder = reader.holders.find((one) => one.access === 'usb' && isScdaemon(one, running));
        if (holder === undefined) return [];
        const process = running.find((one) => one.process.pid === holder.pid);
        return [
          {
            subject: readerSubject(reader.name),
            data: { reader: reader.name, has: 'scdaemon' as const, scdaemon: `scdaemon (pid ${holder.pid}${holder.user === null ? '' : `, ${holder.user}`})` },
            certainty: holder.certainty,
            evidence: [...holder.evidence, 'pcscd runs and does not list the reader.'],
            remedies: [...(process === undefined ? [] : [endScdaemon(process, host)]), ...lasting],
          },
        ];
      });

    const scdaemonHasOne = holdings.some((reader) => reader.holders.some((one) => one.access === 'usb' && isScdaemon(one, running)));
    const takenByPcscd =
      scdaemonConfig.backend !== 'usb-only' || scdaemonHasOne
        ? []
        : holdings
            .filter((reader) => reader.listed && reader.card.present === true)
            .map((reader) => ({
              subject: readerSubject(reader.name),
              data: { reader: reader.name, has: 'pcscd' as const, scdaemon: `scdaemon ${scdaemon.version}` },
              certainty: 'proven' as const,
              evidence: [
                `pcscd lists ${reader.name} with a card in it, so the reader is pcscd's.`,
                `scdaemon ${scdaemon.version} has the internal CCID driver, disable-ccid is not in force, and from 2.3 on it does not turn to PC/SC.`,
              ],
              remedies: [stopPcscd(host), ...lasting],
            }));
    return [...takenByScdaemon, ...takenByPcscd];
  },
});
