import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { parseComponents } from '../gnupg/gpgconf.ts';
import { RigError } from './rig-error.ts';

/** An ordinary user's PATH often lacks the folders where pcscd and ip live. */
export const searchPath = [...new Set([...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'])].filter(
  (folder) => folder !== '',
);

const vpcdConfiguration = '/etc/reader.conf.d/vpcd';
const vpcdLibraries = ['/usr/lib/pcsc/drivers/serial/libifdvpcd.so', '/usr/local/lib/pcsc/drivers/serial/libifdvpcd.so'];

/** Absolute path of a part, or null. */
type Finder = (folders: readonly string[]) => Promise<string | null>;

const program =
  (name: string): Finder =>
  (folders) =>
    firstUsable(
      folders.map((folder) => join(folder, name)),
      constants.X_OK,
    );

/** vpcd, the reader driver of the vsmartcard project that speaks TCP instead of USB, where its own configuration says it is. */
const vpcd: Finder = async () => {
  const configured = await readFile(vpcdConfiguration, 'utf8').catch(() => '');
  const library = /^LIBPATH\s+(\S+)/m.exec(configured)?.[1];
  return firstUsable(library === undefined ? vpcdLibraries : [library, ...vpcdLibraries], constants.R_OK);
};

/** scdaemon lies outside PATH; gpgconf says where, whether it is installed or not. */
const scdaemon: Finder = async () => {
  const { stdout } = await promisify(execFile)('gpgconf', ['--list-components'], { timeout: 5000 }).catch(() => ({ stdout: '' }));
  const path = parseComponents(stdout).get('scdaemon');
  return path === undefined ? null : firstUsable([path], constants.X_OK);
};

/** What a rig or a demonstration is made of: how it is called, which Debian package brings it, where it is. */
const parts = {
  pcscd: { name: 'pcscd', debian: 'pcscd', find: program('pcscd') },
  vpcd: { name: 'the virtual reader driver (libifdvpcd.so)', debian: 'vsmartcard-vpcd', find: vpcd },
  unshare: { name: 'unshare', debian: 'util-linux', find: program('unshare') },
  nsenter: { name: 'nsenter', debian: 'util-linux', find: program('nsenter') },
  setpriv: { name: 'setpriv', debian: 'util-linux', find: program('setpriv') },
  mount: { name: 'mount', debian: 'mount', find: program('mount') },
  ip: { name: 'ip', debian: 'iproute2', find: program('ip') },
  gpg: { name: 'gpg', debian: 'gnupg', find: program('gpg') },
  gpgconf: { name: 'gpgconf', debian: 'gnupg', find: program('gpgconf') },
  scdaemon: { name: 'scdaemon', debian: 'scdaemon', find: scdaemon },
} as const satisfies Record<string, { name: string; debian: string; find: Finder }>;

export type Part = keyof typeof parts;

/** Absolute path of a part of the machine, or null. */
export function findPart(part: Part): Promise<string | null> {
  return parts[part].find(searchPath);
}

/**
 * @param folders where programs are looked for
 * @throws RigError naming what is missing and the one command that installs all of it
 */
export async function requireParts(wanted: readonly Part[], folders: readonly string[] = searchPath): Promise<void> {
  const found = await Promise.all(wanted.map(async (part) => ({ ...parts[part], path: await parts[part].find(folders) })));
  const missing = found.filter(({ path }) => path === null);
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map(({ debian }) => debian))].join(' ');
  throw new RigError(`this needs what is not installed here: ${missing.map(({ name }) => name).join(', ')}`, [`to install it: ${process.getuid?.() === 0 ? '' : 'sudo '}apt-get install ${packages}`]);
}

async function firstUsable(paths: readonly string[], mode: number): Promise<string | null> {
  for (const path of paths) {
    const isUsable = await access(path, mode).then(
      () => true,
      () => false,
    );
    if (isUsable) return path;
  }
  return null;
}
