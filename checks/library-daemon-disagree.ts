import { defineCheck, notApplicable } from '../src/check.ts';
import type { Remedy } from '../src/report/schema.ts';
import { valueOf } from '../src/snapshot/fact.ts';
import { noService } from './causes.ts';
import { askedLibrary, libraryName } from './libraries.ts';

export default defineCheck({
  code: 'CC412',
  needs: [],
  wants: ['daemon', 'readers', 'libraryContext', 'libraryReaders', 'libraries', 'addon'],
  after: noService,
  check({ daemon, readers, libraryContext, libraryReaders, libraries, addon }) {
    const ofDaemon = valueOf(readers)?.map(({ name }) => name);
    if (daemon.status !== 'ok' || ofDaemon === undefined || libraryContext.status !== 'ok') return notApplicable('only one of the two views was taken');
    const context = libraryContext.value;
    const difference = context.code === 'SCARD_S_SUCCESS' ? differenceOf(ofDaemon, valueOf(libraryReaders)?.map(({ name }) => name)) : `pcscd answers, and through the library SCardEstablishContext returns ${context.code} (${context.hex})`;
    if (difference === null) return [];
    const asked = askedLibrary({ libraryContext, addon }, valueOf(libraries) ?? []);
    return [
      {
        // Programs that see no reader at all cannot work; of a single one it may have come or gone in between.
        severity: context.code === 'SCARD_S_SUCCESS' && valueOf(libraryReaders)?.length !== 0 ? 'warning' : 'error',
        subject: { kind: 'service', name: 'libpcsclite' },
        data: { says: difference },
        certainty: 'proven',
        evidence: ['Both were asked in the same run, one shortly after the other.', ...(asked === null ? [] : [`What was asked is ${libraryName(asked)}.`])],
        remedies: [WHAT_LEADS_ASTRAY],
      },
    ];
  },
});

const WHAT_LEADS_ASTRAY: Remedy = {
  title: 'See what leads programs to another library or another socket',
  kind: 'now',
  commands: ["env | grep -E '^(PCSCLITE_CSOCK_NAME|LIBPCSCLITE_DELEGATE|LD_LIBRARY_PATH|LD_PRELOAD)='", 'ldconfig -p | grep libpcsclite'],
  edits: [],
  price: null,
};

function differenceOf(daemon: readonly string[], library: readonly string[] | undefined): string | null {
  if (library === undefined) return null;
  const only = (here: readonly string[], there: readonly string[]) => here.filter((name) => !there.includes(name)).join(', ');
  const [daemonOnly, libraryOnly] = [only(daemon, library), only(library, daemon)];
  const sides = [daemonOnly === '' ? [] : [`pcscd alone lists ${daemonOnly}`], libraryOnly === '' ? [] : [`the library alone lists ${libraryOnly}`]].flat();
  return sides.length === 0 ? null : sides.join('; ');
}
