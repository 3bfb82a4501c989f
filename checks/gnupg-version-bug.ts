import { defineCheck, notApplicable } from '../src/check.ts';
import known from './data/gnupg-versions.json' with { type: 'json' };
import { upgrade } from './remedies.ts';
import { isWithin } from './versions.ts';

export default defineCheck({
  code: 'CC207',
  needs: ['gnupg'],
  wants: ['host'],
  about: ['gnupg'],
  after: ['scdaemon-not-installed'],
  check({ gnupg, host }) {
    const { scdaemon } = gnupg;
    if (scdaemon === null) return notApplicable('scdaemon is not installed');
    return known.faults
      .filter(({ from, to }) => isWithin(scdaemon.version, from, to))
      .map(({ fault, fixedIn, source }) => ({
        subject: { kind: 'package', name: 'gnupg' },
        data: { version: scdaemon.version, fault, fixedIn, asOf: known.asOf },
        certainty: 'possible',
        evidence: [`scdaemon ${scdaemon.version} is installed; the fault is described in ${source}.`],
        remedies: [upgrade(host, 'scdaemon', `Upgrade GnuPG to ${fixedIn} or later`)],
      }));
  },
});
