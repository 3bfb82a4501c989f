/** Debian's own packages of any suite and architecture: fetched with apt and unpacked, never installed. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Where everything fetched is kept; it is fetched again when it is gone. */
export const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'cardcheck');
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
const mergedFolders = ['bin', 'sbin', 'lib', 'lib64'];

export interface Packages {
  suite: string;
  /** As dpkg calls it; default this machine's. */
  architecture?: string;
  names: readonly string[];
  /** Whether apt is to know their sources too. */
  source?: boolean;
}

/**
 * Makes `folder`, with the packages and all that they depend on unpacked into `folder/root`.
 * @param finish adds to the folder before it takes its place
 * @throws Error when apt cannot fetch them
 */
export async function fetchInto(folder: string, packages: Packages, finish: (building: string) => Promise<void> = async () => {}): Promise<void> {
  // Made aside and renamed, so that a half-fetched one is never taken for whole.
  const building = `${folder}.${process.pid}`;
  try {
    const options = await ownApt(join(building, 'apt'), packages);
    await run('apt-get', [...options, '-qq', '--yes', '--download-only', 'install', ...packages.names], { maxBuffer: 16 * 1024 * 1024 });
    await unpack(join(building, 'apt'), join(building, 'root'));
    await finish(building);
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

/** Options for an apt with lists, cache and state of its own, up to date: what is installed here neither counts nor changes. */
export async function ownApt(apt: string, { suite, architecture, source = false }: Omit<Packages, 'names'>): Promise<string[]> {
  for (const name of ['lists/partial', 'cache/archives/partial']) await mkdir(join(apt, name), { recursive: true });
  const origin = `[signed-by=${keyring}] ${await archive()} ${suite} main`;
  await writeFile(join(apt, 'sources.list'), ['deb', ...(source ? ['deb-src'] : [])].map((kind) => `${kind} ${origin}\n`).join(''));
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
    ...(architecture === undefined ? {} : { 'APT::Architecture': architecture, 'APT::Architectures': architecture }),
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  await run('apt-get', [...options, '-qq', 'update']);
  return options;
}

async function unpack(apt: string, root: string): Promise<void> {
  const archives = join(apt, 'cache/archives');
  await mkdir(root, { recursive: true });
  for (const name of await readdir(archives)) {
    if (name.endsWith('.deb')) await run('dpkg-deb', ['--extract', join(archives, name), root]);
  }
  // The base-files package, which makes these, is not everywhere among the dependencies.
  for (const name of mergedFolders) if (!existsSync(join(root, name))) await symlink(`usr/${name}`, join(root, name));
  for (const name of ['dev', 'proc', 'run', 'tmp', 'sys', 'opt']) await mkdir(join(root, name), { recursive: true });
}
