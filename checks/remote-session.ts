import { defineCheck, type Draft } from '../src/check.ts';
import { valueOf } from '../src/snapshot/fact.ts';
import { noService } from './causes.ts';
import { wasNotAsked } from './refusals.ts';

export default defineCheck({
  code: 'CC410',
  needs: ['host'],
  wants: ['usbDevices', 'readers', 'polkit', 'daemon'],
  after: noService,
  check({ host, usbDevices, readers, polkit, daemon }) {
    const { session } = host;
    const subject = { kind: 'user', name: host.user.name } as const;
    const policy = valueOf(polkit);
    const finding = (draft: Omit<Draft<'CC410'>, 'subject'>): Draft<'CC410'>[] => [{ subject, ...draft }];

    if ((session.place === 'remote' || session.active === false) && policy?.enforced === true && policy.accessPcsc !== 'yes' && policy.accessPcsc !== 'unknown' && wasNotAsked({ daemon })) {
      return finding({
        data: { says: 'polkit does not let sessions other than the active local one use cards' },
        certainty: 'likely',
        evidence: [`The session is ${session.place}${session.active === false ? ' and inactive' : ''} (${session.evidence}).`, ...policy.evidence],
        remedies: [],
      });
    }

    const nothingHere = usbDevices.status === 'ok' && usbDevices.value.length === 0 && (valueOf(readers) ?? []).length === 0;
    if (session.place !== 'remote' || !nothingHere) return [];
    return finding({
      // Nobody knows whether a card is where the user sits.
      severity: 'info',
      data: { says: 'a card in the machine at the user\'s hands cannot be seen from here, and no reader is connected here' },
      certainty: 'possible',
      evidence: [`The session is remote (${session.evidence}).`, 'No smart-card device is on the USB bus of this machine.'],
      remedies: [
        {
          title: 'Forward gpg-agent\'s extra socket with ssh',
          kind: 'lasting',
          commands: [],
          edits: [],
          price: 'The remote machine can use the card while it is connected.',
        },
      ],
    });
  },
});
