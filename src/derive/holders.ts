/**
 * Who holds a reader, and how sure that is. `proven` is said only of what admits no other answer: pcscd's own
 * memory, or a scdaemon that says so itself. That nobody else is connected proves nothing: the list of connections and
 * the table of readers are of two moments, and a client may have come in between.
 */
import { type ClientProgram, identifyProgram } from '../data/client-programs.ts';
import type { Certainty, Holder, LoadedModule, ReaderReport } from '../report/schema.ts';
import { valueOf } from '../snapshot/fact.ts';
import type { Client, Facts, Handle, Process, Scdaemon } from '../snapshot/schema.ts';
import { holderOf } from './holder.ts';
import { loadedModules, moduleSentence } from './loaded-modules.ts';

export type Attribution = Pick<ReaderReport, 'holders' | 'unattributed'>;

/** One reader's lock, as PC/SC tells it. */
export interface Lock {
  reader: string;
  state: 'free' | 'shared' | 'exclusive';
  /** null: PC/SC says that it is in use, but the count was not to be had. */
  handles: number | null;
  transaction: boolean | null;
  /** No other reader is in use. */
  onlyOneInUse: boolean;
}

/** A process that may hold a handle, with what speaks for it. */
interface Suspect {
  process: Process;
  modules: readonly LoadedModule[];
  program: ClientProgram | null;
  scdaemon: Scdaemon | null;
  connections: number;
  /** By its own libpcsclite's account; null: not read. */
  remembers: Client['handles'];
}

/** What the facts say about who is connected, sorted out once for all readers. */
export interface Sightings {
  suspects: Suspect[];
  handles: Handle[];
  /** PKCS#11 modules by the pid of the process that has them loaded. */
  modules: ReadonlyMap<number, readonly LoadedModule[]>;
  /** Connections whose process could not be seen; null: nothing is known of connections. */
  unseen: number | null;
  /** Every connection of pcscd's is accounted for, and nothing shows that they changed meanwhile. */
  closed: boolean;
  /** When the only pcscd started; null: unknown, or there are several and a connection may be to any. */
  pcscdStart: string | null;
}

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

export function sightings(facts: Facts): Sightings {
  const own = new Set(valueOf(facts.self)?.pids ?? []);
  const connected = valueOf(facts.clients);
  const [pcscd, ...others] = valueOf(facts.pcscdProcesses) ?? [];
  const scdaemons = valueOf(facts.scdaemons) ?? [];
  const modules = loadedModules(facts);
  const suspectFrom = (process: Process, connections: number, remembers: Client['handles'] = null): Suspect => ({
    process,
    remembers,
    modules: modules.get(process.pid) ?? [],
    connections,
    program: identifyProgram(process),
    scdaemon: scdaemons.find((one) => one.process.pid === process.pid) ?? null,
  });
  const isForeign = ({ process }: { process: Process | null }) => process !== null && !own.has(process.pid);
  const fromClients = (connected?.clients ?? []).filter(isForeign).map(({ process, connections, handles }) => suspectFrom(process as Process, connections, handles));
  const seen = new Set(fromClients.map(({ process }) => process.pid));
  const anonymous = (connected?.clients ?? []).filter(({ process }) => process === null).reduce((sum, { connections }) => sum + connections, 0);
  const unseen = connected === undefined ? null : connected.unattributed + connected.hiddenByNamespace + anonymous;
  // A scdaemon hides its connection from other users and even from its own, but not that it has a card open.
  const hidden = (unseen === 0 ? [] : scdaemons).filter((one) => !seen.has(one.process.pid) && holdsCardThroughPcsc(one)).map((scdaemon) => suspectFrom(scdaemon.process, 0));
  for (const { process } of hidden) seen.add(process.pid);
  const running = (connected?.suspects ?? []).filter(({ pid }) => !seen.has(pid) && !own.has(pid)).map((process) => suspectFrom(process, 0));
  return {
    suspects: [...fromClients, ...hidden, ...running].sort((one, other) => one.process.pid - other.process.pid),
    handles: (valueOf(facts.handles) ?? []).filter(({ pid }) => pid === null || !own.has(pid)),
    modules,
    unseen,
    // Memory that was read and does not fit the table (else it would have answered) means that handles were changing.
    closed: connected?.complete === true && unseen === 0 && facts.handles.status !== 'ok',
    pcscdStart: others.length === 0 ? (pcscd?.process.startedAt ?? null) : null,
  };
}

const cardOpen = (scdaemon: Scdaemon): boolean | undefined => valueOf(scdaemon.cardOpen);
const holdsCardThroughPcsc = (scdaemon: Scdaemon): boolean => cardOpen(scdaemon) === true && scdaemon.usesInternalCcid === false;

/** Who holds this reader's handles. Nobody holds a free one. */
export function attribute(lock: Lock, seen: Sightings): Attribution {
  if (lock.state === 'free') return { holders: [], unattributed: 0 };
  return fromMemory(lock, seen) ?? byElimination(lock, seen);
}

// --- out of pcscd's memory ----------------------------------------------------------------------

const STRENGTH: Handle['access'][] = ['exclusive', 'transaction', 'shared'];

/** null: nothing was read of this reader, or something else than what its table says now. */
function fromMemory({ reader, state, handles: count }: Lock, { handles, modules }: Sightings): Attribution | null {
  const ofReader = handles.filter((handle) => handle.reader === reader);
  const agrees = ofReader.length > 0 && (count === null || ofReader.length === count) && ofReader.every(({ access }) => (access === 'exclusive') === (state === 'exclusive'));
  if (!agrees) return null;
  const byPid = new Map<number, { process: Process; handles: Handle[] }>();
  for (const handle of ofReader) {
    if (handle.pid === null || handle.process === null) continue;
    const known = byPid.get(handle.pid) ?? { process: handle.process, handles: [] };
    known.handles.push(handle);
    byPid.set(handle.pid, known);
  }
  const holders = [...byPid.values()].map(({ process, handles: owned }) => provenHolder(process, owned, modules.get(process.pid) ?? []));
  const attributed = [...byPid.values()].reduce((sum, { handles: owned }) => sum + owned.length, 0);
  return { holders: holders.sort(byStrength), unattributed: ofReader.length - attributed };
}

function provenHolder(process: Process, handles: readonly Handle[], modules: readonly LoadedModule[]): Holder {
  const access = STRENGTH.find((one) => handles.some((handle) => handle.access === one)) as Handle['access'];
  const names = handles.map(({ hCard }) => hCard).sort().join(', ');
  const evidence = [`pcscd's own memory names process ${process.pid} as the owner of the ${handles.length === 1 ? 'handle' : `${handles.length} handles`} ${names}.`];
  if (access === 'transaction') evidence.push('One of its handles owns the open transaction.');
  return holderOf(process, { modules, access, certainty: 'proven', evidence: [...evidence, ...modules.map(moduleSentence)] });
}

const byStrength = (one: Holder, other: Holder): number =>
  STRENGTH.indexOf(one.access as Handle['access']) - STRENGTH.indexOf(other.access as Handle['access']) || one.pid - other.pid;

// --- by elimination -----------------------------------------------------------------------------

/**
 * How well a suspect fits: what it said itself, what its library remembers, what its program does, nothing known, what
 * its program never does, not even seen connected.
 */
const WEIGHT = { saysSo: 4, remembers: 3, fits: 2, unknown: 1, unfit: 0, no: -1, unseen: -2 } as const;

const remembered = ({ remembers }: Suspect, reader: string): string[] => (remembers ?? []).filter((handle) => handle.reader === reader).map(({ hCard }) => hCard);

function weight(suspect: Suspect, { reader, state }: Lock): number {
  const { program, scdaemon, connections } = suspect;
  if (scdaemon !== null && cardOpen(scdaemon) === false) return WEIGHT.no;
  if (scdaemon?.usesInternalCcid === true) return WEIGHT.no;
  if (scdaemon !== null && holdsCardThroughPcsc(scdaemon)) return WEIGHT.saysSo;
  if (remembered(suspect, reader).length > 0) return WEIGHT.remembers;
  if (program === null) return WEIGHT.unknown;
  if (program.connects === 'none' || program.holds === 'never') return WEIGHT.no;
  // It only runs; what it is connected to could not be seen. That a lock is EXCLUSIVE fits few programs.
  if (connections === 0) return state === 'exclusive' && program.connects === 'exclusive' ? WEIGHT.fits : WEIGHT.unseen;
  const mayShare = program.connects !== 'exclusive' || program.id === 'scdaemon';
  const mayExclude = program.connects !== 'shared';
  return (state === 'exclusive' ? mayExclude : mayShare) ? WEIGHT.fits : WEIGHT.unfit;
}

function byElimination(lock: Lock, seen: Sightings): Attribution {
  const ranked = seen.suspects
    // The library notes each handle as soon as it has one, so that who remembers none has none.
    .filter((suspect) => suspect.remembers === null || remembered(suspect, lock.reader).length > 0)
    .map((suspect) => ({ suspect, weight: weight(suspect, lock) }))
    .sort((one, other) => other.weight - one.weight || one.suspect.process.pid - other.suspect.process.pid);
  const connected = ranked.filter(({ weight: own }) => own !== WEIGHT.unseen);
  const holders = ranked.map(({ suspect, weight: own }) => {
    const rivals = ranked.filter((other) => other.weight >= own).length;
    const certainty = certaintyOf(lock, seen, { startedAt: suspect.process.startedAt, own, rivals, all: connected.length });
    const access = accessOf(lock, suspect, connected.map(({ suspect: one }) => one));
    return holderOf(suspect.process, { modules: suspect.modules, access, certainty, evidence: evidenceOf(lock, seen, suspect, ranked.length) });
  });
  return { holders, unattributed: seen.unseen ?? lock.handles ?? 1 };
}

interface Standing {
  startedAt: string | null;
  own: number;
  /** How many fit as well or better, itself included. */
  rivals: number;
  all: number;
}

function certaintyOf({ state, handles, onlyOneInUse }: Lock, { pcscdStart }: Sightings, { startedAt, own, rivals, all }: Standing): Certainty {
  // It says that it has a card open through PC/SC, and the only handle there is in all of pcscd is this one. After a
  // restart of pcscd it may still say so, without a connection.
  const outlived = startedAt === null || pcscdStart === null || Date.parse(startedAt) < Date.parse(pcscdStart);
  if (own === WEIGHT.saysSo && rivals === 1 && state === 'exclusive' && onlyOneInUse && !outlived) return 'proven';
  if (own <= WEIGHT.no) return 'possible';
  if (all === 1) return 'likely';
  return own >= WEIGHT.fits && rivals <= (handles ?? 1) ? 'likely' : 'possible';
}

function accessOf({ state, transaction }: Lock, suspect: Suspect, all: readonly Suspect[]): Holder['access'] {
  if (state === 'exclusive') return 'exclusive';
  if (transaction !== true) return 'shared';
  if (all.length === 1 && all[0] === suspect) return 'transaction';
  const keepers = all.filter(({ program }) => program?.transactions === 'session');
  return keepers.length === 1 && keepers[0] === suspect ? 'transaction' : 'unknown';
}

function evidenceOf(lock: Lock, { unseen, closed }: Sightings, suspect: Suspect, all: number): string[] {
  const { reader, state, handles, transaction, onlyOneInUse } = lock;
  const { process, program, scdaemon, modules, connections } = suspect;
  const own = remembered(suspect, reader);
  const sentences: (string | false | undefined)[] = [
    state === 'exclusive' ? 'PC/SC says that one handle holds the reader exclusively.' : handles === null ? 'PC/SC says that the reader is in use.' : `pcscd counts ${plural(handles, 'open handle')} on the reader.`,
    transaction === true && 'A DIRECT connect got no answer in time, so a transaction is open.',
    connections === 0 && `Process ${process.pid} runs; its connections could not be seen.`,
    connections > 0 && `Process ${process.pid} has ${plural(connections, 'connection')} to pcscd.`,
    own.length > 0 && `Its own libpcsclite remembers ${own.length === 1 ? 'the handle' : `${own.length} handles`} ${own.sort().join(', ')} on this reader; it would remember one of a reader that was unplugged since, too.`,
    scdaemon !== null && scdaemonEvidence(scdaemon),
    scdaemon !== null && holdsCardThroughPcsc(scdaemon) && onlyOneInUse && 'No other reader is in use.',
    ...modules.map(moduleSentence),
    programEvidence(program, state),
    all > 1 && `${all - 1} other ${all === 2 ? 'process' : 'processes'} may hold it as well.`,
    closed && all === 1 && 'No other process is connected, and every connection is attributed.',
    unseen === null && 'Connections to pcscd could not be listed.',
    unseen !== null && unseen > 0 && `${plural(unseen, 'connection')} to pcscd could not be attributed.`,
    unseen === 0 && !closed && 'Clients in other network namespaces would not have been seen.',
  ];
  return sentences.filter((sentence): sentence is string => typeof sentence === 'string');
}

function scdaemonEvidence(scdaemon: Scdaemon): string | undefined {
  const open = cardOpen(scdaemon);
  if (open === undefined) return undefined;
  if (!open) return 'It says that it has no card open (SCD GETINFO card_list).';
  return `It says that it has a card open (SCD GETINFO card_list)${scdaemon.usesInternalCcid === false ? ', and its threads show that it uses no USB driver of its own' : ''}.`;
}

function programEvidence(program: ClientProgram | null, state: Lock['state']): string | undefined {
  if (program === null) return undefined;
  if (program.connects === 'none') return `${program.label} never connects to a card.`;
  if (program.holds === 'never') return `${program.label} gives each handle back at once.`;
  if (program.connects === 'exclusive') return `${program.label} connects EXCLUSIVE${program.id === 'scdaemon' ? ' unless pcsc-shared is set' : ''}.`;
  if (program.connects === 'exclusive-then-shared') return `${program.label} tries EXCLUSIVE first in its newer versions.`;
  return program.connects === 'shared' && state === 'exclusive' ? `${program.label} usually connects SHARED.` : undefined;
}
