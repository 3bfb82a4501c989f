/** Whether pcscd turned us away, whatever for. */
import { valueOf } from '../src/snapshot/fact.ts';
import type { Fact, Facts, FactValue, Host } from '../src/snapshot/schema.ts';

/** A refused client's connection is closed unread, which the library calls SECURITY_VIOLATION (pcsc-lite src/winscard_svc.c, src/winscard_msg.c). */
export function refusal({ daemon, libraryContext }: Pick<Facts, 'daemon' | 'libraryContext'>): string | null {
  if (valueOf(libraryContext)?.code === 'SCARD_W_SECURITY_VIOLATION') return 'SCardEstablishContext returned SCARD_W_SECURITY_VIOLATION (0x8010006A).';
  return daemon.status === 'failed' && daemon.error.startsWith('connection-dropped:') ? 'pcscd closed our connection without an answer.' : null;
}

/** Nobody asked pcscd, so that it has not let anybody in either. */
export const wasNotAsked = ({ daemon }: Pick<Facts, 'daemon'>): boolean => daemon.status === 'skipped';

/** The flatpak around us that was not given pcscd's socket; null: none, or it was. Whether a pcscd runs outside cannot be seen from within. */
export function withheldFrom({ kind }: FactValue<'pcscdSocket'>, host: Fact<Host>): string | null {
  const flatpak = valueOf(host)?.flatpak ?? null;
  return kind === 'missing' && flatpak?.pcsc === false ? flatpak.app : null;
}
