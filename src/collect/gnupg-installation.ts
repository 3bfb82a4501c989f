import { join } from 'node:path/posix';
import { parseComponents, parseListDirs } from '../gnupg/gpgconf.ts';
import { assumeOptionTable, type OptionTable, parseOptionTable } from '../gnupg/option-table.ts';
import { versionInBanner } from '../gnupg/version.ts';
import { absent, denied, failed, ok, timedOut } from '../snapshot/fact.ts';
import type { Fact, Gnupg } from '../snapshot/schema.ts';
import { type RunResult, type System, SystemError } from '../system/port.ts';
import { type Obstacle, obstaclesAmong } from './gnupg-option-file.ts';
import type { User } from './gnupg-user.ts';

export const CONFIG_NAME = 'scdaemon.conf';
const RUN_MS = 1500;
/** For the reading of a file that is too large to be waited for; all else must still be told in time. */
const LONG_FILE_MS = 300;
/** More than any scdaemon is in size. */
const PROGRAM_LIMIT = 8 * 1024 * 1024;

/** GnuPG of one user, with what only collectors need of it. */
export interface Installation {
  gnupg: Fact<Gnupg>;
  user: User;
  table: OptionTable | null;
  /** What scdaemon says of its files; null: it could not be asked. */
  tested: RunResult | null;
  /** Files of scdaemon that it would not get past. */
  obstacles: readonly Obstacle[];
}

/** Asks gpgconf and the programs it names; a program that is not there is an answer. */
export async function findGnupg(system: System, user: User): Promise<Installation> {
  try {
    const [dirsText, componentsText] = await Promise.all([output(system, 'gpgconf', '--list-dirs'), output(system, 'gpgconf', '--list-components')]);
    return await installation(system, user, parseListDirs(dirsText), parseComponents(componentsText));
  } catch (error) {
    const missing = error instanceof SystemError && error.isMissing;
    return { gnupg: missing ? absent('GnuPG is not installed: there is no gpgconf') : failure(error), user, table: null, tested: null, obstacles: [] };
  }
}

async function installation(system: System, user: User, dirs: ReadonlyMap<string, string>, components: ReadonlyMap<string, string>): Promise<Installation> {
  const expected = components.get('scdaemon') ?? null;
  const home = homeDir(system, user, dirs);
  const sysconfDir = dirs.get('sysconfdir') ?? '/etc/gnupg';
  const [obstacles, obstaclesOfGpg] = await Promise.all([
    obstaclesAmong(system, user, [join(sysconfDir, CONFIG_NAME), join(home.homeDir, CONFIG_NAME)]),
    obstaclesAmong(system, user, [join(sysconfDir, 'gpg.conf')]),
  ]);
  const [gpg, scdaemon, tested] = await Promise.all([
    programVersion(system, components.get('gpg') ?? 'gpg', obstaclesOfGpg.length > 0),
    describeProgram(system, expected, obstacles.some(({ file }) => file === join(sysconfDir, CONFIG_NAME))),
    obstacles.some(({ endless }) => endless) ? null : testConfig(system, expected, home.homeDir, obstacles.length > 0 ? LONG_FILE_MS : RUN_MS),
  ]);
  const bin = dirs.get('bindir');
  const value: Gnupg = {
    gpg,
    gpgconf: bin === undefined ? null : join(bin, 'gpgconf'),
    scdaemon: scdaemon?.about ?? null,
    expectedScdaemon: expected,
    uid: user.uid,
    ...home,
    sysconfDir,
    agentSocket: user.throughSudo ? await socketOf(system, user.uid, home.homeDir) : (dirs.get('agent-socket') ?? null),
  };
  return { gnupg: ok(value, 'gpgconf --list-dirs'), user, table: scdaemon?.table ?? null, tested, obstacles };
}

function homeDir(system: System, user: User, dirs: ReadonlyMap<string, string>): Pick<Gnupg, 'homeDir' | 'homeDirFrom'> {
  const standard = user.home === null ? null : join(user.home, '.gnupg');
  if (user.throughSudo && standard !== null) return { homeDir: standard, homeDirFrom: 'SUDO_UID' };
  const told = dirs.get('homedir') ?? standard ?? '/nonexistent';
  if (system.env('GNUPGHOME') !== undefined) return { homeDir: told, homeDirFrom: 'GNUPGHOME' };
  return { homeDir: told, homeDirFrom: told === standard ? 'default' : 'gpgconf' };
}

/** Where the gpg-agent of another user with the default home listens (GnuPG common/homedir.c, _gnupg_socketdir_internal). */
async function socketOf(system: System, uid: number, home: string): Promise<string> {
  for (const base of ['/run/user', '/run/gnupg/user', '/var/run/user', '/var/run/gnupg/user']) {
    const folder = `${base}/${uid}/gnupg`;
    if (await exists(system, folder)) return join(folder, 'S.gpg-agent');
  }
  return join(home, 'S.gpg-agent');
}

const exists = (system: System, path: string): Promise<boolean> =>
  system.stat(path).then(
    () => true,
    () => false,
  );

async function output(system: System, program: string, ...args: string[]): Promise<string> {
  const { stdout } = await system.run(program, args, { timeoutMs: RUN_MS });
  return stdout;
}

/** null: not there. */
async function runIfThere(system: System, program: string, ...args: string[]): Promise<RunResult | null> {
  try {
    return await system.run(program, args, { timeoutMs: RUN_MS });
  } catch (error) {
    if (error instanceof SystemError && error.isMissing) return null;
    throw error;
  }
}

/**
 * `--no-options` keeps it from the user's file, which it would read first and may never get past. The system's file is
 * read all the same from 2.2.26 on (libgpg-error src/argparse.c).
 * @param isBlocked nor would it get past the system's: gpgconf, which reads neither, is of the same release then
 */
async function programVersion(system: System, path: string, isBlocked: boolean): Promise<Gnupg['gpg']> {
  if (isBlocked && !(await exists(system, path))) return null;
  const result = isBlocked ? await runIfThere(system, 'gpgconf', '--version') : await runIfThere(system, path, '--no-options', '--version');
  return result === null ? null : { path, version: versionInBanner(result.stdout) ?? 'unknown' };
}

/** gpgconf lists scdaemon whether or not its package is installed. */
async function describeProgram(system: System, path: string | null, isBlocked: boolean): Promise<{ about: NonNullable<Gnupg['scdaemon']>; table: OptionTable | null } | null> {
  if (path === null) return null;
  // Both lists of options are printed before any file is read.
  const [program, dumped] = await Promise.all([programVersion(system, path, isBlocked), runIfThere(system, path, '--dump-option-table')]);
  if (program === null || dumped === null) return null;
  const told = parseOptionTable(dumped.stdout);
  const table = told ?? assumeOptionTable((await runIfThere(system, path, '--dump-options'))?.stdout ?? '');
  const internalCcid = told === null ? await linksLibusb(system, path) : hasInternalCcid(told);
  const about = { ...program, internalCcid, knowsPcscShared: table?.has('pcsc-shared') ?? null, options: table === null ? null : [...table.keys()] };
  return { about, table };
}

/** scdaemon's own judgement; the command reads the files, prints messages and ends (GnuPG scd/scdaemon.c, aGPGConfTest). */
const testConfig = async (system: System, program: string | null, home: string, timeoutMs: number): Promise<RunResult | null> =>
  program === null ? null : system.run(program, ['--homedir', home, '--gpgconf-test'], { timeoutMs }).catch(() => null);

/** Without the driver scdaemon hides `disable-ccid` from its help (GnuPG scd/scdaemon.c). */
function hasInternalCcid(table: OptionTable): boolean | null {
  const description = table.get('disable-ccid')?.description;
  return description === undefined ? null : !description.startsWith('@');
}

/** A scdaemon that describes no options: the driver is built in when the program needs libusb. */
const linksLibusb = (system: System, path: string): Promise<boolean | null> =>
  system.readBytes(path, 0, PROGRAM_LIMIT).then(
    (bytes) => bytes.includes('libusb-1.0.so'),
    () => null,
  );

/** Why a fact has no value, from what was thrown. */
export function failure(error: unknown): Fact<never> {
  if (!(error instanceof SystemError)) return failed(error instanceof Error ? error.message : String(error));
  if (error.isDenied) return denied('root');
  return error.code === 'ETIMEDOUT' ? timedOut(RUN_MS) : failed(error.message);
}
