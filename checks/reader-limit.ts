import { defineCheck, notApplicable } from '../src/check.ts';
import { noService } from './causes.ts';
import { upgrade } from './remedies.ts';

export default defineCheck({
  code: 'CC310',
  needs: [],
  wants: ['readers', 'daemon', 'host'],
  after: noService,
  check({ readers, daemon, host }) {
    if (readers.status !== 'ok' || daemon.status !== 'ok') return notApplicable('pcscd\'s table was not read');
    const { slots, protocol } = daemon.value;
    // From protocol 4:6 on the table grows with the readers (pcsc-lite ChangeLog 2.5.0).
    if (slots === null || slots === 0 || protocol.minor >= 6 || readers.value.length < slots) return [];
    return [
      {
        subject: { kind: 'service', name: 'pcscd' },
        data: { readers: readers.value.length, slots },
        certainty: 'proven',
        evidence: [`All ${slots} entries of pcscd's table are taken.`],
        remedies: [upgrade(host, 'pcscd', 'Upgrade pcsc-lite to 2.5.1 or later')],
      },
    ];
  },
});
