/** The folders in which copies of libpcsclite may lie: shallow and bounded, no search. */
import type { System } from '../system/port.ts';
import { examinedUser } from './gnupg-user.ts';
import { readPackageVersion, readPkgConfig } from './library-versions.ts';

/** Folders in /usr/lib of the architectures Debian and Node are built for. */
const TRIPLETS = ['x86_64-linux-gnu', 'aarch64-linux-gnu', 'i386-linux-gnu', 'arm-linux-gnueabihf', 'riscv64-linux-gnu', 'powerpc64le-linux-gnu', 's390x-linux-gnu'];
const SYSTEM_DIRS = [...TRIPLETS.map((triplet) => `/usr/lib/${triplet}`), '/usr/lib64', '/usr/lib', '/usr/lib32', '/lib64', '/lib', '/run/current-system/sw/lib'];
const LOCAL_DIRS = ['/usr/local/lib', '/usr/local/lib64', ...TRIPLETS.map((triplet) => `/usr/local/lib/${triplet}`)];
const HOMEBREW_DIR = '/home/linuxbrew/.linuxbrew/lib';
/** Folders of an application's or runtime's files that may hold libraries, on the architectures flatpak and snap serve. */
const BUNDLE_DIRS = ['lib', 'lib64', 'lib/x86_64-linux-gnu', 'lib/aarch64-linux-gnu'];
const SNAP_ROOTS = ['/snap', '/var/lib/snapd/snap'];
const MAX_ENTRIES = 100;
const FILE_LIMIT = 64 * 1024;
const MOUNTS_LIMIT = 1024 * 1024;

/** A folder to look into and whose its libraries are. */
export interface Place {
  dir: string;
  owner: string;
  /** How the version of a library here can be learnt, besides from its file. */
  version: (system: System) => Promise<string | null>;
}

const unknown = async () => null;
const names = (system: System, dir: string): Promise<string[]> => system.readDir(dir).then((entries) => entries.slice(0, MAX_ENTRIES), () => []);
const bundlePlaces = (files: string, owner: string): Place[] => BUNDLE_DIRS.map((dir) => ({ dir: `${files}/${dir}`, owner, version: unknown }));
/** One whose hand-built copies leave a pkg-config file. */
const builtPlace = (dir: string, owner: string): Place => ({ dir, owner, version: (system) => readPkgConfig(system, dir) });

/** In the order in which the dynamic linker looks; what is bundled comes last. */
export async function readPlaces(system: System): Promise<Place[]> {
  const packaged = once(() => readPackageVersion(system));
  const environment = (system.env('LD_LIBRARY_PATH') ?? '').split(':').filter((dir) => dir.startsWith('/')).slice(0, MAX_ENTRIES);
  const [linker, ...bundled] = await Promise.all([readLinkerDirs(system), readOpt(system), readFlatpaks(system), readSnaps(system), readAppImages(system)]);
  return [
    ...environment.map((dir) => builtPlace(dir, 'LD_LIBRARY_PATH')),
    ...LOCAL_DIRS.map((dir) => builtPlace(dir, '/usr/local')),
    ...SYSTEM_DIRS.map((dir) => ({ dir, owner: 'system', version: async () => (await packaged()) ?? readPkgConfig(system, dir) })),
    ...linker.map((dir) => builtPlace(dir, 'ld.so.conf')),
    builtPlace(HOMEBREW_DIR, 'Homebrew'),
    ...bundled.flat(),
  ];
}

function once<T>(read: () => Promise<T>): () => Promise<T> {
  let known: Promise<T> | undefined;
  return () => (known ??= read());
}

/** Further folders of the dynamic linker, from /etc/ld.so.conf.d (ldconfig(8)). */
async function readLinkerDirs(system: System): Promise<string[]> {
  const folder = '/etc/ld.so.conf.d';
  const texts = await Promise.all((await names(system, folder)).map((name) => system.readFile(`${folder}/${name}`, FILE_LIMIT).catch(() => '')));
  const dirs = texts.flatMap((text) => text.split('\n').map((line) => line.trim())).filter((line) => line.startsWith('/'));
  return [...new Set(dirs)].slice(0, MAX_ENTRIES);
}

async function readOpt(system: System): Promise<Place[]> {
  return (await names(system, '/opt')).flatMap((app) => ['lib', 'lib64', '.'].map((dir) => ({ dir: `/opt/${app}/${dir}`, owner: `/opt/${app}`, version: unknown })));
}

/** Runtimes and applications of flatpak, of the system and of this user, who may have come through sudo. */
async function readFlatpaks(system: System): Promise<Place[]> {
  const { home } = await examinedUser(system);
  const roots = ['/var/lib/flatpak', ...(home === null ? [] : [`${home}/.local/share/flatpak`])];
  const places = await Promise.all(roots.map(async (root) => [...(await readRuntimes(system, `${root}/runtime`)), ...(await readFlatpakApps(system, `${root}/app`))]));
  return places.flat();
}

/** Only platforms carry libraries for all applications; the rest are extensions, locales and drivers. */
async function readRuntimes(system: System, folder: string): Promise<Place[]> {
  const platforms = (await names(system, folder)).filter((name) => name.endsWith('.Platform'));
  const builds = await Promise.all(
    platforms.map(async (name) => {
      const archs = await names(system, `${folder}/${name}`);
      const branches = await Promise.all(archs.map(async (arch) => (await names(system, `${folder}/${name}/${arch}`)).map((branch) => ({ name, branch, files: `${folder}/${name}/${arch}/${branch}/active/files` }))));
      return branches.flat();
    }),
  );
  return builds.flat().slice(0, MAX_ENTRIES).flatMap(({ name, branch, files }) => bundlePlaces(files, `flatpak runtime ${name} ${branch}`));
}

async function readFlatpakApps(system: System, folder: string): Promise<Place[]> {
  return (await names(system, folder)).flatMap((name) => bundlePlaces(`${folder}/${name}/current/active/files`, `flatpak ${name}`));
}

async function readSnaps(system: System): Promise<Place[]> {
  const places = await Promise.all(SNAP_ROOTS.map(async (root) => (await names(system, root)).filter((name) => name !== 'bin').flatMap((name) => bundlePlaces(`${root}/${name}/current/usr`, `snap ${name}`))));
  return places.flat();
}

/** A running AppImage mounts itself as /tmp/.mount_NAMExxxxxx (AppImageKit src/runtime.c); others than its user may not look in. */
async function readAppImages(system: System): Promise<Place[]> {
  const mounts = await system.readFile('/proc/self/mounts', MOUNTS_LIMIT).catch(() => '');
  const points = mounts.split('\n').flatMap((line) => /^\S+ (\/\S*\/\.mount_\S+) fuse\./.exec(line)?.[1] ?? []);
  return points.slice(0, MAX_ENTRIES).flatMap((point) => bundlePlaces(`${point}/usr`, `AppImage ${point.slice(point.lastIndexOf('/.mount_') + '/.mount_'.length).replace(/.{6}$/, '')}`));
}
