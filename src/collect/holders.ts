import { ok, skipped } from '../snapshot/fact.ts';
import { sanitize } from '../snapshot/sanitize.ts';
import type { FactName, Facts } from '../snapshot/schema.ts';
import type { System } from '../system/port.ts';
import type { CollectOptions } from './collector.ts';
import { lookIntoPcscd } from './handles.ts';
import { look, passiveSteps } from './index.ts';
import { ownPids } from './own-pids.ts';

/** What evidence there is without a proof. */
const EVIDENCE: readonly FactName[] = ['clients', 'pcscdProcesses', 'scdaemons'];

/**
 * The facts that say who holds which reader, and no others: passive, without a connect to any card and without
 * waking pcscd. To root pcscd's memory answers by itself, at a cost that grows with pcscd's clients only; evidence
 * is gathered where there is no such proof.
 */
export async function collectHolders(system: System, options: CollectOptions): Promise<Facts> {
  const [insight, usb] = await Promise.all([lookIntoPcscd(system, options.timeoutMs), lookAt(['usbDevices', 'usbHolders'], system, options)]);
  const evidence = insight.handles.status === 'ok' ? {} : await lookAt(EVIDENCE, system, options);
  const self = ok({ pids: [...ownPids(system)], backends: [], blind: [] }, 'cardcheck');
  return sanitize<Facts>({ ...nothing(), ...usb, ...evidence, ...insight, self });
}

async function lookAt(wanted: readonly FactName[], system: System, options: CollectOptions): Promise<Partial<Facts>> {
  const steps = passiveSteps.filter(({ collector }) => collector.facts.some((name) => wanted.includes(name)));
  return Object.assign({}, ...(await Promise.all(steps.map((step) => look(step, system, options)))));
}

/** Every fact with the reason for having none. */
function nothing(): Facts {
  const why = skipped('not needed to tell who holds a reader');
  const touching = ['daemon', 'readers', 'probes', 'addon', 'libraryReaders', 'libraryContext', 'self'] satisfies FactName[];
  const names = [...passiveSteps.flatMap(({ collector }) => collector.facts), ...touching];
  return Object.fromEntries(names.map((name) => [name, why])) as unknown as Facts;
}
