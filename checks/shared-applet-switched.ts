import { defineCheck } from '../src/check.ts';
import { valueOf } from '../src/snapshot/fact.ts';
import { noService } from './causes.ts';
import { readerSubject, somebody } from './readers.ts';
import { endScdaemon } from './remedies.ts';
import { isScdaemon } from './scdaemon.ts';

export default defineCheck({
  code: 'CC111',
  needs: ['holdings'],
  wants: ['scdaemons', 'host'],
  after: noService,
  check({ holdings, scdaemons, host }) {
    const running = valueOf(scdaemons) ?? [];
    return holdings.flatMap((reader) => {
      if (!reader.listed || reader.sharing.mode !== 'shared') return [];
      const sure = reader.holders.filter(({ access, certainty }) => access !== 'usb' && certainty !== 'possible');
      const ours = running.find(({ process }) => sure.some(({ pid }) => pid === process.pid));
      const others = sure.filter((holder) => !isScdaemon(holder, running));
      if (ours === undefined || others.length === 0) return [];
      return [
        {
          // A risk of every shared card; that it has come true only the card could tell, and it is not asked.
          severity: 'info',
          subject: readerSubject(reader.name),
          data: { reader: reader.name, holders: others.map(somebody) },
          certainty: 'possible',
          evidence: [`scdaemon (pid ${ours.process.pid}) and ${others.length === 1 ? 'another program' : `${others.length} other programs`} have ${reader.name} open at the same time.`],
          remedies: [{ ...endScdaemon(ours, host), title: 'Where gpg says "Card error": end scdaemon, which then selects its applet anew' }],
        },
      ];
    });
  },
});
