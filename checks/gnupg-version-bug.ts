import { defineCheck, notApplicable } from '../src/check.ts';
import known from './data/gnupg-versions.json' with { type: 'json' };
import { valueOf } from '../src/snapshot/fact.ts';
import type { Fact, Host } from '../src/snapshot/schema.ts';
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
      .filter(({ from, to, mendedBy }) => isWithin(scdaemon.version, from, to) && !isMended(mendedBy, scdaemon.path, host))
      .map(({ fault, fixedIn, source }) => ({
        subject: { kind: 'package', name: 'gnupg' },
        data: { version: scdaemon.version, fault, fixedIn, asOf: known.asOf },
        certainty: 'possible',
        evidence: [`scdaemon ${scdaemon.version} is installed; the fault is described in ${source}.`],
        remedies: [upgrade(host, 'scdaemon', `Upgrade GnuPG to ${fixedIn} or later`)],
      }));
  },
});

interface Mend {
  distribution: string;
  version: string;
  /** Where that distribution installs it; another one was brought by somebody else. */
  program: string;
}

/** A distribution may have mended it without a new number, in every package of that number it released. */
function isMended(mend: Mend | undefined, path: string, host: Fact<Host>): boolean {
  const distribution = valueOf(host)?.distribution;
  return mend !== undefined && path === mend.program && distribution?.id === mend.distribution && distribution.version === mend.version;
}
