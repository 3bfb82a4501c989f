import { agreesWith, type Protocol, protocolOf } from '../pcsc/compatibility.ts';
import { type LibraryImage, readLibraryImage } from '../pcsc/library-image.ts';
import { absent, ok } from '../snapshot/fact.ts';
import type { Fact, Library } from '../snapshot/schema.ts';
import type { System } from '../system/port.ts';
import { attempt, defineCollector } from './collector.ts';
import { type Place, readPlaces } from './library-places.ts';
import { findUsedCopies, LIBRARY_LIMIT, type UsedCopy, userOf } from './library-users.ts';

const LIBRARY = 'libpcsclite.so.1';
/** The client behind the redirector (pcsc-lite ≥ 2.1.0). */
const CLIENT = 'libpcsclite_real.so.1';
/** The original library, which pcsc-spy's setup_spy.sh puts aside to take its place. */
const PUT_ASIDE = 'libpcsclite_nospy.so.1';
const COMPANIONS = [CLIENT, PUT_ASIDE];

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

function kindOf({ path, realPath }: Copy, copies: readonly Copy[], image: LibraryImage | null): Library['kind'] {
  if (/\/libpcscspy\./.test(realPath)) return 'spy';
  if (image !== null) return image.role;
  if (!path.endsWith(`/${LIBRARY}`)) return 'client';
  const dir = path.slice(0, path.lastIndexOf('/'));
  return copies.some((copy) => copy.path === `${dir}/${CLIENT}`) ? 'redirector' : 'client';
}

/** What is known of a library by its file, which is certain, and by the version it is said to be. */
function learnt(image: LibraryImage | null, told: string | null): Pick<Library, 'version' | 'protocol' | 'protocolFrom' | 'adapts' | 'slots'> {
  const seen: Protocol | null = image?.protocol ?? null;
  const version = agreesWith(told, seen) ? told : null;
  const protocol = seen ?? protocolOf(version);
  return { version, protocol, protocolFrom: protocol === null ? null : seen === null ? 'version' : 'file', adapts: image?.adapts ?? null, slots: image?.slots ?? null };
}

async function readLibrary(system: System, copy: Copy, copies: readonly Copy[], used: readonly UsedCopy[]): Promise<Library> {
  const [version, image, inode] = await Promise.all([
    copy.place.version(system),
    system.readBytes(copy.realPath, 0, LIBRARY_LIMIT).then(readLibraryImage, () => null),
    used.length === 0 ? null : system.stat(copy.realPath).then((stat) => stat.inode, () => null),
  ]);
  const putAside = copy.path.endsWith(`/${PUT_ASIDE}`);
  return {
    path: copy.path,
    realPath: copy.realPath,
    kind: kindOf(copy, copies, image),
    ...learnt(image, version),
    owner: putAside ? 'put aside by pcsc-spy\'s setup_spy.sh' : copy.place.owner,
    users: used.filter(({ file }) => file !== null && file.inode === inode && baseName(file.path) === baseName(copy.realPath)).map(({ process }) => userOf(process)),
  };
}

const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** Copies in use that lie in none of the known folders, or are no file of their own. */
function elsewhere(used: readonly UsedCopy[], found: readonly Library[]): Library[] {
  const accounted = new Set(found.flatMap(({ users, realPath }) => users.map(({ pid }) => `${pid} ${baseName(realPath)}`)));
  const rest = used.filter(({ file, process }) => file === null || !accounted.has(`${process.pid} ${baseName(file.path)}`));
  const byFile = new Map<string, UsedCopy[]>();
  for (const copy of rest) {
    const key = `${pathOf(copy)} ${copy.file?.inode} ${ownerOf(copy)}`;
    byFile.set(key, [...(byFile.get(key) ?? []), copy]);
  }
  return [...byFile.values()].map((copies) => {
    const [first] = copies as [UsedCopy];
    const path = pathOf(first);
    return { path, realPath: path, kind: first.file === null ? 'static' : (first.image?.role ?? 'unknown'), ...learnt(first.image, null), owner: ownerOf(first), users: copies.map(({ process }) => userOf(process)) };
  });
}

const pathOf = ({ file, process }: UsedCopy): string => file?.path ?? process.exe ?? process.comm;

function ownerOf({ process: { confinement, comm } }: UsedCopy): string {
  return confinement === null ? comm : `${confinement.kind} ${confinement.name}`;
}

async function readLibraries(system: System): Promise<Fact<Library[]>> {
  if (system.platform === 'darwin') return absent('macOS has no libpcsclite');
  const [places, used] = await Promise.all([readPlaces(system), findUsedCopies(system)]);
  const copies = (await Promise.all(places.map((place) => findCopies(system, place)))).flat();
  const distinct = copies.filter(({ realPath }, index) => copies.findIndex((other) => other.realPath === realPath) === index);
  const found = await Promise.all(distinct.map((copy) => readLibrary(system, copy, copies, used)));
  return ok([...found, ...elsewhere(used, found)], 'folders of libraries, /proc');
}

/** Every copy of libpcsclite that programs of this user may load, and those that PC/SC programs have loaded. */
export default defineCollector({
  name: 'libraries',
  facts: ['libraries'],
  collect: async (system) => ({ libraries: await attempt(() => readLibraries(system)) }),
});
