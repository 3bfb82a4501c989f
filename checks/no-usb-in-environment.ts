import { defineCheck } from '../src/check.ts';
import { valueOf } from '../src/snapshot/fact.ts';
import { noService } from './causes.ts';
import { withoutUsb } from './environment.ts';

export default defineCheck({
  code: 'CC411',
  needs: ['host'],
  wants: ['usbDevices', 'readers'],
  // Whom a pcscd turns away cannot say what it lists; where none runs, that is no wonder in a place without devices.
  after: noService.filter((id) => id !== 'pcscd-not-running'),
  check({ host, usbDevices, readers }) {
    const environment = withoutUsb({ status: 'ok', value: host, source: '' }, usbDevices);
    // A socket from outside may bring readers with it.
    if (environment === null || (valueOf(readers) ?? []).length > 0) return [];
    return [
      {
        subject: { kind: 'machine', name: environment },
        data: { environment },
        certainty: 'likely',
        evidence: [`No smart-card device is on the USB bus of this environment${readers.status === 'ok' ? ', and no reader is listed' : ''}.`],
        remedies: [
          {
            title: host.wsl ? 'Attach the device from Windows: usbipd attach --wsl --busid BUSID' : 'Hand the device or pcscd\'s socket in when the container is started',
            kind: 'lasting',
            commands: [],
            edits: [],
            price: 'The host loses a device that is attached; with the socket, programs in the container can use any card of the host.',
          },
        ],
      },
    ];
  },
});
