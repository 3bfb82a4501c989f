import { ok, absent } from '../snapshot/fact.ts';
import type { Fact, Library } from '../snapshot/schema.ts';
import type { System } from '../system/port.ts';
import { attempt, defineCollector } from './collector.ts';
import { isAtLeast } from './version.ts';

/** Folders in /usr/lib of the architectures Debian and Node are built for. */
const TRIPLETS = ['x86_64-linux-gnu', 'aarch64-linux-gnu', 'i386-linux-gnu', 'arm-linux-gnueabihf', 'riscv64-linux-gnu', 'powerpc64le-linux-gnu', 's390x-linux-gnu'];
const SYSTEM_DIRS = [...TRIPLETS.map((triplet) => `/usr/lib/${triplet}`), '/usr/lib64', '/usr/lib', '/usr/lib32', '/lib64', '/lib'];
const LOCAL_DIRS = ['/usr/local/lib', '/usr/local/lib64', ...TRIPLETS.map((triplet) => `/usr/local/lib/${triplet}`)];
/** Folders of an application's or runtime's files that may hold libraries, on the architectures flatpak and snap serve. */
const BUNDLE_DIRS = ['lib', 'lib64', 'lib/x86_64-linux-gnu', 'lib/aarch64-linux-gnu'];
const MAX_ENTRIES = 100;
const FILE_LIMIT = 64 * 1024;

const LIBRARY = 'libpcsclite.so.1';
/** The client behind the redirector (pcsc-lite ≥ 2.1.0). */
const CLIENT = 'libpcsclite_real.so.1';
/** The original library, which pcsc-spy's setup_spy.sh puts aside to take its place. */
const PUT_ASIDE = 'libpcsclite_nospy.so.1';
const COMPANIONS = [CLIENT, PUT_ASIDE];

/** First version of pcsc-lite with each protocol (winscard_msg.h of its tags), latest first. */
const PROTOCOLS = [
  { since: '2.5.0', major: 4, minor: 6 },
  { since: '2.3.0', major: 4, minor: 5 },
  { since: '1.8.24', major: 4, minor: 4 },
  { since: '1.8.9', major: 4, minor: 3 },
  { since: '1.6.5', major: 4, minor: 2 },
  { since: '1.6.0', major: 4, minor: 0 },
];

/** The protocol that a version of libpcsclite or pcscd speaks first; null for one that cannot be told. */
export function protocolOf(version: string | null): Library['protocol'] {
  const found = version === null ? undefined : PROTOCOLS.find(({ since }) => isAtLeast(version, since));
  return found === undefined ? null : { major: found.major, minor: found.minor };
}

/** A folder to look into and whose its libraries are. */
interface Place {
  dir: string;
  owner: string;
  /** How the version of a library here can be learnt. */
  version: (system: System) => Promise<string | null>;
}

const names = (system: System, dir: string): Promise<string[]> => system.readDir(dir).then((entries) => entries.slice(0, MAX_ENTRIES), () => []);

/** The number without epoch and revision of a package: 2:1.9.9-2 is 1.9.9. */
const upstreamVersion = (text: string | undefined): string | null => /^(?:\d+:)?(\d+(?:\.\d+)+)/.exec(text ?? '')?.[1] ?? null;

async function readPlaces(system: System): Promise<Place[]> {
  const packaged = once(() => readPackageVersion(system));
  const unknown = async () => null;
  const opt = names(system, '/opt').then((apps) => apps.flatMap((app) => ['lib', 'lib64', '.'].map((dir) => ({ dir: `/opt/${app}/${dir}`, owner: `/opt/${app}`, version: unknown }))));
  const environment = (system.env('LD_LIBRARY_PATH') ?? '').split(':').filter((dir) => dir.startsWith('/')).slice(0, MAX_ENTRIES);
  const more = await Promise.all([readLinkerDirs(system), opt, readFlatpaks(system), readSnaps(system)]);
  const [linker, ...bundled] = more;
  return [
    ...environment.map((dir) => ({ dir, owner: 'LD_LIBRARY_PATH', version: () => readPkgConfig(system, dir) })),
    ...LOCAL_DIRS.map((dir) => ({ dir, owner: '/usr/local', version: () => readPkgConfig(system, dir) })),
    ...SYSTEM_DIRS.map((dir) => ({ dir, owner: 'system', version: async () => (await packaged()) ?? readPkgConfig(system, dir) })),
    ...linker.map((dir) => ({ dir, owner: 'ld.so.conf', version: () => readPkgConfig(system, dir) })),
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

/** Runtimes and applications of flatpak, of the system and of this user. */
async function readFlatpaks(system: System): Promise<Place[]> {
  const home = system.env('HOME');
  const roots = ['/var/lib/flatpak', ...(home === undefined ? [] : [`${home}/.local/share/flatpak`])];
  const places = await Promise.all(roots.map(async (root) => [...(await readRuntimes(system, `${root}/runtime`)), ...(await readApps(system, `${root}/app`))]));
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

async function readApps(system: System, folder: string): Promise<Place[]> {
  return (await names(system, folder)).flatMap((name) => bundlePlaces(`${folder}/${name}/current/active/files`, `flatpak ${name}`));
}

async function readSnaps(system: System): Promise<Place[]> {
  return (await names(system, '/snap')).filter((name) => name !== 'bin').flatMap((name) => bundlePlaces(`/snap/${name}/current/usr`, `snap ${name}`));
}

const bundlePlaces = (files: string, owner: string): Place[] => BUNDLE_DIRS.map((dir) => ({ dir: `${files}/${dir}`, owner, version: async () => null }));

// --- versions; the library's own file is called libpcsclite.so.1.0.0 in every version

/** Version of the pkg-config file beside the library, which only development packages and hand-built copies have. */
async function readPkgConfig(system: System, dir: string): Promise<string | null> {
  const text = await system.readFile(`${dir}/pkgconfig/libpcsclite.pc`, FILE_LIMIT).catch(() => '');
  return upstreamVersion(/^Version: *(\S+)/m.exec(text)?.[1]);
}

/** Version of the distribution's package, from the databases that can be read without running a program. */
async function readPackageVersion(system: System): Promise<string | null> {
  return (
    (await readListedVersion(system, '/var/lib/dpkg/status', '\nPackage: libpcsclite1\n', /^Version: (\S+)/m)) ??
    (await readListedVersion(system, '/lib/apk/db/installed', '\nP:pcsc-lite-libs\n', /^V:(\S+)/m)) ??
    (await readPacmanVersion(system))
  );
}

/** Bytes: of one step through a database, of an entry, and of a database at most. */
const STEP = 512 * 1024;
const ENTRY_LIMIT = 8 * 1024;
const DATABASE_LIMIT = 32 * 1024 * 1024;

/** Searches a database of paragraphs for one entry, step by step, so that no more than needed is read. */
async function readListedVersion(system: System, path: string, heading: string, version: RegExp): Promise<string | null> {
  for (let offset = 0; offset < DATABASE_LIMIT; offset += STEP) {
    // The steps overlap by an entry. The first heading has no line before it.
    const bytes = await system.readBytes(path, offset, STEP + ENTRY_LIMIT).catch(() => Buffer.alloc(0));
    const at = bytes.indexOf(heading);
    if (at !== -1) return upstreamVersion(version.exec(bytes.toString('utf8', at + 1, at + ENTRY_LIMIT).split('\n\n', 1)[0] ?? '')?.[1]);
    if (offset === 0 && bytes.indexOf(heading.slice(1)) === 0) return upstreamVersion(version.exec(bytes.toString('utf8', 0, ENTRY_LIMIT).split('\n\n', 1)[0] ?? '')?.[1]);
    if (bytes.length < STEP) return null;
  }
  return null;
}

async function readPacmanVersion(system: System): Promise<string | null> {
  const entries = await system.readDir('/var/lib/pacman/local').catch(() => []);
  return upstreamVersion(entries.find((name) => /^pcsclite-\d/.test(name))?.slice('pcsclite-'.length));
}

// --- copies

interface Copy {
  place: Place;
  path: string;
  realPath: string;
}

/** The other names are looked for only beside the library itself: few folders have it, and they make no sense alone. */
async function findCopies(system: System, place: Place): Promise<Copy[]> {
  const copy = async (name: string): Promise<Copy[]> => {
    const path = `${place.dir}/${name}`;
    const realPath = await system.realPath(path).catch(() => null);
    return realPath === null ? [] : [{ place, path, realPath }];
  };
  const library = await copy(LIBRARY);
  return library.length === 0 ? [] : [...library, ...(await Promise.all(COMPANIONS.map(copy))).flat()];
}

function kindOf({ path, realPath }: Copy, copies: readonly Copy[]): Library['kind'] {
  if (/\/libpcscspy\./.test(realPath)) return 'spy';
  if (!path.endsWith(`/${LIBRARY}`)) return 'client';
  const dir = path.slice(0, path.lastIndexOf('/'));
  return copies.some((copy) => copy.path === `${dir}/${CLIENT}`) ? 'redirector' : 'client';
}

async function readLibrary(system: System, copy: Copy, copies: readonly Copy[]): Promise<Library> {
  const version = await copy.place.version(system);
  const putAside = copy.path.endsWith(`/${PUT_ASIDE}`);
  return {
    path: copy.path,
    realPath: copy.realPath,
    kind: kindOf(copy, copies),
    version,
    protocol: protocolOf(version),
    owner: putAside ? 'put aside by pcsc-spy\'s setup_spy.sh' : copy.place.owner,
  };
}

async function readLibraries(system: System): Promise<Fact<Library[]>> {
  if (system.platform === 'darwin') return absent('macOS has no libpcsclite');
  const places = await readPlaces(system);
  const copies = (await Promise.all(places.map((place) => findCopies(system, place)))).flat();
  const distinct = copies.filter(({ realPath }, index) => copies.findIndex((other) => other.realPath === realPath) === index);
  return ok(await Promise.all(distinct.map((copy) => readLibrary(system, copy, copies))), 'folders of libraries');
}

/** Every copy of libpcsclite that programs of this user may load. */
export default defineCollector({
  name: 'libraries',
  facts: ['libraries'],
  collect: async (system) => ({ libraries: await attempt(() => readLibraries(system)) }),
});
