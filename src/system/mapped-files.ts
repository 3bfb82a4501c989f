import { perProcess } from './per-run.ts';

/** Bytes of /proc/PID/maps; a browser's has a tenth of it. */
const MAPS_LIMIT = 4 * 1024 * 1024;

/** A file that a process has mapped: its program, a library, data. */
export interface MappedFile {
  /** As the process knows it, which may live in another mount namespace. */
  path: string;
  inode: number;
}

/** The files a process has mapped, each once (proc(5), /proc/PID/maps); null where that is closed to this user, or it is gone. */
export const mappedFiles = perProcess(async (system, pid): Promise<MappedFile[] | null> => {
  const maps = await system.readFile(`/proc/${pid}/maps`, MAPS_LIMIT).catch(() => null);
  if (maps === null) return null;
  const files = new Map<string, MappedFile>();
  for (const line of maps.split('\n')) {
    const at = line.indexOf('/');
    if (at === -1) continue;
    // A file that was replaced since, e.g. by an upgrade, is still the one in use.
    const path = line.slice(at).replace(/ \(deleted\)$/, '');
    const inode = Number(/ (\d+) *$/.exec(line.slice(0, at))?.[1]);
    if (!files.has(path)) files.set(path, { path, inode });
  }
  return [...files.values()];
});
