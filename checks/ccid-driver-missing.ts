import { defineCheck } from '../src/check.ts';
import { deviceName } from './readers.ts';
import { install, restartPcscd } from './remedies.ts';

export default defineCheck({
  code: 'CC305',
  needs: ['usbDevices', 'driverBundles'],
  wants: ['host'],
  about: ['usbDevices', 'driverBundles'],
  after: ['pcscd-not-running', 'sandbox-blocks-pcsc', 'pcscd-driver-dir-missing'],
  check({ usbDevices, driverBundles, host }) {
    const { dropDir, bundles } = driverBundles;
    if (bundles.some(({ name, driver }) => driver === 'CCIDCLASSDRIVER' || name === 'ifd-ccid.bundle')) return [];
    const unserved = usbDevices.filter(({ id, ccidInterfaces }) => ccidInterfaces.length > 0 && !bundles.some(({ devices }) => devices.includes(id)));
    if (unserved.length === 0) return [];
    return [
      {
        subject: { kind: 'package', name: 'libccid' },
        data: { dropDir, devices: unserved.map(deviceName) },
        certainty: 'proven',
        evidence: [bundles.length === 0 ? `${dropDir} has no driver in it.` : `${dropDir} has ${bundles.map(({ name }) => name).join(', ')} only.`],
        remedies: [install(host, 'libccid', 'Install the CCID driver'), restartPcscd(host)],
      },
    ];
  },
});
