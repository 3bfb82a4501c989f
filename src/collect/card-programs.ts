import { type ClientProgram, identifyProgram } from '../data/client-programs.ts';
import { absent, ok } from '../snapshot/fact.ts';
import type { Fact, FactValue, Process } from '../snapshot/schema.ts';
import type { System } from '../system/port.ts';
import { processNames, readProcess } from '../system/process.ts';
import { attempt, defineCollector } from './collector.ts';
import { ownPids } from './own-pids.ts';

type CardPrograms = FactValue<'cardPrograms'>;

const MAX_PROGRAMS = 64;
/** yubikey-manager ykman/pcsc/__init__.py; age-plugin-yubikey src/key.rs */
const ENDS_SCDAEMON = ['ykman', 'age-plugin-yubikey'];
const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin';

/** Programs that are for cards alone; a browser or a Java program may never use one. */
const isForCards = (program: ClientProgram | null): boolean => program !== null && program.transport === 'pcsc' && !['none', 'any'].includes(program.connects) && program.id !== 'scdaemon';

async function read(system: System): Promise<Fact<CardPrograms>> {
  if (system.platform === 'darwin') return absent('there is no /proc on macOS');
  const own = ownPids(system);
  const names = [...(await processNames(system))].filter(([pid, comm]) => !own.has(pid) && isForCards(identifyProgram({ comm, argv: [], exe: null })));
  const processes = await Promise.all(names.slice(0, MAX_PROGRAMS).map(([pid]) => readProcess(system, pid)));
  const running = processes.filter((process): process is Process => process !== null && isForCards(identifyProgram(process)));
  const folders = [...new Set((system.env('PATH') ?? DEFAULT_PATH).split(':').filter((folder) => folder.startsWith('/')))];
  const found = await Promise.all(ENDS_SCDAEMON.map(async (program) => ({ program, path: await firstThere(system, folders.map((folder) => `${folder}/${program}`)) })));
  return ok({ running, installed: found.flatMap(({ program, path }) => (path === null ? [] : [{ program, path }])) }, '/proc, PATH');
}

async function firstThere(system: System, paths: readonly string[]): Promise<string | null> {
  const there = await Promise.all(paths.map((path) => system.stat(path).then(({ kind }) => kind === 'file', () => false)));
  return paths[there.indexOf(true)] ?? null;
}

/** Programs that would use a card, whether or not they are connected now. */
export default defineCollector({
  name: 'card programs',
  facts: ['cardPrograms'],
  collect: async (system) => ({ cardPrograms: await attempt(() => read(system)) }),
});
