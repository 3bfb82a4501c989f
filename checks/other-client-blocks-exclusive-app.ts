import { defineCheck, notApplicable } from '../src/check.ts';
import { valueOf } from '../src/snapshot/fact.ts';
import { noService } from './causes.ts';
import { asNamed, insisting } from './programs.ts';
import { evidenceFor, readerSubject, somebody } from './readers.ts';
import { releaseHolders } from './remedies.ts';

export default defineCheck({
  code: 'CC105',
  needs: ['holdings'],
  wants: ['cardPrograms', 'host'],
  after: [...noService, 'other-client-holds-transaction'],
  check({ holdings, cardPrograms, host }) {
    const running = valueOf(cardPrograms)?.running;
    if (running === undefined) return notApplicable('running programs were not looked at');
    return holdings
      .filter(({ listed, sharing }) => listed && sharing.mode === 'shared')
      .flatMap((reader) => {
        const holders = reader.holders.filter(({ access, certainty }) => access !== 'usb' && certainty !== 'possible');
        if (holders.length === 0) return [];
        return running
          .filter((process) => insisting(process) !== null && !reader.holders.some(({ pid }) => pid === process.pid))
          .map((process) => ({
            subject: readerSubject(reader.name),
            data: { reader: reader.name, program: asNamed(process), holders: holders.map(somebody) },
            certainty: 'likely' as const,
            evidence: [...evidenceFor(reader, holders), `Process ${process.pid} runs ${insisting(process)?.label}, which connects EXCLUSIVE, and has no handle on the reader.`],
            remedies: releaseHolders(holders, host),
          }));
      });
  },
});
