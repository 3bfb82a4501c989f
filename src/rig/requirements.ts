import { constants } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { RigError } from './rig-error.ts';

/** Which Debian package brings a program the rig runs. */
const packageOf = {
  pcscd: 'pcscd',
  unshare: 'util-linux',
  nsenter: 'util-linux',
  setpriv: 'util-linux',
  mount: 'mount',
  ip: 'iproute2',
  gpg: 'gnupg',
  gpgconf: 'gnupg',
  'gpg-connect-agent': 'gnupg',
} as const;

export type Program = keyof typeof packageOf;

/** An ordinary user's PATH often lacks the folders where pcscd and ip live. */
export const searchPath = [...new Set([...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'])].filter(
  (folder) => folder !== '',
);

const vpcdConfiguration = '/etc/reader.conf.d/vpcd';
const vpcdLibraries = ['/usr/lib/pcsc/drivers/serial/libifdvpcd.so', '/usr/local/lib/pcsc/drivers/serial/libifdvpcd.so'];

/** Absolute path of a program, or null. */
export async function findProgram(name: string, folders: readonly string[] = searchPath): Promise<string | null> {
  return firstReadable(
    folders.map((folder) => join(folder, name)),
    constants.X_OK,
  );
}

/** Path of vpcd, the reader driver of the vsmartcard project that speaks TCP instead of USB, or null. */
export async function findVpcd(): Promise<string | null> {
  const configured = await readFile(vpcdConfiguration, 'utf8').catch(() => '');
  const library = /^LIBPATH\s+(\S+)/m.exec(configured)?.[1];
  return firstReadable(library === undefined ? vpcdLibraries : [library, ...vpcdLibraries], constants.R_OK);
}

/**
 * @param vpcd whether the virtual reader driver is needed as well
 * @param folders where programs are looked for
 * @throws RigError naming what is missing and the one command that installs all of it
 */
export async function requirePrograms(programs: readonly Program[], vpcd: boolean, folders: readonly string[] = searchPath): Promise<void> {
  const missing = new Map<string, string>();
  for (const program of programs) {
    if ((await findProgram(program, folders)) === null) missing.set(program, packageOf[program]);
  }
  if (vpcd && (await findVpcd()) === null) missing.set('the virtual reader driver libifdvpcd.so', 'vsmartcard-vpcd');
  if (missing.size === 0) return;
  const packages = [...new Set(missing.values())].join(' ');
  throw new RigError(`not installed: ${[...missing.keys()].join(', ')}`, [`${process.getuid?.() === 0 ? '' : 'sudo '}apt-get install ${packages}`]);
}

async function firstReadable(paths: readonly string[], mode: number): Promise<string | null> {
  for (const path of paths) {
    const found = await access(path, mode).then(
      () => true,
      () => false,
    );
    if (found) return path;
  }
  return null;
}
