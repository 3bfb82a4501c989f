import { defineCheck, notApplicable } from '../src/check.ts';
import { reasonOf } from '../src/snapshot/fact.ts';
import { noService } from './causes.ts';
import { withoutUsb } from './environment.ts';

export default defineCheck({
  code: 'CC506',
  needs: ['usbDevices'],
  wants: ['readers', 'host'],
  after: [...noService, 'vm-took-device'],
  check({ usbDevices, readers, host }) {
    if (withoutUsb(host, { status: 'ok', value: usbDevices, source: '' }) !== null) return notApplicable('explained by no-usb-in-environment');
    if (usbDevices.length > 0) return [];
    if (readers.status !== 'ok') return notApplicable(`a reader without USB would not be seen: ${reasonOf(readers)}`);
    if (readers.value.length > 0) return [];
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
