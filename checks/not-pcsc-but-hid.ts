import { defineCheck, notApplicable } from '../src/check.ts';
import { hasCcidOff } from '../src/data/security-keys.ts';
import { valueOf } from '../src/snapshot/fact.ts';
import { keyName } from './security-keys.ts';

export default defineCheck({
  code: 'CC505',
  needs: [],
  wants: ['securityKeys'],
  check({ securityKeys }) {
    const keys = valueOf(securityKeys);
    if (keys === undefined) return notApplicable('tokens without a smart-card interface were not looked for');
    return keys
      .filter(({ id }) => !hasCcidOff(id))
      .map((key) => ({
        subject: { kind: 'device', name: key.path },
        data: { device: keyName(key) },
        certainty: 'proven',
        evidence: [`${key.id} has HID interfaces and no smart-card interface.`],
        remedies: [{ title: 'Use a token with a smart-card interface for gpg and PIV', kind: 'lasting', commands: [], edits: [], price: null }],
      }));
  },
});
