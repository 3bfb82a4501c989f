/** What the installed scdaemon would do with a reader, from its version, its build and its configuration. */
import type { ReaderReport } from '../src/report/schema.ts';
import type { Gnupg, Scdaemon, ScdaemonConfig } from '../src/snapshot/schema.ts';
import { isAtLeast, isWithin } from './versions.ts';

export type InstalledScdaemon = NonNullable<Gnupg['scdaemon']>;
type Holder = ReaderReport['holders'][number];

/** It connects EXCLUSIVE wherever it reaches a reader that pcscd has. */
export const connectsExclusive = ({ backend, shareMode }: ScdaemonConfig): boolean =>
  (backend === 'pcsc' || backend === 'usb-then-pcsc') && shareMode === 'exclusive';

/** GnuPG NEWS: pcsc-shared came with 2.3.0 and was carried back to 2.2.28. What the program itself says counts for more. */
export const knowsPcscShared = ({ knowsPcscShared: said, version }: InstalledScdaemon): boolean =>
  said ?? (isAtLeast(version, '2.3.0') || isWithin(version, '2.2.28', '2.2.999'));

/**
 * The lines that this scdaemon still needs to live beside other PC/SC programs; null when it cannot.
 * Both, where the internal driver is built in: either alone only moves the fight.
 */
export function linesToShare(scdaemon: InstalledScdaemon, config: ScdaemonConfig): string[] | null {
  if (!knowsPcscShared(scdaemon)) return null;
  const lines = [];
  if (scdaemon.internalCcid !== false && !config.disableCcid) lines.push('disable-ccid');
  if (!config.pcscShared) lines.push('pcsc-shared');
  return lines;
}

export const isScdaemon = (holder: Holder, scdaemons: readonly Scdaemon[]): boolean =>
  holder.command === 'scdaemon' || scdaemons.some(({ process }) => process.pid === holder.pid);
