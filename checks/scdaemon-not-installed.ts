import { defineCheck, notApplicable } from '../src/check.ts';
import { valueOf } from '../src/snapshot/fact.ts';
import type { UsbDevice } from '../src/snapshot/schema.ts';
import { install } from './remedies.ts';

/** Vendors whose tokens carry an OpenPGP application: Yubico, Nitrokey (Clay Logic), Free Software Initiative of Japan (Gnuk), Purism. */
const openPgpVendors = ['1050', '20a0', '234b', '316d'];

export default defineCheck({
  code: 'CC208',
  needs: ['gnupg'],
  wants: ['usbDevices', 'scdaemonConfig', 'host'],
  about: ['gnupg'],
  check({ gnupg, usbDevices, scdaemonConfig, host }) {
    const { gpg, scdaemon, expectedScdaemon } = gnupg;
    if (gpg === null) return notApplicable('GnuPG is not installed');
    if (scdaemon !== null) return [];
    // Most machines have gpg and no card; without a sign that somebody means to use one this is no fault.
    const token = (valueOf(usbDevices) ?? []).find(isOpenPgpToken);
    const configFile = valueOf(scdaemonConfig)?.files.find(({ state }) => state === 'read');
    if (token === undefined && configFile === undefined) return notApplicable('nothing here asks for smart cards with GnuPG');
    return [
      {
        subject: { kind: 'package', name: 'scdaemon' },
        data: { gpg: gpg.version, expected: expectedScdaemon },
        certainty: 'proven',
        evidence: [
          `gpg ${gpg.version} is at ${gpg.path}${expectedScdaemon === null ? '' : `; there is no ${expectedScdaemon}`}.`,
          ...(token === undefined ? [] : [`A token with an OpenPGP application is connected (${token.id}).`]),
          ...(configFile === undefined ? [] : [`${configFile.path} exists.`]),
        ],
        remedies: [install(host, 'scdaemon', 'Install scdaemon')],
      },
    ];
  },
});

const isOpenPgpToken = ({ id, ccidInterfaces }: UsbDevice): boolean => ccidInterfaces.length > 0 && openPgpVendors.includes(id.slice(0, 4));
