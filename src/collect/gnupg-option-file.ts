import type { FactValue } from '../snapshot/schema.ts';
import type { FileStat, System } from '../system/port.ts';
import type { User } from './gnupg-user.ts';

/** In bytes. An honest option file has a few hundred; for each wrong line of a larger one scdaemon prints fifty. */
export const OPTION_FILE_LIMIT = 128 * 1024;

/** An option file that keeps the programs which read it from doing anything else. */
export type Obstacle = FactValue<'scdaemonConfig'>['obstacles'][number];

/**
 * Looks whether a GnuPG program would get past an option file, before one is asked anything: it reads its files first,
 * even for `--version`. It is not opened where that could take something from a writer. Measured on scdaemon 2.2.27,
 * 2.2.40 and 2.4.7: a FIFO is waited for, a directory is a read error for ever (libgpg-error src/argparse.c), and
 * 1 GiB takes 13 seconds; a missing, closed or dangling one is skipped, a socket too.
 * @returns null: the file is no obstacle
 */
export async function obstacleAt(system: System, user: User, file: string): Promise<Obstacle | null> {
  const stat = await system.stat(file).catch(() => null);
  if (stat === null || !(await isOpenTo(system, user, file, stat))) return null;
  const because = (says: string, endless: boolean): Obstacle => ({ file, says, endless });
  switch (stat.kind) {
    case 'fifo':
      return because('it is a FIFO, and whoever opens it waits until somebody writes into it', true);
    case 'directory':
      return because('it is a directory, and GnuPG tries for ever to read a line of it', true);
    case 'character-device':
      // /dev/null is an empty file.
      return (await system.readBytes(file, 0, 1).catch(() => null))?.length === 0 ? null : because('it is a device, which does not end as a file does', true);
    case 'file':
      return stat.size <= OPTION_FILE_LIMIT ? null : because(`it has ${Math.round(stat.size / 1024)} KiB, which is read at every start and was not read by cardcheck`, false);
    default:
      return null;
  }
}

/** The obstacles among some files. */
export async function obstaclesAmong(system: System, user: User, files: readonly string[]): Promise<Obstacle[]> {
  return (await Promise.all(files.map((file) => obstacleAt(system, user, file)))).filter((obstacle) => obstacle !== null);
}

/** Whether the user may read a file. For another one than who runs cardcheck: by owner and mode; groups and ACLs are rare on these files. */
export async function isOpenTo(system: System, user: User, file: string, { uid, mode }: FileStat): Promise<boolean> {
  if (user.uid !== system.uid) return (mode & (uid === user.uid ? 0o400 : 0o004)) !== 0;
  return system.access(file, 'read').catch(() => true);
}
