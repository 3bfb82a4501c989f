import { type Code, codes } from '../checks/codes.ts';
import type { AnyCheck, Draft, InputName, JudgedFacts } from './check.ts';
import type { CheckOutcome, Finding } from './report/schema.ts';
import { reasonOf } from './snapshot/fact.ts';
import type { Fact } from './snapshot/schema.ts';

export interface Judgement {
  outcomes: CheckOutcome[];
  findings: Finding[];
}

/**
 * Runs every check on the facts it declared. A needed fact without a value makes the outcome `unknown`, a check
 * that throws is `crashed`, and one whose cause is already explained by a lower error finding is not applicable.
 * Checks run in the order in which `after` makes each one's predecessors known.
 * @param concerns findings that are asked for; the others explain nothing either
 */
export function judge(checks: readonly AnyCheck[], facts: JudgedFacts, concerns: (finding: Finding) => boolean = () => true): Judgement {
  const outcomes: CheckOutcome[] = [];
  const findings: Finding[] = [];
  const explained = new Set<string>();
  for (const check of inOrder(checks)) {
    const { outcome, found } = judgeOne(check, facts, explained, concerns);
    outcomes.push(outcome);
    findings.push(...found);
    if (found.some((finding) => finding.severity === 'error')) explained.add(codes[check.code].id);
  }
  return { outcomes, findings };
}

function judgeOne(check: AnyCheck, facts: JudgedFacts, explained: ReadonlySet<string>, concerns: (finding: Finding) => boolean): { outcome: CheckOutcome; found: Finding[] } {
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
  for (const name of check.wants ?? ([] as InputName[])) input[name] = facts[name];

  try {
    const result = check.check(input);
    if ('notApplicable' in result) return without('not-applicable', result.notApplicable);
    const found = result.map((draft) => finding(code, draft)).filter(concerns);
    return found.length === 0 ? without('pass') : { outcome: { code, id, outcome: 'findings' }, found };
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
