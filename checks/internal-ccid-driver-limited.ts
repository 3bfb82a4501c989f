import { defineCheck, notApplicable } from '../src/check.ts';
import { descriptorSays, missingForScdaemon } from './ccid-descriptor.ts';
import { noScdaemon } from './causes.ts';
import { deviceName, deviceSubject } from './readers.ts';
import { shareReader } from './remedies.ts';

export default defineCheck({
  code: 'CC206',
  needs: ['usbDevices', 'gnupg', 'scdaemonConfig'],
  about: ['usbDevices', 'gnupg', 'scdaemonConfig'],
  after: ['usbguard', 'usb-permission', ...noScdaemon],
  check({ usbDevices, gnupg, scdaemonConfig }) {
    const { scdaemon } = gnupg;
    if (scdaemon === null) return notApplicable('scdaemon is not installed');
    // Up to 2.2 it turns to PC/SC when its own driver cannot have a reader.
    if (scdaemonConfig.backend !== 'usb-only') return notApplicable('scdaemon is not bound to its own driver');
    const readers = usbDevices.filter(({ ccidInterfaces }) => ccidInterfaces.length > 0);
    return readers
      .filter(({ ccid }) => ccid.length > 0 && ccid.every((one) => missingForScdaemon(one).length > 0))
      .map((device) => ({
        // With another reader beside it gpg may still have what it needs.
        severity: readers.length === 1 ? ('error' as const) : ('warning' as const),
        subject: deviceSubject(device),
        data: { device: deviceName(device), version: scdaemon.version, lacks: [...new Set(device.ccid.flatMap(missingForScdaemon))] },
        certainty: 'proven' as const,
        evidence: [...device.ccid.map(descriptorSays), `scdaemon ${scdaemon.version} uses its internal CCID driver only (disable-ccid is not in force).`],
        remedies: shareReader(gnupg, scdaemon, scdaemonConfig),
      }));
  },
});
