import type { Certainty } from '../report/schema.ts';
import type { CauseRule } from './cause.ts';
import type { Clause } from './clause.ts';
import type { Cause, Evidence } from './explanation.ts';
import type { Notebook } from './notebook.ts';
import type { Sighting } from './observation.ts';
import { type CauseId, causeRules } from './rules/index.ts';

/** From here on a cause is called likely: two independent pointers, or one line hardly anything else writes. */
const LIKELY = 4;
/** Weaker ones are not worth a line. */
const WORTH_SAYING = 0.4;
const MAX_CAUSES = 6;
const MAX_EVIDENCE = 8;

interface Weighed {
  id: CauseId;
  rule: CauseRule;
  weight: number;
  decided: boolean;
  fired: { clause: Clause; sightings: readonly Sighting[] }[];
}

/** Every cause the notebook speaks for, best first. Pure. */
export function infer(book: Notebook): Cause[] {
  const weighed = (Object.entries(causeRules) as [CauseId, CauseRule][]).map(([id, rule]) => weigh(id, rule, book)).filter(({ weight }) => weight >= WORTH_SAYING);
  weighed.sort((a, b) => b.weight - a.weight);
  const total = weighed.reduce((sum, { weight }) => sum + 2 ** weight, 0);
  return weighed.slice(0, MAX_CAUSES).map((one) => ({
    id: one.id,
    certainty: certaintyOf(one),
    score: Math.round((2 ** one.weight / total) * 1000) / 1000,
    evidence: evidenceOf(one, ({ weight }) => weight > 0),
    against: evidenceOf(one, ({ weight }) => weight < 0),
    decidedBy: one.rule.decidedBy,
    next: [...one.rule.next],
  }));
}

function weigh(id: CauseId, rule: CauseRule, book: Notebook): Weighed {
  const fired = rule.clauses.map((clause) => ({ clause, sightings: clause.when(book) })).filter(({ sightings }) => sightings.length > 0);
  const weight = fired.reduce((sum, { clause }) => sum + clause.weight, 0);
  return { id, rule, fired, weight, decided: fired.some(({ clause }) => clause.decides === true) };
}

function certaintyOf({ weight, decided, fired }: Weighed): Certainty {
  const contradicted = fired.some(({ clause }) => clause.weight < 0);
  if (decided && !contradicted) return 'proven';
  return weight >= LIKELY ? 'likely' : 'possible';
}

/** Each line once per cause, with the strongest thing it says; strongest first. */
function evidenceOf({ fired }: Weighed, wanted: (clause: Clause) => boolean): Evidence[] {
  const byLine = new Map<number, Evidence>();
  const strongestFirst = fired.filter(({ clause }) => wanted(clause)).sort((a, b) => Math.abs(b.clause.weight) - Math.abs(a.clause.weight));
  for (const { clause, sightings } of strongestFirst) {
    for (const { line, lastLine, count } of sightings) {
      if (byLine.has(line.number) || byLine.size >= MAX_EVIDENCE) continue;
      byLine.set(line.number, { line: line.number, text: line.text, says: clause.says, ...(count > 1 && { repeated: { count, lastLine } }) });
    }
  }
  return [...byLine.values()];
}
