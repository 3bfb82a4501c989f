import type { ScdaemonConfig } from '../snapshot/schema.ts';
import { fallsBackToPcsc, type GnupgVersion, hasNoFallback } from './version.ts';

export interface BackendInputs {
  version: GnupgVersion | null;
  /** Built with the internal CCID driver; null: the build does not tell. */
  internalCcid: boolean | null;
  /** `disable-ccid` is in force. */
  disableCcid: boolean;
}

/**
 * How scdaemon reaches readers: over USB by itself, through pcscd, or the one and then the other
 * (GnuPG scd/apdu.c: apdu_open_reader in 2.3 and later, open_ccid_reader and open_pcsc_reader in 2.2).
 */
export function scdaemonBackend({ version, internalCcid, disableCcid }: BackendInputs): ScdaemonConfig['backend'] {
  if (disableCcid || internalCcid === false) return 'pcsc';
  if (internalCcid === null || version === null) return 'unknown';
  if (hasNoFallback(version)) return 'usb-only';
  return fallsBackToPcsc(version) ? 'usb-then-pcsc' : 'unknown';
}
