/**
 * Other generations of pcscd than the installed one, from Debian's own packages: fetched once with apt into a
 * folder of the user's cache, unpacked there and never installed.
 *   node bin/ts.js test/support/pcscd-generations.ts     fetches all of them and says which versions they are
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'cardcheck');
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
const packages = ['pcscd', 'vsmartcard-vpcd'];
const mergedFolders = ['bin', 'sbin', 'lib', 'lib64'];

export const generations = ['installed', 'bookworm', 'trixie', 'sid'] as const;
export type Generation = (typeof generations)[number];

/**
 * A program to give to the rig as its pcscd; undefined for the installed one. Fetches it when it is not there yet.
 * @throws Error when apt cannot fetch it
 */
export async function pcscdOf(generation: Generation): Promise<string | undefined> {
  if (generation === 'installed') return undefined;
  const folder = join(cache, `pcscd-${generation}`);
  if (!existsSync(folder)) await fetchInto(folder, generation);
  return join(folder, 'pcscd');
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

/** Made aside and renamed, so that a half-fetched one is never taken for whole. */
async function fetchInto(folder: string, suite: string): Promise<void> {
  const building = `${folder}.${process.pid}`;
  try {
    await download(join(building, 'apt'), suite);
    await unpack(join(building, 'apt'), join(building, 'root'));
    await writeStarter(join(building, 'pcscd'), join(folder, 'root'));
    await rm(join(building, 'apt'), { recursive: true });
    await rename(building, folder);
  } catch (error) {
    await rm(building, { recursive: true, force: true });
    // Somebody else's may have been ready first.
    if (!existsSync(folder)) throw error;
  }
}

/** The Debian archive that this machine's own packages come from. */
async function archive(): Promise<string> {
  const { stdout } = await run('apt-get', ['indextargets', '--format', '$(LABEL) $(REPO_URI)', 'Identifier: Packages']);
  const found = /^Debian (\S+)$/m.exec(stdout)?.[1];
  if (found === undefined) throw new Error('apt knows no Debian archive on this machine; `apt-get update` first');
  return found;
}

/** apt with lists, cache and state of its own: what is installed here neither counts nor changes. */
async function download(apt: string, suite: string): Promise<void> {
  for (const name of ['lists/partial', 'cache/archives/partial']) await mkdir(join(apt, name), { recursive: true });
  await writeFile(join(apt, 'sources.list'), `deb [signed-by=${keyring}] ${await archive()} ${suite} main\n`);
  await writeFile(join(apt, 'status'), '');
  const settings = {
    'Dir::Etc::SourceList': join(apt, 'sources.list'),
    'Dir::Etc::SourceParts': '/dev/null',
    'Dir::State::Lists': join(apt, 'lists'),
    'Dir::State::Status': join(apt, 'status'),
    'Dir::Cache': join(apt, 'cache'),
    'APT::Install-Recommends': 'false',
    // A mirror may be behind; what it has is signed all the same.
    'Acquire::Check-Valid-Until': 'false',
    'APT::Sandbox::User': '',
    'Debug::NoLocking': 'true',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  await run('apt-get', [...options, '-qq', 'update']);
  await run('apt-get', [...options, '-qq', '--yes', '--download-only', 'install', ...packages], { maxBuffer: 16 * 1024 * 1024 });
}

async function unpack(apt: string, root: string): Promise<void> {
  const archives = join(apt, 'cache/archives');
  await mkdir(root, { recursive: true });
  for (const name of await readdir(archives)) {
    if (name.endsWith('.deb')) await run('dpkg-deb', ['--extract', join(archives, name), root]);
  }
  // The base-files package, which makes these, is not everywhere among the dependencies.
  for (const name of mergedFolders) if (!existsSync(join(root, name))) await symlink(`usr/${name}`, join(root, name));
  for (const name of ['dev', 'proc', 'run', 'tmp']) await mkdir(join(root, name), { recursive: true });
}

/** Runs it in its own root, with the /run, /proc and /dev of where it is started, and mounts that nobody else sees. */
async function writeStarter(path: string, root: string): Promise<void> {
  const inside = `for folder in run proc dev; do mount --rbind /$folder "$0/$folder"; done; exec chroot "$0" /usr/sbin/pcscd "$@"`;
  await writeFile(path, `#!/bin/sh\nexec unshare --mount sh -ec '${inside}' '${root}' "$@"\n`);
  await chmod(path, 0o755);
}

if (process.argv[1]?.endsWith('pcscd-generations.js') === true) {
  for (const generation of generations) {
    const { stdout } = await run((await pcscdOf(generation)) ?? 'pcscd', ['--version']);
    process.stdout.write(`${generation}: ${stdout.split('\n')[0]}\n`);
  }
}
