import { ok, skipped } from '../snapshot/fact.ts';
import { sanitize } from '../snapshot/sanitize.ts';
import type { FactName, Facts, Process } from '../snapshot/schema.ts';
import type { System } from '../system/port.ts';
import type { CollectOptions } from './collector.ts';
import { lookIntoPcscd } from './handles.ts';
import { look, passiveSteps } from './index.ts';
import { ownPids } from './own-pids.ts';
import { pkcs11Of } from './pkcs11.ts';

/** What evidence there is without a proof. */
const EVIDENCE: readonly FactName[] = ['clients', 'pkcs11Hosts', 'pcscdProcesses', 'scdaemons'];

/**
 * The facts that say who holds which reader, and no others: passive, without a connect to any card and without
 * waking pcscd. To root pcscd's memory answers by itself, at a cost that grows with pcscd's clients only; evidence
 * is gathered where there is no such proof.
 */
export async function collectHolders(system: System, options: CollectOptions): Promise<Facts> {
  const [insight, usb] = await Promise.all([lookIntoPcscd(system, options.timeoutMs), lookAt(['usbDevices', 'usbHolders'], system, options)]);
  const { handles } = insight;
  const evidence = await (handles.status === 'ok' ? lookIntoOwners(handles.value.flatMap(({ process }) => process ?? []), system, options) : lookAt(EVIDENCE, system, options));
  const self = ok({ pids: [...ownPids(system)], backends: [], blind: [] }, 'cardcheck');
  return sanitize<Facts>({ ...nothing(), ...usb, ...evidence, ...insight, self });
}

/** Who holds a reader is proven then; by which modules, and who wanted that, is not. */
function lookIntoOwners(owners: readonly Process[], system: System, options: CollectOptions): Promise<Partial<Facts>> {
  const distinct = [...new Map(owners.map((process) => [process.pid, process])).values()];
  return look({ collector: pkcs11Of(distinct), waitsFor: 'the configuration of p11-kit and NSS' }, system, options);
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
