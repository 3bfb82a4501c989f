import { defineCheck } from '../src/check.ts';
import { LOOK_AS_ROOT } from './remedies.ts';

export default defineCheck({
  code: 'CC902',
  needs: ['self', 'host'],
  check({ self, host }) {
    const { blind } = self;
    if (host.root || blind.length === 0) return [];
    return [
      {
        subject: { kind: 'cardcheck', name: 'root' },
        data: { what: blind.map(({ what }) => what) },
        certainty: 'proven',
        evidence: blind.map(({ what, need }) => `${what}: needs ${need}.`),
        remedies: [LOOK_AS_ROOT],
      },
    ];
  },
});
