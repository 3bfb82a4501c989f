import { defineCheck, notApplicable } from '../src/check.ts';
import { noService } from './causes.ts';
import { withoutUsb } from './environment.ts';

export default defineCheck({
  code: 'CC506',
  needs: ['usbDevices', 'readers'],
  wants: ['host'],
  after: [...noService, 'vm-took-device'],
  check({ usbDevices, readers, host }) {
    if (withoutUsb(host, { status: 'ok', value: usbDevices, source: '' }) !== null) return notApplicable('explained by no-usb-in-environment');
    if (readers.length > 0 || usbDevices.length > 0) return [];
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
