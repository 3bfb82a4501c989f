import { defineCheck, notApplicable } from '../src/check.ts';
import { valueOf } from '../src/snapshot/fact.ts';
import type { ScdaemonConfig } from '../src/snapshot/schema.ts';
import { noScdaemon, noService } from './causes.ts';
import { shareReader } from './remedies.ts';

/** How scdaemon will go to the reader, where that leaves no room for another program. */
const accessOf = ({ backend, shareMode }: ScdaemonConfig): 'usb' | 'usb-first' | 'usb-or-exclusive' | 'exclusive' | null =>
  ({
    'usb-only': 'usb' as const,
    'usb-then-pcsc': shareMode === 'exclusive' ? ('usb-or-exclusive' as const) : ('usb-first' as const),
    pcsc: shareMode === 'exclusive' ? ('exclusive' as const) : null,
    unknown: null,
  })[backend];

export default defineCheck({
  code: 'CC201',
  needs: ['gnupg', 'scdaemonConfig', 'holdings'],
  wants: ['pcscdProcesses', 'pcscdSocket'],
  about: ['gnupg', 'scdaemonConfig'],
  after: [...noService, ...noScdaemon, 'scdaemon-config-not-active', 'multiple-scdaemon', 'scdaemon-holds-card', 'other-client-blocks-scdaemon', 'ccid-vs-pcscd'],
  check({ gnupg, scdaemonConfig, holdings, pcscdProcesses, pcscdSocket }) {
    const { scdaemon } = gnupg;
    if (scdaemon === null) return notApplicable('scdaemon is not installed');
    if (holdings.length === 0) return notApplicable('no reader is connected');
    const hasPcscd = (valueOf(pcscdProcesses) ?? []).length > 0 || valueOf(pcscdSocket)?.kind === 'socket';
    if (!hasPcscd) return notApplicable('nothing but GnuPG can use the reader: there is no pcscd');
    const access = accessOf(scdaemonConfig);
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
