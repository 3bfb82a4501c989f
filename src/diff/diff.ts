/** What changed between two snapshots: before and after a cure, a machine that works and one that does not. Pure. */
import type { CheckOutcome, Report } from '../report/schema.ts';
import { reasonOf } from '../snapshot/fact.ts';
import { redact } from '../snapshot/redact.ts';
import type { Snapshot } from '../snapshot/schema.ts';
import { type Area, areas, commonWords, type Entry, type Examined } from './areas.ts';

export interface Change {
  area: string;
  kind: 'only-in-a' | 'only-in-b' | 'changed' | 'not-comparable';
  what: string;
  /** null: there is none; for `not-comparable`: it was seen. */
  a: string | null;
  b: string | null;
}

export interface Side {
  startedAt: string;
  tool: string;
  system: string | null;
  status: Report['status'];
  redacted: boolean;
}

export interface SnapshotDiff {
  schemaVersion: 1;
  a: Side;
  b: Side;
  same: boolean;
  changes: Change[];
  /** Of what neither says anything, with the reason; about these the two may differ. */
  unseenInBoth: { area: string; why: string }[];
}

/** @param examine how a snapshot becomes a report: the same checks for both, whatever version took them */
export function diffSnapshots(one: Snapshot, other: Snapshot, examine: (snapshot: Snapshot) => Report): SnapshotDiff {
  // A pseudonym and the name behind it are no difference.
  const alike = one.redacted === other.redacted ? (snapshot: Snapshot) => snapshot : (snapshot: Snapshot) => redact(snapshot);
  const [a, b] = [one, other].map((snapshot): Examined => ({ snapshot: alike(snapshot), report: examine(alike(snapshot)) })) as [Examined, Examined];
  const compared = areas.map((area) => ({ area, result: compareArea(area, a, b) }));
  const changes = compared.flatMap(({ result }) => result.changes);
  return {
    schemaVersion: 1,
    a: sideOf(a, one),
    b: sideOf(b, other),
    same: changes.length === 0,
    changes,
    unseenInBoth: compared.flatMap(({ area, result }) => (result.unseen === null ? [] : [{ area: area.id, why: result.unseen }])),
  };
}

const sideOf = ({ snapshot, report }: Examined, { redacted }: Snapshot): Side => ({
  startedAt: snapshot.startedAt,
  tool: snapshot.tool.version,
  system: report.host.distribution,
  status: report.status,
  redacted,
});

/** What is not seen in one snapshot is not gone: its area is then no longer compared entry by entry. */
function compareArea(area: Area, a: Examined, b: Examined): { changes: Change[]; unseen: string | null } {
  const [hiddenA, hiddenB] = [hidden(area, a), hidden(area, b)];
  if (hiddenA !== null && hiddenB !== null) return { changes: [], unseen: hiddenA === hiddenB ? hiddenA : `A: ${hiddenA}; B: ${hiddenB}` };
  if (hiddenA !== null || hiddenB !== null) return { changes: [{ area: area.id, kind: 'not-comparable', what: area.title, a: hiddenA, b: hiddenB }], unseen: null };
  const [entriesA, entriesB] = [area.entries(a, commonWords(a)), area.entries(b, commonWords(b))];
  const changes = changesOf(area.id, entriesA, entriesB);
  return { changes: area.id === 'findings' ? changes.map((change) => withOutcome(change, a, b)) : changes, unseen: null };
}

/** Why nothing can be said of an area; null: something can. A fact that was looked for and is absent says something. */
function hidden({ needs }: Area, { snapshot: { facts } }: Examined): string | null {
  const reasons = needs.flatMap((names) => {
    const lacking = names.map((name) => facts[name]).filter((fact) => fact.status !== 'ok' && fact.status !== 'absent');
    return lacking.length < names.length ? [] : lacking.slice(0, 1).map(reasonOf);
  });
  return reasons[0] ?? null;
}

function changesOf(area: string, a: readonly Entry[], b: readonly Entry[]): Change[] {
  const [saysA, saysB] = [a, b].map((entries) => new Map(entries.map(({ of, says }) => [of, says]))) as [Map<string, string>, Map<string, string>];
  return [...new Set([...saysA.keys(), ...saysB.keys()])].flatMap((what): Change[] => {
    const [inA, inB] = [saysA.get(what) ?? null, saysB.get(what) ?? null];
    if (inA === inB) return [];
    return [{ area, kind: inB === null ? 'only-in-a' : inA === null ? 'only-in-b' : 'changed', what, a: inA, b: inB }];
  });
}

/** A finding that one snapshot lacks because its check could not answer there is not gone. */
function withOutcome(change: Change, a: Examined, b: Examined): Change {
  const lacking = { 'only-in-a': b, 'only-in-b': a, changed: null, 'not-comparable': null }[change.kind];
  const outcome = lacking?.report.checks.find(({ code }) => change.what.startsWith(`${code} `));
  const why = outcome === undefined ? null : silence(outcome);
  if (why === null) return change;
  return lacking === a ? { ...change, kind: 'not-comparable', a: why } : { ...change, kind: 'not-comparable', b: why };
}

function silence({ outcome, reason = '' }: CheckOutcome): string | null {
  return outcome === 'unknown' || outcome === 'crashed' ? `not answered: ${reason}` : null;
}
