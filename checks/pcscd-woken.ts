import { defineCheck } from '../src/check.ts';
import { valueOf } from '../src/snapshot/fact.ts';

export default defineCheck({
  code: 'CC903',
  needs: [],
  wants: ['daemon', 'pcscdSocket'],
  check({ daemon, pcscdSocket }) {
    if (valueOf(daemon)?.woken !== true) return [];
    return [
      {
        subject: { kind: 'cardcheck', name: 'pcscd' },
        data: { socket: valueOf(pcscdSocket)?.path ?? 'its socket' },
        certainty: 'proven',
        evidence: ['No pcscd ran before our connection, and one answered it.'],
        remedies: [],
      },
    ];
  },
});
