import { describe, expect, test } from 'vitest';
import { exitCodeOf, type FailOn } from '../src/exit-code.ts';
import type { CheckOutcome, Finding, Severity } from '../src/report/schema.ts';

const finding = (severity: Severity) => ({ severity }) as Finding;
const check = (outcome: CheckOutcome['outcome']): CheckOutcome => ({ code: 'CC101', id: 'x', outcome });

describe('exit code', () => {
  const table: [string, Severity[], CheckOutcome['outcome'][], FailOn, boolean, number][] = [
    ['nothing found', [], ['pass', 'not-applicable'], 'error', false, 0],
    ['an error', ['error'], ['findings'], 'error', false, 1],
    ['a warning under the default threshold', ['warning'], ['findings'], 'error', false, 0],
    ['a warning that shall fail', ['warning'], ['findings'], 'warning', false, 1],
    ['an info that shall fail', ['info'], ['findings'], 'info', false, 1],
    ['an error that shall not fail', ['error'], ['findings'], 'never', false, 0],
    ['an unknown', [], ['unknown'], 'error', false, 2],
    ['a crash', [], ['crashed'], 'error', false, 2],
    ['an allowed unknown', [], ['unknown'], 'error', true, 0],
    ['an error beside an unknown', ['error'], ['findings', 'unknown'], 'error', false, 1],
    ['a tolerated error beside an unknown', ['error'], ['findings', 'unknown'], 'never', false, 2],
  ];
  test.each(table)('%s', (_, severities, outcomes, failOn, allowUnknown, expected) => {
    expect(exitCodeOf({ findings: severities.map(finding), checks: outcomes.map(check) }, { failOn, allowUnknown })).toBe(expected);
  });
});
