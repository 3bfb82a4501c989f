import { defineCheck, notApplicable } from '../src/check.ts';
import { valueOf } from '../src/snapshot/fact.ts';
import { noService } from './causes.ts';
import { readerSubject } from './readers.ts';
import { restartPcscd } from './remedies.ts';

/** SCARD_UNKNOWN of READER_STATE.readerState: the driver cannot tell whether there is a card (pcsc-lite PCSC/pcsclite.h.in, src/eventhandler.c). */
const UNKNOWN = 0x0001;
const READER_UNAVAILABLE = '0x80100017';

export default defineCheck({
  code: 'CC313',
  needs: [],
  wants: ['readers', 'probes', 'host'],
  after: [...noService, 'second-pcscd', 'vm-took-device'],
  check({ readers, probes, host }) {
    if (readers.status !== 'ok') return notApplicable('pcscd\'s table was not read');
    return readers.value.flatMap(({ name, state }) => {
      const refused = (valueOf(probes) ?? []).find(({ reader, hex }) => reader === name && hex === READER_UNAVAILABLE);
      if ((state & UNKNOWN) === 0 && refused === undefined) return [];
      return [
        {
          severity: 'error',
          subject: readerSubject(name),
          data: { reader: name },
          certainty: 'likely',
          evidence: [
            ...((state & UNKNOWN) === 0 ? [] : ['pcscd lists the reader in state UNKNOWN: its driver gets no answer from the device.']),
            ...(refused === undefined ? [] : [`A ${refused.mode} connect returned ${refused.code ?? 'SCARD_E_READER_UNAVAILABLE'} (${READER_UNAVAILABLE}).`]),
          ],
          remedies: [{ title: 'Unplug the reader and plug it in again', kind: 'now', commands: [], edits: [], price: 'The PIN is asked again.' }, restartPcscd(host)],
        },
      ];
    });
  },
});
