import { defineCheck } from '../src/check.ts';
import type { UsbDevice } from '../src/snapshot/schema.ts';
import { deviceName, deviceSubject } from './readers.ts';
import { asRoot } from './shell.ts';
import { USBIP } from './takers.ts';

export default defineCheck({
  code: 'CC303',
  needs: ['usbDevices'],
  wants: ['host'],
  about: ['usbDevices'],
  after: ['usbguard'],
  check({ usbDevices, host }) {
    return usbDevices.flatMap((device) => {
      const driver = kernelDriver(device);
      if (driver === null) return [];
      return [
        {
          subject: deviceSubject(device),
          data: { device: deviceName(device), driver },
          certainty: 'proven',
          evidence: [`/sys/bus/usb/devices/${device.path} shows ${driver} bound to a smart-card interface.`],
          remedies: [
            {
              title: `Unload ${driver} and replug the reader`,
              kind: 'now',
              commands: [asRoot(host, `modprobe -r ${driver}`)],
              edits: [],
              price: 'Kernel NFC programs lose the reader until the next start.',
            },
            {
              title: `Keep ${driver} from being loaded`,
              kind: 'lasting',
              commands: [`printf 'blacklist %s\\n' ${blacklist(driver).join(' ')} | ${asRoot(host, 'tee /etc/modprobe.d/cardcheck-blacklist.conf')}`],
              edits: [{ file: '/etc/modprobe.d/cardcheck-blacklist.conf', add: blacklist(driver).map((name) => `blacklist ${name}`), remove: [] }],
              price: 'Kernel NFC programs no longer work with this reader.',
            },
          ],
        },
      ];
    });
  },
});

/** usbfs is not a driver but a process that claimed the interface; pass-through is another finding. */
function kernelDriver({ interfaces, ccidInterfaces }: UsbDevice): string | null {
  const claimed = interfaces.find(({ number, driver }) => ccidInterfaces.includes(number) && driver !== null && driver !== 'usbfs' && driver !== USBIP);
  return claimed?.driver ?? null;
}

/** pn533_usb sits on pn533 and nfc; loading any of them brings it back. */
const blacklist = (driver: string): string[] => (driver === 'pn533_usb' ? ['pn533_usb', 'pn533', 'nfc'] : [driver]);
