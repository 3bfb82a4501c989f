import { defineCheck } from '../src/check.ts';
import { noService } from './causes.ts';
import { readerSubject } from './readers.ts';

export default defineCheck({
  code: 'CC502',
  needs: ['holdings'],
  after: [...noService, 'macos-apple-ccid-driver'],
  check({ holdings }) {
    return holdings.flatMap((reader) => {
      const mute = Object.values(reader.probes).find((probe) => probe?.outcome === 'unpowered' || probe?.outcome === 'unresponsive');
      if (!mute || (mute.outcome !== 'unpowered' && mute.outcome !== 'unresponsive')) return [];
      return [
        {
          subject: readerSubject(reader.name),
          data: { reader: reader.name, outcome: mute.outcome },
          certainty: 'likely',
          evidence: [`A connect that powers the card ended with ${mute.code ?? mute.outcome}${mute.hex === null ? '' : ` (${mute.hex})`}.`],
          remedies: [
            { title: 'Take the card out, look at its contacts and its side, put it in again; try it in another reader', kind: 'now', commands: [], edits: [], price: 'PINs are asked again.' },
          ],
        },
      ];
    });
  },
});
