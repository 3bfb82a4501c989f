/** A program that has PKCS#11 modules loaded, and the files that program sees. */
import { failed, denied, ok } from '../snapshot/fact.ts';
import type { Fact, Pkcs11Registration, Process } from '../snapshot/schema.ts';
import type { System } from '../system/port.ts';
import { ownNamespaces, readNamespaces, sameNamespace } from '../system/process.ts';
import { attempt } from './collector.ts';
import { homeFolders } from './gnupg-user.ts';

/** Bytes of a configuration file; an honest one has one or two thousand. */
const FILE_LIMIT = 64 * 1024;
const ENVIRONMENT_LIMIT = 256 * 1024;
/** All that is kept of a program's environment. */
const VARIABLES = ['HOME', 'XDG_CONFIG_HOME', 'P11_KIT_NO_USER_CONFIG'];

/** What one place registers: by which words, and which file they name, as the program sees it. */
export interface Found {
  found: { registration: Pkcs11Registration; library: string }[];
  /** Why something that may register modules could not be looked at. */
  unread: Fact<never>[];
}

/** What a program's configuration depends on. Paths are those it sees itself. */
export interface Surroundings {
  system: System;
  process: Process;
  /** What it takes for its user's home folder; in a snap that is one of the snap's own. */
  home: string | null;
  /** That, and the one of its user. */
  homes: readonly string[];
  env: ReadonlyMap<string, string>;
  /** Its files are not those of this system (mount_namespaces(7)). */
  sandboxed: boolean;
  /** The path by which cardcheck reaches one of its files. */
  place(path: string): string;
  /** A regular file of at most 64 KiB, whole. */
  readText(path: string): Promise<Fact<string>>;
  readNames(path: string): Promise<Fact<string[]>>;
}

export async function surroundingsOf(system: System, process: Process): Promise<Surroundings> {
  const [theirs, own, homes, env] = await Promise.all([readNamespaces(system, process.pid), ownNamespaces(system), homeFolders(system), readEnvironment(system, process.pid)]);
  const sandboxed = sameNamespace(theirs.mnt, own.mnt) === false;
  const place = (path: string) => (sandboxed ? `/proc/${process.pid}/root${path}` : path);
  /** What it cannot read, root can; to root itself a file may still be closed, e.g. on a network file system. */
  const asRoot = <T>(fact: Fact<T>): Fact<T> => (fact.status === 'denied' && system.uid !== 0 ? denied('root') : fact);
  const home = absolute(env.get('HOME')) ?? homes.get(process.uid) ?? null;
  return {
    system,
    process,
    home,
    homes: [...new Set([home, homes.get(process.uid) ?? null])].filter((folder) => folder !== null),
    env,
    sandboxed,
    place,
    readText: async (path) => asRoot(await attempt(() => readText(system, place(path), path))),
    readNames: async (path) => asRoot(await attempt(async () => ok(await system.readDir(place(path)), path))),
  };
}

const absolute = (path: string | undefined): string | null => (path?.startsWith('/') === true ? path : null);

async function readText(system: System, place: string, path: string): Promise<Fact<string>> {
  // Asked first, because a device would be read, and a pipe waited for.
  const { kind, size } = await system.stat(place);
  if (kind !== 'file') return failed(`${path} is no file`);
  return size > FILE_LIMIT ? failed(`${path} is larger than ${FILE_LIMIT / 1024} KiB`) : ok(await system.readFile(place, FILE_LIMIT), path);
}

/** Variables a program was started with (proc(5)); none where they are closed to this user. */
async function readEnvironment(system: System, pid: number): Promise<ReadonlyMap<string, string>> {
  const text = await system.readFile(`/proc/${pid}/environ`, ENVIRONMENT_LIMIT).catch(() => '');
  const entries = text.split('\0').map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)] as const);
  return new Map(entries.filter(([name]) => VARIABLES.includes(name)));
}
