import type { JudgedFacts } from '../check.ts';
import type { Judgement } from '../judge.ts';
import { valueOf } from '../snapshot/fact.ts';
import type { FactName, Snapshot } from '../snapshot/schema.ts';
import { layerLadder } from './layers.ts';
import type { Finding, Report, Severity } from './schema.ts';
import { layerIds } from './vocabulary.ts';

/** Everything a report says, from a judged snapshot. The findings may have been thinned out by --suppress before. */
export function buildReport(snapshot: Snapshot, facts: JudgedFacts, { outcomes, findings }: Judgement): Report {
  const sorted = inOrder(findings);
  return {
    schemaVersion: 1,
    tool: snapshot.tool,
    host: hostOf(facts),
    startedAt: snapshot.startedAt,
    durationMs: snapshot.durationMs,
    status: statusOf(sorted, outcomes),
    layers: layerLadder(facts, sorted, outcomes),
    readers: valueOf(facts.holdings) ?? [],
    checks: outcomes,
    findings: sorted,
    suppressed: 0,
    unseen: unseenIn(snapshot),
  };
}

function hostOf({ host }: JudgedFacts): Report['host'] {
  const known = valueOf(host);
  return {
    platform: known?.platform ?? 'unknown',
    distribution: known?.distribution?.name ?? null,
    kernel: known?.kernel ?? null,
    root: known?.root ?? null,
  };
}

/** What was found counts for more than what could not be asked. */
function statusOf(findings: readonly Finding[], outcomes: Judgement['outcomes']): Report['status'] {
  if (findings.some(({ severity }) => severity === 'error')) return 'error';
  if (findings.some(({ severity }) => severity === 'warning')) return 'warning';
  return outcomes.some(({ outcome }) => outcome === 'unknown' || outcome === 'crashed') ? 'unknown' : 'ok';
}

const severityRank: Record<Severity, number> = { error: 0, warning: 1, info: 2 };
const layerRank = ({ layer }: Finding): number => (layer === null ? layerIds.length : layerIds.indexOf(layer));

/** Worst first, then from the device upwards; each said once, in an order that does not depend on that of the facts. */
function inOrder(findings: readonly Finding[]): Finding[] {
  const once = new Map(findings.map((finding) => [`${finding.code}\n${finding.subject.name}\n${finding.message}`, finding]));
  return [...once]
    .sort(([oneKey, one], [otherKey, other]) => severityRank[one.severity] - severityRank[other.severity] || layerRank(one) - layerRank(other) || (oneKey < otherKey ? -1 : 1))
    .map(([, finding]) => finding);
}

/** Facts whose refusal the collectors do not put into words themselves (src/collect/index.ts). */
const refusable: Partial<Record<FactName, string>> = { usbDevices: 'the USB bus', daemon: 'pcscd itself', readers: "pcscd's list of readers" };

/** What the collectors could not see, and what they were refused. */
function unseenIn({ facts }: Snapshot): Report['unseen'] {
  const refused = Object.entries(refusable).flatMap(([name, what]) => {
    const fact = facts[name as FactName];
    return fact.status === 'denied' ? [{ what, need: fact.need }] : [];
  });
  return [...(valueOf(facts.self)?.blind ?? []), ...refused];
}
