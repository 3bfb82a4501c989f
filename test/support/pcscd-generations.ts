/**
 * Other generations of pcscd than the installed one, from Debian's own packages: fetched once with apt into a
 * folder of the user's cache, unpacked there and never installed.
 *   node bin/ts.js test/support/pcscd-generations.ts     fetches all of them and says which versions they are
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cache, fetchInto } from './debian-packages.ts';

const run = promisify(execFile);

const packages = ['pcscd', 'vsmartcard-vpcd'];

export const generations = ['installed', 'bookworm', 'trixie', 'sid'] as const;
export type Generation = (typeof generations)[number];

/**
 * A program to give to the rig as its pcscd; undefined for the installed one. Fetches it when it is not there yet.
 * @throws Error when apt cannot fetch it
 */
export async function pcscdOf(generation: Generation): Promise<string | undefined> {
  return generation === 'installed' ? undefined : join(await fetched(cache, generation), 'pcscd');
}

/**
 * A folder that holds `pcscd-GENERATION` of each, for another architecture; it may be lent to a machine of that.
 * @param architecture as dpkg calls it
 * @throws Error when apt cannot fetch them
 */
export async function pcscdsFor(architecture: string): Promise<string> {
  const folder = join(cache, architecture);
  for (const generation of generations) if (generation !== 'installed') await fetched(folder, generation, architecture);
  return folder;
}

async function fetched(parent: string, suite: string, architecture?: string): Promise<string> {
  const folder = join(parent, `pcscd-${suite}`);
  if (!existsSync(folder)) await fetchInto(folder, { suite, names: packages, ...(architecture === undefined ? {} : { architecture }) }, (building) => writeStarter(join(building, 'pcscd')));
  return folder;
}

/**
 * The files of its libpcsclite, the one that speaks to pcscd last; before it, from 2.0 on, stands a redirector.
 * @throws Error when apt cannot fetch it
 */
export async function libraryOf(generation: Exclude<Generation, 'installed'>): Promise<string[]> {
  await pcscdOf(generation);
  const lib = join(cache, `pcscd-${generation}`, 'root/usr/lib');
  const folder = (await readdir(lib)).map((name) => join(lib, name)).find((name) => existsSync(join(name, 'libpcsclite.so.1')));
  if (folder === undefined) throw new Error(`${lib} holds no libpcsclite`);
  return ['libpcsclite.so.1', 'libpcsclite_real.so.1'].map((name) => join(folder, name)).filter((path) => existsSync(path));
}

/** Runs it in the root beside it, with the /run, /proc and /dev of where it is started, and mounts that nobody else sees. */
async function writeStarter(path: string): Promise<void> {
  const inside = `for folder in run proc dev; do mount --rbind /$folder "$0/$folder"; done; exec chroot "$0" /usr/sbin/pcscd "$@"`;
  await writeFile(path, `#!/bin/sh\nexec unshare --mount sh -ec '${inside}' "$(dirname "$0")/root" "$@"\n`);
  await chmod(path, 0o755);
}

if (process.argv[1]?.endsWith('pcscd-generations.js') === true) {
  for (const generation of generations) {
    const { stdout } = await run((await pcscdOf(generation)) ?? 'pcscd', ['--version']);
    process.stdout.write(`${generation}: ${stdout.split('\n')[0]}\n`);
  }
}
