import { defineCheck } from '../src/check.ts';
import { deviceName, deviceSubject } from './readers.ts';
import { asRoot } from './shell.ts';

export default defineCheck({
  code: 'CC408',
  needs: ['usbDevices'],
  wants: ['host'],
  about: ['usbDevices'],
  check({ usbDevices, host }) {
    return usbDevices
      .filter(({ authorized }) => !authorized)
      .map((device) => ({
        subject: deviceSubject(device),
        data: { device: deviceName(device) },
        certainty: 'proven',
        evidence: [`/sys/bus/usb/devices/${device.path}/authorized is 0.`],
        remedies: [
          {
            title: 'Authorise the device until it is unplugged',
            kind: 'now',
            commands: [`echo 1 | ${asRoot(host, `tee /sys/bus/usb/devices/${device.path}/authorized`)}`],
            edits: [],
            price: 'The device is trusted from then on.',
          },
          {
            title: 'Allow it in usbguard, if that is what keeps it away',
            kind: 'lasting',
            commands: [asRoot(host, `usbguard allow-device --permanent 'id ${device.id}'`)],
            edits: [],
            price: 'Every device that calls itself so is trusted.',
          },
        ],
      }));
  },
});
