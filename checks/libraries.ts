/** Copies of libpcsclite: who loads which, and which of them the pcscd that answers takes in. */
import { type Agreement, agreementOf, agreesWith, type ServerSide } from '../src/pcsc/compatibility.ts';
import { valueOf } from '../src/snapshot/fact.ts';
import type { Fact, Facts, FactValue, Library } from '../src/snapshot/schema.ts';

/** Places from which the dynamic linker serves any program; a bundled copy serves its bundle alone. */
const loadableFrom = ['system', '/usr/local', 'LD_LIBRARY_PATH', 'ld.so.conf'];
export const isLoadable = ({ owner }: Library): boolean => owner === null || loadableFrom.includes(owner);

/** Those that speak with pcscd themselves. */
export const isClient = ({ kind }: Library): boolean => kind === 'client' || kind === 'static';

/** "4:4" */
export const speaks = (side: Pick<Library, 'protocol'> | undefined): string | null => (side?.protocol ? `${side.protocol.major}:${side.protocol.minor}` : null);

/** "/usr/local/lib/libpcsclite.so.1 (/usr/local)": a copy and where it belongs. */
export const libraryName = ({ path, owner }: Library): string => (owner === null || owner === 'system' || owner === '/usr/local' ? path : `${path} (${owner})`);

/** The file that our own connect went through, or waits in; undefined where that was not seen. It may be none of the copies that were looked for. */
export const askedFile = ({ libraryContext, addon }: Pick<Facts, 'libraryContext' | 'addon'>): string | undefined => valueOf(libraryContext)?.library ?? valueOf(addon)?.library;

/** The same as one of the copies; null where it is none. */
export function askedLibrary(facts: Pick<Facts, 'libraryContext' | 'addon'>, copies: readonly Library[]): Library | null {
  const path = askedFile(facts);
  const found = copies.find((copy) => path !== undefined && (copy.path === path || copy.realPath === path));
  if (found?.kind !== 'redirector') return found ?? null;
  return copies.find((copy) => isClient(copy) && folderOf(copy) === folderOf(found)) ?? null;
}

const folderOf = ({ path }: Library): string => path.slice(0, path.lastIndexOf('/'));

/** What a snapshot says nothing of: that 4:4 was announced first. */
const ONCE_FIRST = { major: 4, minor: 4 };

/**
 * The pcscd that answers, by what it said and took. The installed program tells its version only where it may be the
 * one that runs.
 */
export function serverSide(daemon: Fact<FactValue<'daemon'>>, pcscdBuild: Fact<FactValue<'pcscdBuild'>>): ServerSide {
  const installed = valueOf(pcscdBuild)?.version ?? null;
  const answered = valueOf(daemon);
  if (answered === undefined) return { version: installed, protocol: null };
  const { protocol, announced, refused = announced.minor === ONCE_FIRST.minor ? null : ONCE_FIRST } = answered;
  return { version: agreesWith(installed, protocol) ? installed : null, protocol, took: announced, refused: refused === null ? [] : [refused] };
}

/** "pcscd 2.3.3 (protocol 4:5)" */
export const serverName = (server: ServerSide): string => `pcscd${server.version === null ? '' : ` ${server.version}`}${server.protocol === null ? '' : ` (protocol ${speaks(server)})`}`;

/** null: cannot be told. */
export const agreement = (library: Library, server: ServerSide): Agreement | null => agreementOf(library, server);
