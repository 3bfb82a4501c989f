import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { scdaemonBackend } from '../gnupg/backend.ts';
import { parseOptionTable } from '../gnupg/option-table.ts';
import { parseVersion, versionInBanner } from '../gnupg/version.ts';
import { findPart } from '../rig/requirements.ts';

/**
 * The lines without which scdaemon would not come near a virtual reader: none, but where its own CCID driver is the
 * only way it knows (GnuPG 2.3 and later, built with it), because that driver looks at USB alone.
 * @returns the lines, and a sentence for the user when there are any
 */
export async function defaultScdaemonConf(): Promise<{ lines: string[]; why: string | null }> {
  const scdaemon = await findPart('scdaemon');
  if (scdaemon === null) return { lines: [], why: null };
  const ask = async (option: string): Promise<string> => (await promisify(execFile)(scdaemon, [option], { timeout: 5000 }).catch(() => ({ stdout: '' }))).stdout;
  const version = parseVersion(versionInBanner(await ask('--version')) ?? '');
  const disableCcid = parseOptionTable(await ask('--dump-option-table'))?.get('disable-ccid');
  // "@" in place of a description: built without the driver (GnuPG scd/scdaemon.c).
  const internalCcid = disableCcid === undefined ? null : disableCcid.description !== '' && disableCcid.description !== '@';
  if (scdaemonBackend({ version, internalCcid, disableCcid: false }) !== 'usb-only') return { lines: [], why: null };
  return {
    lines: ['disable-ccid'],
    why: `this scdaemon (${version?.join('.')}) uses pcscd only with disable-ccid, so scdaemon.conf gets that line and no other`,
  };
}
