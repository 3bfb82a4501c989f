import { defineCheck } from '../src/check.ts';
import { noService } from './causes.ts';
import { deviceName, deviceSubject, isUnlisted } from './readers.ts';
import { upgrade } from './remedies.ts';

export default defineCheck({
  code: 'CC308',
  needs: ['usbDevices', 'driverBundles', 'holdings'],
  wants: ['host'],
  about: ['usbDevices', 'driverBundles'],
  after: ['usbguard', ...noService, 'ccid-driver-missing', 'pcscd-driver-dir-missing', 'ccid-driver-load-failure'],
  check({ usbDevices, driverBundles, holdings, host }) {
    const { bundles, dropDir } = driverBundles;
    // A list of devices that could not be read may name any.
    if (bundles.some(({ error }) => error !== null)) return [];
    const ccid = bundles.find(({ driver }) => driver === 'CCIDCLASSDRIVER');
    return usbDevices
      .filter(({ id, ccidInterfaces }) => ccidInterfaces.length > 0 && !bundles.some(({ devices }) => devices.includes(id)))
      .filter((device) => isUnlisted(device, holdings))
      .map((device) => ({
        subject: deviceSubject(device),
        data: { device: deviceName(device), id: device.id, driver: ccid === undefined ? null : `libccid ${ccid.version ?? 'of unknown version'}` },
        certainty: 'proven',
        evidence: [`${device.id} is in no Info.plist below ${dropDir}.`],
        remedies: [upgrade(host, 'libccid', 'Upgrade libccid to a version that knows the reader')],
      }));
  },
});
