import { defineCheck, notApplicable } from '../src/check.ts';
import type { ScdaemonConfig } from '../src/snapshot/schema.ts';
import { noScdaemon } from './causes.ts';
import { shareReader } from './remedies.ts';
import { isAtLeast } from './versions.ts';

interface Idle {
  file: string;
  line: number | null;
  says: string;
}

export default defineCheck({
  code: 'CC203',
  needs: ['gnupg', 'scdaemonConfig'],
  about: ['gnupg', 'scdaemonConfig'],
  after: noScdaemon,
  check({ gnupg, scdaemonConfig }) {
    const { scdaemon } = gnupg;
    if (scdaemon === null) return notApplicable('scdaemon is not installed');
    const filterIsDropped = isAtLeast(scdaemon.version, '2.3.0') && scdaemon.internalCcid === true && scdaemonConfig.backend === 'pcsc';
    const idle = [
      ...sharedWithoutPcsc(scdaemonConfig),
      ...(filterIsDropped ? namedReader(scdaemonConfig) : []),
      ...deadOptions(scdaemonConfig),
      ...unusedLines(scdaemonConfig),
    ];
    return idle.map(({ file, line, says }) => ({
      subject: { kind: 'file', name: file },
      data: { file, line, says },
      certainty: 'proven',
      evidence: [`Read from ${file}${line === null ? '' : `, line ${line}`}.`],
      remedies: says === SHARED_OVER_USB ? shareReader(gnupg, scdaemon, scdaemonConfig) : [],
    }));
  },
});

const SHARED_OVER_USB = 'pcsc-shared does not make scdaemon share while its internal CCID driver is in use; it only makes it ask for the PIN more often';

const linesOf = ({ lines }: ScdaemonConfig, option: string) => lines.filter((line) => line.option === option);

const sharedWithoutPcsc = (config: ScdaemonConfig): Idle[] =>
  config.backend === 'usb-only' ? linesOf(config, 'pcsc-shared').map(({ file, line }) => ({ file, line, says: SHARED_OVER_USB })) : [];

/** A name without a colon goes through atoi() there and becomes reader 0 (GnuPG 2.4.8 scd/apdu.c, apdu_dev_list_start). */
const namedReader = (config: ScdaemonConfig): Idle[] =>
  linesOf(config, 'reader-port')
    .filter(({ value }) => value !== null && !value.includes(':') && !/^\d+$/.test(value))
    .map(({ file, line, value }) => ({ file, line, says: `reader-port ${value ?? ''} chooses nothing: this scdaemon takes a name without a colon for the number 0 and tries every reader` }));

/** Accepted by every version and read by no code (GnuPG 2.4.8: opt.card_timeout has no use). */
const deadOptions = (config: ScdaemonConfig): Idle[] =>
  linesOf(config, 'card-timeout').map(({ file, line }) => ({ file, line, says: 'card-timeout is accepted and does nothing' }));

const unused: Partial<Record<ScdaemonConfig['problems'][number]['effect'], true>> = { overridden: true, unreadable: true };

const unusedLines = ({ problems }: ScdaemonConfig): Idle[] => problems.filter(({ effect }) => unused[effect]).map(({ file, line, message }) => ({ file, line, says: message }));
