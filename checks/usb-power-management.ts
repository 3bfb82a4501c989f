import { defineCheck, type Draft } from '../src/check.ts';
import { valueOf } from '../src/snapshot/fact.ts';
import type { UsbDevice } from '../src/snapshot/schema.ts';
import { noService, readerTaken } from './causes.ts';
import { deviceName, deviceSubject, isUnlisted } from './readers.ts';
import { asRoot } from './shell.ts';

export default defineCheck({
  code: 'CC314',
  needs: ['usbDevices'],
  wants: ['holdings', 'daemon', 'host'],
  about: ['usbDevices'],
  after: [...noService, ...readerTaken],
  check({ usbDevices, holdings, daemon, host }) {
    return usbDevices
      .filter(({ ccidInterfaces }) => ccidInterfaces.length > 0)
      .flatMap((device): Draft<'CC314'>[] => {
        const { runtimeStatus, control } = device.power;
        const missed = daemon.status === 'ok' && isUnlisted(device, valueOf(holdings) ?? []) && !isClaimed(device);
        // The kernel suspends any idle device that nobody has open, so being suspended proves nothing; `error` does.
        const failed = runtimeStatus === 'error';
        if (!failed && !(missed && runtimeStatus === 'suspended' && control === 'auto')) return [];
        return [
          {
            severity: failed ? 'warning' : 'info',
            subject: deviceSubject(device),
            data: { device: deviceName(device), failed },
            certainty: failed ? 'likely' : 'possible',
            evidence: [`/sys/bus/usb/devices/${device.path}/power: runtime_status ${runtimeStatus}, control ${control ?? 'unknown'}.`],
            remedies: [
              {
                title: 'Keep the reader awake until it is unplugged',
                kind: 'now',
                commands: [`echo on | ${asRoot(host, `tee /sys/bus/usb/devices/${device.path}/power/control`)}`],
                edits: [],
                price: 'A little more power.',
              },
            ],
          },
        ];
      });
  },
});

const isClaimed = ({ interfaces, ccidInterfaces }: UsbDevice): boolean => interfaces.some(({ number, driver }) => driver !== null && ccidInterfaces.includes(number));
