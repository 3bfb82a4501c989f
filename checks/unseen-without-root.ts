import { defineCheck } from '../src/check.ts';

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
        remedies: [{ title: 'Look again as root', kind: 'now', commands: ['sudo cardcheck'], edits: [], price: null }],
      },
    ];
  },
});
