import { expect, test } from 'vitest';
import type { Code } from '../checks/codes.ts';
import { type AnyCheck, defineCheck, type Draft, notApplicable } from '../src/check.ts';
import { judge } from '../src/judge.ts';
import { absent, denied, failed, skipped, timedOut } from '../src/snapshot/fact.ts';
import { factsOf, situation } from './support/situations.ts';

const facts = factsOf(situation('base'));

const reader: AnyCheck = defineCheck({
  code: 'CC506',
  needs: ['usbDevices'],
  check: () => [{ subject: { kind: 'machine', name: 'here' }, data: {}, certainty: 'proven', evidence: ['seen'], remedies: [] }],
});
const noPcscd: AnyCheck = defineCheck({
  code: 'CC401',
  needs: [],
  check: () => [{ subject: { kind: 'service', name: 'pcscd' }, data: { socket: '/run/x', says: 'Gone' }, certainty: 'proven', evidence: [], remedies: [] }],
});

test('a finding carries the code, the prose of its row and what the check said', () => {
  const { findings, outcomes } = judge([noPcscd], facts);
  expect(outcomes).toEqual([{ code: 'CC401', id: 'pcscd-not-running', outcome: 'findings' }]);
  expect(findings[0]).toMatchObject({ code: 'CC401', id: 'pcscd-not-running', severity: 'error', layer: 'service', docs: 'cardcheck explain CC401' });
  expect(findings[0]?.message).toContain('/run/x');
});

test.each([
  [denied('root'), 'usbDevices: needs root'],
  [failed('EIO'), 'usbDevices: EIO'],
  [timedOut(300), 'usbDevices: no answer within 300 ms'],
  [skipped('--passive'), 'usbDevices: --passive'],
  [absent('no /sys'), 'usbDevices: no /sys'],
])('without the fact it needs a check is unknown, with the reason: %j', (fact, reason) => {
  expect(judge([reader], { ...facts, usbDevices: fact })).toEqual({ outcomes: [{ code: 'CC506', id: 'no-reader', outcome: 'unknown', reason }], findings: [] });
});

test('a check about a thing that is not there does not apply', () => {
  const { outcomes } = judge([{ ...reader, about: ['usbDevices'] }], { ...facts, usbDevices: absent('no USB here') });
  expect(outcomes).toEqual([{ code: 'CC506', id: 'no-reader', outcome: 'not-applicable', reason: 'no USB here' }]);
});

test('one cause is said once: a check after a found error does not run, whatever the order of the list and the state of its facts', () => {
  const later: AnyCheck = { ...reader, after: ['pcscd-not-running'] };
  for (const list of [[later, noPcscd], [noPcscd, later]]) {
    const { outcomes, findings } = judge(list, { ...facts, usbDevices: denied('root') });
    expect(findings.map(({ code }) => code)).toEqual(['CC401']);
    expect(outcomes.find(({ code }) => code === 'CC506')).toMatchObject({ outcome: 'not-applicable', reason: 'explained by pcscd-not-running' });
  }
});

test('a warning explains nothing away', () => {
  const warning: AnyCheck = { ...noPcscd, check: (input) => [noPcscd.check(input)].flat().map((draft) => ({ ...(draft as Draft<Code>), severity: 'warning' })) };
  expect(judge([warning, { ...reader, after: ['pcscd-not-running'] }], facts).findings.map(({ code }) => code)).toEqual(['CC401', 'CC506']);
});

test('a check that throws is a result of its own; the others still answer', () => {
  const broken: AnyCheck = {
    ...reader,
    check: () => {
      throw new Error('off by one');
    },
  };
  const { outcomes } = judge([broken, noPcscd], facts);
  expect(outcomes).toEqual([
    { code: 'CC506', id: 'no-reader', outcome: 'crashed', reason: 'off by one' },
    { code: 'CC401', id: 'pcscd-not-running', outcome: 'findings' },
  ]);
});

test('a question that makes no sense here is no pass', () => {
  expect(judge([{ ...reader, check: () => notApplicable('a Mac') }], facts).outcomes[0]).toMatchObject({ outcome: 'not-applicable', reason: 'a Mac' });
});
