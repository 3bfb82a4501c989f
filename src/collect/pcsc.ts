import { matchesGlob } from '../glob.ts';
import { type AddonPort, State } from '../pcsc/addon.ts';
import { countdown } from '../pcsc/deadline.ts';
import type { OpenedPcsc, PcscPort } from '../pcsc/port.ts';
import { absent, ok, reasonOf, skipped } from '../snapshot/fact.ts';
import type { Fact, Facts, Probe, ProbeOutcome, ReaderState, ShareMode } from '../snapshot/schema.ts';
import { type System, SystemError } from '../system/port.ts';
import type { CollectOptions } from './collector.ts';
import type { OnProgress } from './progress.ts';

/** What has to be looked at before pcscd may be contacted. */
export type LookedAt = Pick<Facts, 'pcscdProcesses' | 'pcscdSocket' | 'pcscdUnits' | 'scdaemons' | 'usbHolders' | 'clients'>;
export type PcscFacts = Pick<Facts, 'daemon' | 'readers' | 'probes' | 'addon' | 'libraryReaders' | 'libraryContext'>;

/** The backends of this run; null: not used here. */
export interface PcscPorts {
  /** null on macOS, which has no pcscd. */
  daemon: PcscPort | null;
  /** null where the library is left out, e.g. with --passive. */
  library: AddonPort | null;
}

/** All of PC/SC together may take so many times the deadline of one step: with the looking before it, 4 s at defaults. */
const WHOLE_RUN = 1.8;
/** A connect given less of its deadline than this would look blocked when it is merely slow. */
const FAIR_SHARE = 0.5;

/**
 * The readers as pcscd and libpcsclite see them, and what connects to them come to. Contacts pcscd only where
 * that disturbs nobody, reads before it connects, and stops on a reader at the first connect that does not return.
 * Closes both ports. All of it ends within 1.8 step deadlines; an EXCLUSIVE connect that outlives them is
 * waited for by `abortPcsc`.
 */
export async function collectPcsc(
  system: System,
  options: CollectOptions,
  looked: LookedAt,
  ports: PcscPorts,
  onProgress: OnProgress = () => {},
): Promise<PcscFacts> {
  try {
    const contact = await decideContact(system, options, looked, ports);
    if (!contact.allowed) return await untouched(contact.why, options, ports);
    return await new PcscRun(options, ports, othersConnected(looked.clients), onProgress).collect(contact.wakes);
  } finally {
    await Promise.all([ports.daemon?.close(), ports.library?.close()]);
  }
}

/** Whether pcscd may be spoken to, and if so, whether that starts it; null: that cannot be told from here. */
export type Contact = { allowed: true; wakes: boolean | null } | { allowed: false; why: string };

/**
 * A pcscd that sleeps behind a socket unit claims every reader and powers every card as it wakes, so it is left
 * asleep where that was asked for and while anything holds a reader over USB, or may, for all we can see.
 */
export async function decideContact(
  system: System,
  { passive, wake }: Pick<CollectOptions, 'passive' | 'wake'>,
  looked: LookedAt,
  ports: Pick<PcscPorts, 'daemon'>,
): Promise<Contact> {
  if (!system.live) return { allowed: false, why: 'these are the files of a machine, not the machine itself' };
  const wakes = ports.daemon === null ? false : await wouldWake(system, looked);
  if (wakes === false) return { allowed: true, wakes };
  const sleeper = wakes === true ? 'pcscd sleeps' : 'no pcscd is in sight, and connecting might wake one';
  if (passive) return { allowed: false, why: `${sleeper}; --passive leaves it so` };
  if (!wake) return { allowed: false, why: `${sleeper}; --no-wake leaves it so` };
  const obstacle = usbObstacle(looked.usbHolders) ?? scdaemonObstacle(looked.scdaemons);
  return obstacle === null ? { allowed: true, wakes } : { allowed: false, why: `${sleeper}; it was left so because ${obstacle}` };
}

/**
 * Whether a connection would start pcscd: none runs, and systemd listens for it. Null where neither is in sight,
 * e.g. in a container that has the socket of its host, or for a socket of another name.
 */
async function wouldWake(system: System, { pcscdProcesses, pcscdSocket, pcscdUnits }: LookedAt): Promise<boolean | null> {
  if (await isRunning(system, pcscdProcesses)) return false;
  const elsewhere = pcscdSocket.status === 'ok' && pcscdSocket.value.from !== 'default';
  if (pcscdUnits.status !== 'ok' || elsewhere) return null;
  const isActive = (unit: string) => pcscdUnits.value.some(({ name, active }) => name === unit && active === 'active');
  return !isActive('pcscd.service') && isActive('pcscd.socket');
}

const PID_FILE = '/run/pcscd/pcscd.pid';

/**
 * Whether a pcscd of this machine runs, as opposed to one in a container. Where its namespace cannot be seen,
 * the pid it left in its own pid file tells (pcsc-lite pcscdaemon.c writes it and removes it at the end).
 */
async function isRunning(system: System, processes: Facts['pcscdProcesses']): Promise<boolean> {
  if (processes.status !== 'ok') return false;
  if (processes.value.some(({ sameMountNamespace }) => sameMountNamespace === true)) return true;
  const unclear = processes.value.filter(({ sameMountNamespace }) => sameMountNamespace === null);
  if (unclear.length === 0) return false;
  const pid = Number.parseInt(await readIfThere(system, PID_FILE), 10);
  return unclear.some(({ process }) => process.pid === pid);
}

async function readIfThere(system: System, path: string): Promise<string> {
  try {
    return await system.readFile(path, 32);
  } catch (error) {
    if (error instanceof SystemError) return '';
    throw error;
  }
}

function usbObstacle(usbHolders: Facts['usbHolders']): string | null {
  if (usbHolders.status === 'absent') return null;
  if (usbHolders.status !== 'ok') return `whether a program holds a reader over USB is unknown: ${reasonOf(usbHolders)}`;
  const [holder] = usbHolders.value.holders;
  return holder === undefined ? null : `${holder.process.comm} (${holder.process.pid}) holds ${holder.node} over USB`;
}

function scdaemonObstacle(scdaemons: Facts['scdaemons']): string | null {
  if (scdaemons.status === 'absent') return null;
  if (scdaemons.status !== 'ok') return `whether scdaemon holds a reader over USB is unknown: ${reasonOf(scdaemons)}`;
  for (const { process, usesInternalCcid, cardOpen } of scdaemons.value) {
    if (usesInternalCcid === true) return `scdaemon (${process.pid}) holds a reader over USB`;
    // Without pcscd, USB is the only way by which it can have a card open.
    if (usesInternalCcid === null && !(cardOpen.status === 'ok' && !cardOpen.value)) {
      return `scdaemon (${process.pid}) may hold a reader over USB`;
    }
  }
  return null;
}

/** Whether a program other than this one is connected to pcscd and may want a card at any moment. */
const othersConnected = (clients: Facts['clients']): boolean => clients.status === 'ok' && clients.value.clients.length + clients.value.unattributed + clients.value.hiddenByNamespace > 0;

/** Nothing of PC/SC was touched; loading the addon does not. */
async function untouched(why: string, { timeoutMs }: CollectOptions, { library }: PcscPorts): Promise<PcscFacts> {
  const none = skipped(why);
  return {
    daemon: none,
    readers: none,
    probes: none,
    addon: library === null ? LEFT_OUT : await library.loaded(timeoutMs),
    libraryReaders: none,
    libraryContext: none,
  };
}

type Missing = Exclude<Fact<never>, { status: 'ok' }>;
/** An opened backend, or the reason for having none. */
type Backend = { name: Probe['backend']; pcsc: OpenedPcsc } | { name: Probe['backend']; missing: Missing };

/** What libpcsclite shows without a connect; its readers matter where the daemon has none to show. */
interface LibraryView {
  addon: Facts['addon'];
  context: Facts['libraryContext'];
  readers: Fact<ReaderState[]>;
  backend: Backend;
}

/** How long the states through libpcsclite may hold up a run whose readers the daemon has shown already, in ms. */
const STATES_MS = 100;

const MAY_COME = 'another program is connected to pcscd, whose own connect would fail if it came just then';

/** The part that talks to PC/SC; nothing was touched before it. */
class PcscRun {
  readonly #options: CollectOptions;
  readonly #ports: PcscPorts;
  readonly #others: boolean;
  readonly #onProgress: OnProgress;
  readonly #left: () => number;

  constructor(options: CollectOptions, ports: PcscPorts, others: boolean, onProgress: OnProgress) {
    this.#options = options;
    this.#ports = ports;
    this.#others = others;
    this.#onProgress = onProgress;
    this.#left = countdown(WHOLE_RUN * options.timeoutMs);
  }

  async collect(wakes: boolean | null): Promise<PcscFacts> {
    const daemon = await this.#openDaemon();
    const daemonReaders = daemon.status === 'ok' ? await this.#step('reader table', 'pcscd, where a reader is still initialising', () => daemon.value.readers(this.#deadline())) : daemon;
    const library = this.#openLibrary(daemon, daemonReaders);
    const readers = daemonReaders.status === 'ok' ? daemonReaders : await library.then(({ readers }) => (readers.status === 'ok' ? readers : daemonReaders));
    const probes = await this.#probeAll(readers, daemon, library);
    const view = await library;
    return {
      daemon: daemon.status === 'ok' ? daemonFact(daemon.value, daemon.source, wakes) : daemon,
      readers,
      probes,
      addon: view.addon,
      // Last, when they have long been there: nothing waits for them.
      libraryReaders: await this.#libraryStates(view, daemon),
      libraryContext: view.context,
    };
  }

  async #openDaemon(): Promise<Fact<OpenedPcsc>> {
    const { daemon } = this.#ports;
    if (daemon === null) return absent('there is no pcscd on this system');
    return this.#step('reader table', 'pcscd, which does not answer', () => daemon.open(this.#deadline()));
  }

  /** Context and readers through libpcsclite: no connect to any reader. */
  async #openLibrary(daemon: Fact<OpenedPcsc>, daemonReaders: Fact<ReaderState[]>): Promise<LibraryView> {
    const { library } = this.#ports;
    if (library === null) return withoutLibrary(LEFT_OUT, LEFT_OUT);
    const danger = libraryDanger(daemon) ?? libraryDanger(daemonReaders);
    if (danger !== null) return withoutLibrary(await library.loaded(this.#deadline()), { status: 'skipped', why: danger });
    return this.#step('libpcsclite', 'libpcsclite, which does not get an answer from pcscd', async () => {
      const addon = await library.loaded(this.#deadline());
      const opened = await library.open(this.#deadline());
      if (opened.status !== 'ok') return { ...withoutLibrary(addon, opened), context: library.context };
      const readers = daemonReaders.status === 'ok' ? daemonReaders : await opened.value.readers(this.#deadline());
      return { addon, context: library.context, readers, backend: { name: 'library', pcsc: opened.value } };
    });
  }

  async #libraryStates({ backend }: LibraryView, daemon: Fact<OpenedPcsc>): Promise<Facts['libraryReaders']> {
    const { library } = this.#ports;
    if ('missing' in backend) return backend.missing;
    if (library === null) return LEFT_OUT;
    const states = await library.states(Math.min(STATES_MS, this.#deadline()));
    // They came while the daemon's probes were under way, so that these two bits may be our own doing.
    const own = daemon.status === 'ok' ? State.exclusive | State.inUse : 0;
    return states.status === 'ok' ? ok(states.value.map((row) => ({ ...row, state: row.state === null ? null : row.state & ~own })), states.source) : states;
  }

  async #probeAll(readers: Fact<ReaderState[]>, daemon: Fact<OpenedPcsc>, library: Promise<LibraryView>): Promise<Fact<Probe[]>> {
    const { passive, reader: glob } = this.#options;
    if (passive) return skipped('--passive makes no connect');
    if (readers.status !== 'ok') return skipped(`no table of readers: ${reasonOf(readers)}`);
    const wanted = readers.value.filter(({ name }) => glob === null || matchesGlob(glob, name));
    const backends = [...(daemon.status === 'ok' ? [Promise.resolve<Backend>({ name: 'daemon', pcsc: daemon.value })] : []), library.then(({ backend }) => backend)];
    const probes = await Promise.all(wanted.map((reader) => this.#probeReader(reader, backends)));
    return ok(probes.flat(), 'SCardConnect');
  }

  /**
   * DIRECT, then SHARED, through one backend after the other, each handle given back before the next connect;
   * EXCLUSIVE once, through the first backend there is, where it is in nobody's way. After a connect that settles nothing there is no other.
   */
  async #probeReader(reader: ReaderState, backends: readonly Promise<Backend>[]): Promise<Probe[]> {
    const probes: Probe[] = [];
    let obstacle: string | null = null;
    let exclusiveTried = false;
    for (const awaited of backends) {
      const backend = await awaited;
      const usable = 'pcsc' in backend;
      for (const mode of ['direct', 'shared', 'exclusive'] as const) {
        if (mode === 'exclusive' && (exclusiveTried || !usable)) continue;
        const reason = usable ? (obstacle ?? this.#needless(reader, mode, probes)) : reasonOf(backend.missing);
        const probe = usable && reason === null ? await this.#connect(backend, reader.name, mode) : skip(reader.name, mode, backend.name, reason);
        probes.push(probe);
        obstacle ??= obstacleAfter(probe);
        if (mode === 'exclusive') exclusiveTried = true;
      }
    }
    return probes;
  }

  /**
   * Why a connect is left out; null: it is to be tried. A handle of ours on a free reader, however short, makes the
   * EXCLUSIVE connect of another program fail, and an EXCLUSIVE one every connect.
   */
  #needless(reader: ReaderState, mode: ShareMode, before: readonly Probe[]): string | null {
    if (mode === 'exclusive') return this.#derivedExclusive(reader, before);
    const again = before.some((probe) => probe.mode === mode);
    return again && reader.sharing === 0 && this.#others ? `not tried again: pcscd has answered, and ${MAY_COME}` : null;
  }

  /** Why EXCLUSIVE need not or must not be tried; null: nobody holds a handle, so it returns at once. */
  #derivedExclusive({ sharing }: ReaderState, probes: readonly Probe[]): string | null {
    if (sharing === -1) return 'derived: sharing-violation, the reader is held exclusively';
    if (sharing > 0) return `derived: sharing-violation, ${sharing === 1 ? 'a handle is' : `${sharing} handles are`} open on the reader`;
    if (!this.#options.exclusive) return 'not tried: --no-exclusive';
    if (this.#others) return `not tried: ${MAY_COME}`;
    const shared = probes.find(({ mode }) => mode === 'shared');
    if (shared === undefined || shared.outcome === 'ok') return null;
    return shared.outcome === 'skipped' ? shared.reason : `derived: ${shared.outcome}, as with SHARED`;
  }

  async #connect({ name: backend, pcsc }: Extract<Backend, { pcsc: OpenedPcsc }>, reader: string, mode: ShareMode): Promise<Probe> {
    if (this.#left() < this.#options.timeoutMs * FAIR_SHARE) return skip(reader, mode, backend, 'earlier steps used up the time of this run');
    const waitsFor = mode === 'direct' ? `somebody who holds a transaction on ${reader}` : `somebody who began a transaction on ${reader}, or a card that is slow to power up`;
    return this.#step(reader, waitsFor, () => pcsc.connect(reader, mode, this.#deadline()));
  }

  /** Milliseconds the next step may take. */
  #deadline(): number {
    return Math.min(this.#options.timeoutMs, this.#left());
  }

  async #step<T>(step: string, waitsFor: string, work: () => Promise<T>): Promise<T> {
    this.#onProgress({ step, state: 'running', waitsFor });
    try {
      return await work();
    } finally {
      this.#onProgress({ step, state: 'done', waitsFor });
    }
  }
}

const LEFT_OUT: Missing = { status: 'skipped', why: 'libpcsclite is left out of this run' };

function withoutLibrary(addon: Facts['addon'], missing: Missing): LibraryView {
  return { addon, context: missing, readers: missing, backend: { name: 'library', missing } };
}

/** Words that open the reason of a `daemon` fact when pcscd, or something in its place, was there and gave no sense. */
const SENSELESS = /^(?:not-pcscd|unreachable): /;

/** Why libpcsclite, which has no deadlines, would be lost on this daemon; null: it will get an answer. */
function libraryDanger(fact: Fact<unknown>): string | null {
  const isDangerous = fact.status === 'timeout' || (fact.status === 'failed' && SENSELESS.test(fact.error));
  return isDangerous ? `libpcsclite would wait without limit: ${reasonOf(fact)}` : null;
}

function daemonFact({ protocol, announced, refused, slots }: OpenedPcsc, source: string, woken: boolean | null): Facts['daemon'] {
  if (protocol === null || announced === null) return absent('this backend does not tell');
  return ok({ protocol, announced, refused, slots, woken }, source);
}

function skip(reader: string, mode: ShareMode, backend: Probe['backend'], reason: string | null): Probe {
  return { reader, mode, backend, outcome: 'skipped', code: null, hex: null, ms: null, reason };
}

/** Outcomes after which a further connect returns at once and tells something new. */
const SETTLED: ReadonlySet<ProbeOutcome> = new Set(['ok', 'sharing-violation', 'no-card', 'unpowered', 'unresponsive', 'proto-mismatch', 'skipped']);

/** Why nothing more may be tried on the reader after this probe. */
function obstacleAfter({ mode, backend, outcome, hex }: Probe): string | null {
  if (SETTLED.has(outcome)) return null;
  const which = `the ${mode.toUpperCase()} connect through the ${backend}`;
  if (outcome !== 'blocked') return `${which} failed: ${hex ?? outcome}`;
  return mode === 'direct' ? `${which} did not return: somebody holds a transaction` : `${which} did not return`;
}
