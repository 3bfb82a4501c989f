import { join } from 'node:path/posix';
import { scdaemonBackend } from '../gnupg/backend.ts';
import { type ConfigFile, type ConfigProblem, parseConfig } from '../gnupg/config-grammar.ts';
import { configMessages } from '../gnupg/verdict.ts';
import { parseVersion, readsGlobalFile, rejectedLineIsFatal } from '../gnupg/version.ts';
import { absent, failed, ok } from '../snapshot/fact.ts';
import type { Fact, ScdaemonConfig } from '../snapshot/schema.ts';
import { type System, SystemError } from '../system/port.ts';
import { CONFIG_NAME, type Installation } from './gnupg-installation.ts';
import { isOpenTo, type Obstacle, OPTION_FILE_LIMIT } from './gnupg-option-file.ts';
import type { User } from './gnupg-user.ts';

type ConfigState = ScdaemonConfig['files'][number];

/**
 * scdaemon.conf of the system and of the home, as this scdaemon reads them: what is in force, what is not, and how it
 * will reach readers with it.
 */
export async function readScdaemonConfig(system: System, { gnupg: found, user, table, tested, obstacles: met }: Installation): Promise<Fact<ScdaemonConfig>> {
  if (found.status !== 'ok') return found;
  const { scdaemon, homeDir: home, sysconfDir } = found.value;
  if (scdaemon === null) return absent('scdaemon is not installed');
  if (table === null) return failed(`${scdaemon.path} does not say which options it knows`);
  const version = parseVersion(scdaemon.version);
  const places = [
    ...(version === null || readsGlobalFile(version) ? [{ path: join(sysconfDir, CONFIG_NAME), global: true }] : []),
    { path: join(home, CONFIG_NAME), global: false },
  ];
  const obstacles = met.filter(({ file }) => places.some(({ path }) => path === file));
  const files = await Promise.all(places.map((place) => readConfig(system, user, place, obstacles)));
  const verdict = tested && { exitCode: tested.exitCode, messages: configMessages(tested.stderr, places.map(({ path }) => path)) };
  const readable = files.flatMap(({ file }) => file ?? []);
  const { lines, problems } = parseConfig(readable, table, user.name);
  const rejected = problems.some(({ effect }) => effect === 'rejected') || (obstacles.length > 0 && (verdict?.messages ?? []).length > 0);
  const isSet = (option: string) => lines.some((line) => line.option === option);
  const disableCcid = isSet('disable-ccid');
  const pcscShared = isSet('pcsc-shared');
  const value: ScdaemonConfig = {
    files: files.map(({ state }) => state),
    lines,
    problems: [...problems, ...files.flatMap(({ state }) => unreadable(state, user))],
    verdict,
    fatal: obstacles.some(({ endless }) => endless) || (verdict?.exitCode == null ? rejected && version !== null && rejectedLineIsFatal(version) : verdict.exitCode !== 0),
    obstacles,
    disableCcid,
    pcscShared,
    readerPort: lines.findLast(({ option }) => option === 'reader-port')?.value ?? null,
    backend: scdaemonBackend({ version, internalCcid: scdaemon.internalCcid, disableCcid }),
    shareMode: pcscShared ? 'shared' : 'exclusive',
  };
  return ok(value, places.map(({ path }) => path).join(', '));
}

/** A file that scdaemon cannot open is skipped by it without a word. */
function unreadable(state: ConfigState, user: User): ConfigProblem[] {
  if (state.state !== 'unreadable') return [];
  const whose = state.uid === null ? '' : ` (it belongs to uid ${state.uid})`;
  return [{ file: state.path, line: null, text: null, effect: 'unreadable', message: `${user.name ?? `uid ${user.uid}`} may not read it${whose}; scdaemon skips it silently` }];
}

async function readConfig(system: System, user: User, place: Omit<ConfigFile, 'text'>, obstacles: readonly Obstacle[]): Promise<{ state: ConfigState; file: ConfigFile | null }> {
  const { path } = place;
  const stat = await system.stat(path).catch((error: SystemError) => error);
  if (stat instanceof SystemError) return { state: { path, state: stat.isMissing ? 'missing' : stat.isDenied ? 'unreadable' : 'error', uid: null, mtime: null }, file: null };
  const known = { path, uid: stat.uid, mtime: new Date(stat.mtimeMs).toISOString() };
  if (obstacles.some(({ file }) => file === path)) return { state: { ...known, state: 'error' }, file: null };
  try {
    if (!(await isOpenTo(system, user, path, stat))) return { state: { ...known, state: 'unreadable' }, file: null };
    return { state: { ...known, state: 'read' }, file: { ...place, text: await system.readFile(path, OPTION_FILE_LIMIT) } };
  } catch (error) {
    return { state: { ...known, state: error instanceof SystemError && error.isDenied ? 'unreadable' : 'error' }, file: null };
  }
}
