import type { AddonPort } from '../pcsc/addon.ts';
import { pcscdSocket, socketPath } from '../pcsc/socket.ts';
import { failed, ok, timedOut } from '../snapshot/fact.ts';
import { sanitize } from '../snapshot/sanitize.ts';
import type { Fact, FactName, Facts, Snapshot } from '../snapshot/schema.ts';
import type { System } from '../system/port.ts';
import { tool } from '../tool.ts';
import type { CollectOptions, Collector } from './collector.ts';
import cardPrograms from './card-programs.ts';
import { clients } from './clients.ts';
import drivers from './drivers.ts';
import { gnupg } from './gnupg.ts';
import handles from './handles.ts';
import host from './host.ts';
import libraries from './libraries.ts';
import { macos } from './macos.ts';
import { macosGnupg } from './macos-gnupg.ts';
import { macosReaders } from './macos-readers.ts';
import { noteOwnPid, ownPids } from './own-pids.ts';
import { pkcs11 } from './pkcs11.ts';
import pcscd, { greeting } from './pcscd.ts';
import { collectPcsc, type PcscFacts } from './pcsc.ts';
import polkit from './polkit.ts';
import type { OnProgress } from './progress.ts';
import { inTurn } from './turn.ts';
import usb from './usb.ts';

/** What collecting uses besides the System. */
export interface CollectPorts {
  /** The child that loads pcsclite; null: the library's view is left out. */
  addon: AddonPort | null;
}

/** A collector that connects to no card, and what it waits for when it is slow. */
export interface PassiveStep {
  collector: Pick<Collector<never>, 'name'> & { facts: readonly FactName[]; collect(...args: Parameters<Collector<never>['collect']>): Promise<Partial<Facts>> };
  waitsFor: string;
}

/** Everything that can be seen without a connect to any card, in no particular order. */
export const passiveSteps: readonly PassiveStep[] = [
  { collector: host, waitsFor: 'loginctl' },
  { collector: usb, waitsFor: 'the USB devices in /sys and the open files of all processes' },
  { collector: drivers, waitsFor: 'the drivers\' Info.plist files' },
  { collector: pcscd, waitsFor: 'pcscd --version and systemctl' },
  { collector: polkit, waitsFor: 'polkit\'s rules' },
  { collector: libraries, waitsFor: 'the copies of libpcsclite on this machine' },
  { collector: gnupg, waitsFor: 'gpgconf and a running gpg-agent' },
  { collector: clients, waitsFor: 'the list of connections to pcscd' },
  { collector: pkcs11, waitsFor: 'the configuration of p11-kit and NSS' },
  { collector: cardPrograms, waitsFor: 'the names of running programs' },
  { collector: handles, waitsFor: 'pcscd, which does not answer' },
  { collector: macos, waitsFor: 'defaults, sw_vers and ps' },
  { collector: macosReaders, waitsFor: 'system_profiler' },
  { collector: macosGnupg, waitsFor: 'the GnuPGs of this Mac' },
];

/** Of the deadline of one connect: with the two that connecting may take, a run at defaults ends within 4 s. */
const PASSIVE_SHARE = 2 / 3;

/**
 * Takes a snapshot: looks at everything first, connects to cards last. Every fact is filled, a collector that
 * hangs or throws costs its own facts only, and every string is made visible on its way in.
 */
export function collect(system: System, options: CollectOptions, ports: CollectPorts, onProgress: OnProgress = () => {}): Promise<Snapshot> {
  // Steps are named after readers, and a terminal shows them before there is a snapshot.
  const work = () => collectAlone(system, options, ports, (progress) => onProgress(sanitize(progress)));
  return system.live ? inTurn(options.timeoutMs, work) : work();
}

async function collectAlone(system: System, options: CollectOptions, { addon }: CollectPorts, onProgress: OnProgress): Promise<Snapshot> {
  if (addon?.pid != null) noteOwnPid(addon.pid);
  const startedMs = system.now();
  const seen: Partial<Facts> = Object.assign({}, ...(await Promise.all(passiveSteps.map((step) => look(step, system, options, onProgress)))));
  const passive = seen as Omit<Facts, keyof PcscFacts | 'self'>;
  const daemon = system.platform === 'linux' ? pcscdSocket(socketPath(system), await greeting(system)) : null;
  const touched = await collectPcsc(system, options, passive, { daemon, library: addon }, onProgress);
  const facts: Facts = { ...passive, ...touched, self: selfFact({ ...passive, ...touched }, [...ownPids(system)]) };
  return sanitize<Snapshot>({
    schemaVersion: 1,
    tool,
    startedAt: new Date(startedMs).toISOString(),
    durationMs: system.now() - startedMs,
    redacted: false,
    options: { passive: options.passive, wake: options.wake, exclusive: options.exclusive, timeoutMs: options.timeoutMs, reader: options.reader },
    facts,
  });
}

/** One collector's facts, or for each of its names why there are none. */
export async function look({ collector, waitsFor }: PassiveStep, system: System, options: CollectOptions, onProgress: OnProgress = () => {}): Promise<Partial<Facts>> {
  const { name } = collector;
  const without = (why: Fact<never>) => Object.fromEntries(collector.facts.map((fact) => [fact, why])) as Partial<Facts>;
  onProgress({ step: name, state: 'running', waitsFor });
  const afterMs = Math.round(options.timeoutMs * PASSIVE_SHARE);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Partial<Facts>>((resolve) => {
    timer = setTimeout(() => resolve(without(timedOut(afterMs))), afterMs);
  });
  const facts = collector.collect(system, options).catch((error: unknown) => without(failed(`the collector ${name} failed: ${error instanceof Error ? error.message : String(error)}`)));
  const first = await Promise.race([facts, late]);
  clearTimeout(timer);
  onProgress({ step: name, state: 'done', waitsFor });
  return first;
}

/** What a fact that was denied would have shown. */
const blindSpots: Partial<Record<FactName, string>> = {
  usbHolders: 'which programs hold a reader over USB',
  handles: 'which process owns each open handle',
  clients: 'which processes are connected to pcscd',
  polkit: 'what polkit\'s rules allow',
  scdaemons: 'the scdaemons of other users',
  pcscdConfig: 'the configuration of pcscd',
  scdaemonConfig: 'the configuration of scdaemon',
};

function selfFact(facts: Omit<Facts, 'self'>, pids: number[]): Facts['self'] {
  const backends = [...(facts.daemon.status === 'ok' ? (['daemon'] as const) : []), ...(facts.libraryReaders.status === 'ok' ? (['library'] as const) : [])];
  const blind = (Object.entries(blindSpots) as [keyof typeof facts, string][]).flatMap(([name, what]) => {
    const fact: Fact<unknown> = facts[name];
    return fact.status === 'denied' ? [{ what, need: fact.need }] : [];
  });
  return ok({ pids, backends, blind }, 'cardcheck');
}
