import { defineCheck, notApplicable } from '../src/check.ts';
import { hasCcidOff } from '../src/data/security-keys.ts';
import { valueOf } from '../src/snapshot/fact.ts';
import { keyName } from './security-keys.ts';

export default defineCheck({
  code: 'CC504',
  needs: [],
  wants: ['securityKeys'],
  check({ securityKeys }) {
    const keys = valueOf(securityKeys);
    if (keys === undefined) return notApplicable('tokens without a smart-card interface were not looked for');
    return keys
      .filter(({ id }) => hasCcidOff(id))
      .map((key) => ({
        subject: { kind: 'device', name: key.path },
        data: { device: keyName(key) },
        certainty: 'likely',
        evidence: [`${key.id} is a YubiKey 4 or 5 with its one-time-password interface and without its smart-card interface.`],
        remedies: [
          {
            title: 'Switch the OpenPGP application on, and with it the smart-card interface',
            kind: 'lasting',
            commands: ['ykman config usb --enable OPENPGP'],
            edits: [],
            price: 'The token restarts; its PIN state is lost.',
          },
        ],
      }));
  },
});
