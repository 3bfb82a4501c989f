import { defineCheck, notApplicable } from '../src/check.ts';
import { valueOf } from '../src/snapshot/fact.ts';
import { isLoadable } from './libraries.ts';
import { install } from './remedies.ts';

export default defineCheck({
  code: 'CC402',
  needs: ['libraries'],
  wants: ['pcscdBuild', 'host'],
  about: ['libraries'],
  after: ['pcscd-not-running', 'sandbox-blocks-pcsc'],
  check({ libraries, pcscdBuild, host }) {
    if (valueOf(host)?.platform === 'darwin') return notApplicable('macOS has its own PC/SC');
    if (pcscdBuild.status !== 'ok') return notApplicable('pcscd is not installed here');
    const ofTheSystem = libraries.filter((library) => library.kind !== 'spy' && isLoadable(library));
    const missing = missingPart(ofTheSystem.map(({ kind }) => kind));
    if (missing === null) return [];
    return [
      {
        subject: { kind: 'package', name: 'libpcsclite' },
        data: { missing },
        certainty: 'proven',
        evidence: [ofTheSystem.length === 0 ? 'No copy of libpcsclite is in the system\'s library folders.' : `Found: ${ofTheSystem.map(({ path }) => path).join(', ')}.`],
        remedies: [install(host, 'libpcsclite', 'Install the PC/SC library')],
      },
    ];
  },
});

/** From pcsc-lite 2.1 on libpcsclite.so.1 only hands calls on to libpcsclite_real.so.1. */
function missingPart(kinds: readonly string[]): string | null {
  if (kinds.length === 0) return 'libpcsclite.so.1';
  return kinds.every((kind) => kind === 'redirector') ? 'libpcsclite_real.so.1' : null;
}
