/** Copies of libpcsclite: who loads which, and what pcscd accepts. */
import type { Library } from '../src/snapshot/schema.ts';
import { isAtLeast } from './versions.ts';

/** Places from which the dynamic linker serves any program; a bundled copy serves its bundle alone. */
const loadableFrom = ['system', '/usr/local', 'LD_LIBRARY_PATH', 'ld.so.conf'];
export const isLoadable = ({ owner }: Library): boolean => owner === null || loadableFrom.includes(owner);

/** "4:4" */
export const speaks = (library: Library | undefined): string | null => (library?.protocol ? `${library.protocol.major}:${library.protocol.minor}` : null);

/** pcsc-lite ChangeLog: 4:4 alone up to 2.2.3, 4:5 alone from 2.3.0, any 4:4 and later from 2.4.1. @param pcscd its version */
export function accepts(pcscd: string, { protocol }: Library): boolean {
  if (protocol === null) return true;
  if (protocol.major !== 4) return false;
  if (isAtLeast(pcscd, '2.4.1')) return protocol.minor >= 4;
  if (isAtLeast(pcscd, '2.3.0')) return protocol.minor === 5;
  return isAtLeast(pcscd, '1.8.24') ? protocol.minor === 4 : true;
}
