import { defineCheck, notApplicable } from '../src/check.ts';
import { valueOf } from '../src/snapshot/fact.ts';
import type { ScdaemonConfig } from '../src/snapshot/schema.ts';
import { noScdaemon, noService } from './causes.ts';
import { shareReader } from './remedies.ts';

type Access = 'usb' | 'usb-first' | 'usb-or-exclusive' | 'exclusive';

/** How scdaemon will go to the reader, where that leaves no room for another program. @param onUsb a reader is a USB device */
function accessOf({ backend, shareMode }: ScdaemonConfig, onUsb: boolean): Access | null {
  const throughPcsc: Access | null = shareMode === 'exclusive' ? 'exclusive' : null;
  const usbFirst: Access = shareMode === 'exclusive' ? 'usb-or-exclusive' : 'usb-first';
  return ({ 'usb-only': 'usb', 'usb-then-pcsc': onUsb ? usbFirst : throughPcsc, pcsc: throughPcsc, unknown: null } as const)[backend];
}

export default defineCheck({
  code: 'CC201',
  needs: ['gnupg', 'scdaemonConfig', 'holdings'],
  wants: ['usbDevices', 'pcscdProcesses', 'pcscdSocket'],
  about: ['gnupg', 'scdaemonConfig'],
  after: [...noService, ...noScdaemon, 'scdaemon-config-not-active', 'multiple-scdaemon', 'scdaemon-holds-card', 'other-client-blocks-scdaemon', 'ccid-vs-pcscd', 'other-client-holds-card', 'other-client-holds-transaction'],
  check({ gnupg, scdaemonConfig, holdings, usbDevices, pcscdProcesses, pcscdSocket }) {
    const { scdaemon } = gnupg;
    if (scdaemon === null) return notApplicable('scdaemon is not installed');
    if (holdings.length === 0) return notApplicable('no reader is connected');
    const hasPcscd = (valueOf(pcscdProcesses) ?? []).length > 0 || valueOf(pcscdSocket)?.kind === 'socket';
    if (!hasPcscd) return notApplicable('nothing but GnuPG can use the reader: there is no pcscd');
    const access = accessOf(scdaemonConfig, (valueOf(usbDevices) ?? []).length > 0);
    if (access === null) return [];
    return [
      {
        subject: { kind: 'process', name: 'scdaemon' },
        data: { version: scdaemon.version, access },
        certainty: 'proven',
        evidence: [
          `scdaemon ${scdaemon.version} ${scdaemon.internalCcid === true ? 'has the internal CCID driver' : 'has no internal CCID driver'}; disable-ccid is ${scdaemonConfig.disableCcid ? '' : 'not '}in force, pcsc-shared is ${scdaemonConfig.pcscShared ? '' : 'not '}in force.`,
        ],
        remedies: shareReader(gnupg, scdaemon, scdaemonConfig),
      },
    ];
  },
});
