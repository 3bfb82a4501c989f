/** Processes of macOS, which has no /proc: what ps(1) prints. Never tried on a Mac. */
import { perRun } from './per-run.ts';
import type { System } from './port.ts';

export interface DarwinProcess {
  pid: number;
  ppid: number;
  uid: number;
  /** ISO 8601. */
  startedAt: string | null;
  /** Path of the program. */
  program: string;
}

const PS = ['-axwwo', 'pid,ppid,uid,lstart,comm'];
const PS_MS = 800;
/** Bytes; a thousand processes have a tenth of it. */
const PS_LIMIT = 2 * 1024 * 1024;

/** lstart is a fixed form of five words, e.g. `Tue Nov 24 10:15:41 2026`; comm is a path, which may hold blanks. */
const ROW = /^ *(\d+) +(\d+) +(\d+) +([A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}) +(\S.*?) *$/;

/** Once per run; empty where ps gives nothing. @throws SystemError */
export const darwinProcesses = perRun(async (system: System): Promise<DarwinProcess[]> => {
  // Without a zone of its own the start times would be in one that ps does not print.
  const { stdout } = await system.run('ps', PS, { timeoutMs: PS_MS, limit: PS_LIMIT, env: { TZ: 'UTC' } });
  return parsePs(stdout);
});

/** Rows of pid, ppid, uid, lstart in UTC and comm; what is none, such as the header, is passed over. */
export function parsePs(stdout: string): DarwinProcess[] {
  return stdout.split('\n').flatMap((line) => {
    const [, pid, ppid, uid, started, program] = ROW.exec(line) ?? [];
    if (started === undefined || program === undefined) return [];
    const time = new Date(`${started} UTC`);
    return [{ pid: Number(pid), ppid: Number(ppid), uid: Number(uid), startedAt: Number.isNaN(time.getTime()) ? null : time.toISOString(), program }];
  });
}

export const programName = ({ program }: DarwinProcess): string => program.slice(program.lastIndexOf('/') + 1);
