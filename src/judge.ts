import { type Code, codes } from '../checks/codes.ts';
import type { AnyCheck, Draft, InputName, JudgedFacts } from './check.ts';
import type { CheckOutcome, Finding } from './report/schema.ts';
import { reasonOf, watchNotAsked } from './snapshot/fact.ts';
import type { Fact } from './snapshot/schema.ts';

export interface Judgement {
  outcomes: CheckOutcome[];
  findings: Finding[];
}

export interface Circumstances {
  /** Findings that are asked for; the others explain nothing either. */
  concerns(finding: Finding): boolean;
  /** Facts the holdings were derived without because nobody asked for them. */
  holdingsLack: readonly string[];
}

/**
 * Runs every check on the facts it declared. A needed fact without a value makes the outcome `unknown`, a check
 * that throws is `crashed`, and one whose cause is already explained by a lower error finding is not applicable. So is
 * one `unknown` that finds nothing and has looked at a fact nobody asked for, in a snapshot older than the question.
 * Checks run in the order in which `after` makes each one's predecessors known.
 */
export function judge(checks: readonly AnyCheck[], facts: JudgedFacts, circumstances: Partial<Circumstances> = {}): Judgement {
  const { concerns = () => true, holdingsLack = [] } = circumstances;
  const outcomes: CheckOutcome[] = [];
  const findings: Finding[] = [];
  const explained = new Set<string>();
  for (const check of inOrder(checks)) {
    const { outcome, found } = judgeOne(check, facts, explained, { concerns, holdingsLack });
    outcomes.push(outcome);
    findings.push(...found);
    if (found.some((finding) => finding.severity === 'error')) explained.add(codes[check.code].id);
  }
  return { outcomes, findings };
}

function judgeOne(check: AnyCheck, facts: JudgedFacts, explained: ReadonlySet<string>, { concerns, holdingsLack }: Circumstances): { outcome: CheckOutcome; found: Finding[] } {
  const { code } = check;
  const { id } = codes[code];
  const without = (outcome: CheckOutcome['outcome'], reason?: string) => ({ outcome: { code, id, outcome, ...(reason === undefined ? {} : { reason }) }, found: [] });

  const cause = check.after?.find((earlier) => explained.has(earlier));
  if (cause !== undefined) return without('not-applicable', `explained by ${cause}`);

  const input: Record<string, unknown> = {};
  for (const name of check.needs) {
    const fact: Fact<unknown> = facts[name];
    if (fact.status === 'absent' && check.about?.includes(name)) return without('not-applicable', fact.reason);
    if (fact.status !== 'ok') return without('unknown', `${name}: ${reasonOf(fact)}`);
    input[name] = fact.value;
  }
  const wants = check.wants ?? ([] as InputName[]);
  const wanted = watchNotAsked(Object.fromEntries(wants.map((name) => [name, facts[name]])));
  Object.assign(input, wanted.facts);

  try {
    const result = check.check(input);
    const found = 'notApplicable' in result ? [] : result.map((draft) => finding(code, draft)).filter(concerns);
    if (found.length > 0) return { outcome: { code, id, outcome: 'findings' }, found };
    const readsHoldings = [...check.needs, ...wants].includes('holdings');
    const [lacking] = [...wanted.lookedAt(), ...(readsHoldings ? holdingsLack : [])];
    if (lacking !== undefined) return without('unknown', `${lacking}: ${reasonOf(facts[lacking as InputName] as Parameters<typeof reasonOf>[0])}`);
    return 'notApplicable' in result ? without('not-applicable', result.notApplicable) : without('pass');
  } catch (error) {
    return without('crashed', error instanceof Error ? error.message : String(error));
  }
}

function finding(code: Code, draft: Draft<Code>): Finding {
  const row = codes[code];
  return {
    code,
    id: row.id,
    severity: draft.severity ?? row.severity,
    layer: row.layer,
    title: row.title,
    message: (row.message as (data: unknown) => string)(draft.data),
    subject: draft.subject,
    data: draft.data,
    certainty: draft.certainty,
    evidence: draft.evidence,
    remedies: draft.remedies,
    docs: `cardcheck explain ${code}`,
  };
}

/** The list's own order, except that a check comes after those it names. */
function inOrder(checks: readonly AnyCheck[]): AnyCheck[] {
  const byId = new Map(checks.map((check) => [codes[check.code].id as string, check]));
  const done = new Set<AnyCheck>();
  const visit = (check: AnyCheck) => {
    if (done.has(check)) return;
    done.add(check);
    for (const id of check.after ?? []) {
      const earlier = byId.get(id);
      if (earlier !== undefined) visit(earlier);
    }
    ordered.push(check);
  };
  const ordered: AnyCheck[] = [];
  for (const check of checks) visit(check);
  return ordered;
}
