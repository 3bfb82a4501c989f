import { defineCheck, type Draft, notApplicable } from '../src/check.ts';
import { valueOf } from '../src/snapshot/fact.ts';
import type { Facts, Library } from '../src/snapshot/schema.ts';
import { noService } from './causes.ts';
import { askedLibrary, isClient, libraryName } from './libraries.ts';
import { updateOwner } from './library-remedies.ts';

/** From this minor version on pcscd says how long its table is (pcsc-lite ChangeLog 2.5.0). */
const MINOR_WITH_LENGTH = 6;

export default defineCheck({
  code: 'CC311',
  needs: [],
  wants: ['libraries', 'daemon', 'addon', 'libraryContext', 'libraryReaders', 'probes', 'host'],
  after: noService,
  check({ libraries, daemon, addon, libraryContext, libraryReaders, probes, host }) {
    if (daemon.status !== 'ok' || libraries.status !== 'ok') return notApplicable('pcscd or the library was not looked at');
    const { slots, protocol } = daemon.value;
    if (slots === null || protocol.minor >= MINOR_WITH_LENGTH) return [];
    const fits = (copy: Library) => copy.slots === null || copy.slots === slots;
    const asked = askedLibrary({ libraryContext, addon }, libraries.value);
    const symptom = symptomOf({ libraryContext, libraryReaders, probes });
    return libraries.value
      .filter((copy) => isClient(copy) && !fits(copy))
      .map((copy): Draft<'CC311'> => {
        const ours = copy === asked && symptom !== null;
        return {
          severity: ours ? 'error' : 'warning',
          subject: { kind: 'file', name: copy.path },
          data: { library: libraryName(copy), librarySlots: copy.slots, daemonSlots: slots },
          certainty: ours ? 'proven' : 'likely',
          evidence: [`The table in ${copy.path} has room for ${copy.slots} readers.`, `pcscd sent a table of ${slots}.`, ...(ours ? [symptom] : [])],
          remedies: updateOwner(copy, host, libraries.value.filter(fits)),
        };
      });
  },
});

/** Codes of PC/SC are 0 and 0x8010xxxx; what is none of them are bytes of the table, read as a result. */
const isNoCode = (hex: string | null): boolean => hex !== null && !/^0x(?:8010|0000)/i.test(hex);

function symptomOf({ libraryContext, libraryReaders, probes }: Pick<Facts, 'libraryContext' | 'libraryReaders' | 'probes'>): string | null {
  const odd = (valueOf(probes) ?? []).find(({ backend, hex }) => backend === 'library' && isNoCode(hex));
  if (odd !== undefined) return `A ${odd.mode} connect through the library returned ${odd.hex}, which is no code of PC/SC.`;
  const waits = libraryContext.status === 'timeout' || libraryReaders.status === 'timeout';
  return waits ? 'The library got no answer to the end, while pcscd answers us.' : null;
}
