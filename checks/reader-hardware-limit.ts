import { defineCheck } from '../src/check.ts';
import { descriptorSays, takesShortCommandsOnly } from './ccid-descriptor.ts';
import { deviceName, deviceSubject } from './readers.ts';

export default defineCheck({
  code: 'CC317',
  needs: ['usbDevices'],
  about: ['usbDevices'],
  check({ usbDevices }) {
    return usbDevices
      .filter(({ ccid }) => ccid.length > 0 && ccid.every(takesShortCommandsOnly))
      .map((device) => ({
        // A limit that most cards never meet.
        severity: 'info',
        subject: deviceSubject(device),
        data: { device: deviceName(device) },
        certainty: 'proven',
        evidence: device.ccid.map(descriptorSays),
        remedies: [{ title: 'Use another reader where a card needs long commands', kind: 'lasting', commands: [], edits: [], price: null }],
      }));
  },
});
