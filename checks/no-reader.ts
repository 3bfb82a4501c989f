import { defineCheck, notApplicable } from '../src/check.ts';
import { reasonOf, valueOf } from '../src/snapshot/fact.ts';
import { noService } from './causes.ts';
import { withoutUsb } from './environment.ts';

export default defineCheck({
  code: 'CC506',
  needs: [],
  wants: ['usbDevices', 'readers', 'host'],
  after: [...noService, 'vm-took-device'],
  check({ usbDevices, readers, host }) {
    if (withoutUsb(host, usbDevices) !== null) return notApplicable('explained by no-usb-in-environment');
    if ((valueOf(usbDevices) ?? []).length > 0 || (valueOf(readers) ?? []).length > 0) return [];
    // What was not seen is not missing: both the bus and pcscd's list must have been read, or not exist.
    for (const fact of [usbDevices, readers]) if (fact.status !== 'ok' && fact.status !== 'absent') return notApplicable(`one may be there: ${reasonOf(fact)}`);
    return [
      {
        subject: { kind: 'machine', name: 'readers' },
        data: {},
        certainty: 'proven',
        evidence: ['No device on the USB bus has a smart-card interface.', 'pcscd lists no reader.'],
        remedies: [{ title: 'Connect a reader or a token', kind: 'now', commands: [], edits: [], price: null }],
      },
    ];
  },
});
