import { defineCheck } from '../src/check.ts';
import { noService, readerTaken } from './causes.ts';
import { deviceName, deviceSubject, isUnlisted } from './readers.ts';
import { restartPcscd } from './remedies.ts';

export default defineCheck({
  code: 'CC312',
  needs: ['usbDevices', 'driverBundles', 'holdings'],
  wants: ['daemon', 'host'],
  about: ['usbDevices', 'driverBundles'],
  after: [...noService, ...readerTaken, 'driver-outdated', 'ccid-driver-load-failure'],
  check({ usbDevices, driverBundles, holdings, daemon, host }) {
    if (daemon.status !== 'ok') return [];
    return usbDevices
      .filter(({ id, ccidInterfaces }) => ccidInterfaces.length > 0 && driverBundles.bundles.some(({ devices }) => devices.includes(id)))
      .filter((device) => isUnlisted(device, holdings) && !isClaimed(device.interfaces, device.ccidInterfaces) && !isHeld(device.path, device.node))
      .map((device) => ({
        subject: deviceSubject(device),
        data: { device: deviceName(device) },
        certainty: 'possible',
        evidence: [`${device.id} is on the bus and in the driver's list.`, 'No process and no kernel driver has its smart-card interface.', 'pcscd answers and does not list it.'],
        remedies: [{ title: 'Unplug the reader and plug it in again', kind: 'now', commands: [], edits: [], price: 'The PIN is asked again.' }, restartPcscd(host)],
      }));

    function isHeld(path: string, node: string): boolean {
      return holdings.some(({ device, holders }) => (device === path || device === node) && holders.length > 0);
    }
  },
});

const isClaimed = (interfaces: readonly { number: number; driver: string | null }[], ccid: readonly number[]): boolean =>
  interfaces.some(({ number, driver }) => driver !== null && ccid.includes(number));
