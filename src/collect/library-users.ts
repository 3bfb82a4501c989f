/** Which libpcsclite the programs that use PC/SC have loaded. */
import { type LibraryImage, readLibraryImage } from '../pcsc/library-image.ts';
import { identifyProgram } from '../data/client-programs.ts';
import type { Library, Process } from '../snapshot/schema.ts';
import { type MappedFile, mappedFiles } from '../system/mapped-files.ts';
import type { System } from '../system/port.ts';
import { processNames, readProcess } from '../system/process.ts';
import { readClients } from './clients.ts';
import { ownPids } from './own-pids.ts';

const MAX_PROCESSES = 32;
/** Bytes of a library, and of a program that is searched for a client that was linked in; Node and browsers are larger. */
export const LIBRARY_LIMIT = 1024 * 1024;
const PROGRAM_LIMIT = 32 * 1024 * 1024;
/** Programs that are searched at most: each costs as much as reading it. */
const MAX_SEARCHED = 4;

const LIBRARY_FILE = /\/libpcsclite(?:_real|_nospy)?\.so\.1(?:\.[\d.]+)?$/;

/** A copy that a process has in use. */
export interface UsedCopy {
  process: Process;
  /** null: linked into the program itself. */
  file: MappedFile | null;
  image: LibraryImage | null;
}

export const userOf = ({ pid, uid, user, comm }: Process): Library['users'][number] => ({ pid, uid, user, comm });

/** Of pcscd's clients, and of running programs known to connect to it: one that pcscd refuses is no client. */
export async function findUsedCopies(system: System): Promise<UsedCopy[]> {
  const [clients, names] = await Promise.all([readClients(system), processNames(system)]);
  const connected = clients.status === 'ok' ? clients.value.clients.flatMap(({ process }) => process?.pid ?? []) : [];
  const known = [...names].filter(([, comm]) => identifyProgram({ comm, argv: [], exe: null })?.transport === 'pcsc').map(([pid]) => pid);
  const own = ownPids(system);
  const pids = [...new Set([...connected, ...known])].filter((pid) => !own.has(pid)).slice(0, MAX_PROCESSES);
  const processes = (await Promise.all(pids.map((pid) => readProcess(system, pid)))).filter((process) => process !== null);
  const loaded = await Promise.all(processes.map((process) => loadedBy(system, process)));
  return [...loaded.flatMap(({ copies }) => copies), ...(await linkedInto(system, loaded.flatMap(({ without }) => without ?? [])))];
}

/** The libraries a process has loaded, or the process itself where it loaded none. */
async function loadedBy(system: System, process: Process): Promise<{ copies: UsedCopy[]; without?: Process }> {
  const mapped = await mappedFiles(system, process.pid);
  if (mapped === null || mapped.length === 0) return { copies: [] };
  const files = mapped.filter(({ path }) => LIBRARY_FILE.test(path));
  if (files.length === 0) return { copies: [], without: process };
  // Seen from the process, whose root may be a sandbox's.
  const image = ({ path }: MappedFile) => system.readBytes(`/proc/${process.pid}/root${path}`, 0, LIBRARY_LIMIT).then(readLibraryImage, () => null);
  return { copies: await Promise.all(files.map(async (file) => ({ process, file, image: await image(file) }))) };
}

async function linkedInto(system: System, processes: readonly Process[]): Promise<UsedCopy[]> {
  const byProgram = new Map(processes.map((process) => [process.exe ?? `pid ${process.pid}`, process]));
  const searched = [...byProgram.values()].slice(0, MAX_SEARCHED).map(async (process): Promise<UsedCopy[]> => {
    const program = `/proc/${process.pid}/exe`;
    const size = await system.stat(program).then((stat) => stat.size, () => Number.POSITIVE_INFINITY);
    if (size > PROGRAM_LIMIT) return [];
    const image = await system.readBytes(program, 0, size).then(readLibraryImage, () => null);
    // Elsewhere in a program the same numbers may mean anything.
    return image?.role === 'client' ? [{ process, file: null, image: { ...image, protocol: null, slots: null } }] : [];
  });
  return (await Promise.all(searched)).flat();
}
