import { defineCheck, notApplicable } from '../src/check.ts';
import { reasonOf, valueOf } from '../src/snapshot/fact.ts';

export default defineCheck({
  code: 'CC901',
  needs: [],
  wants: ['addon', 'daemon', 'host'],
  check({ addon, daemon, host }) {
    if (addon.status === 'ok') return [];
    if (addon.status === 'skipped') return notApplicable(addon.why);
    const otherView = daemon.status === 'ok' || valueOf(host)?.platform === 'linux';
    return [
      {
        severity: otherView ? 'info' : 'warning',
        subject: { kind: 'cardcheck', name: 'pcsclite' },
        data: { says: reasonOf(addon), otherView },
        certainty: 'proven',
        evidence: [`Loading the add-on: ${reasonOf(addon)}.`],
        remedies: [],
      },
    ];
  },
});
