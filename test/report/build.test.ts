import { describe, expect, test } from 'vitest';
import { checks } from '../../checks/index.ts';
import { judge } from '../../src/judge.ts';
import { buildReport } from '../../src/report/build.ts';
import { type LayerReport, type Report, reportSchema } from '../../src/report/schema.ts';
import { verdict } from '../../src/report/verdict.ts';
import { denied, failed } from '../../src/snapshot/fact.ts';
import type { Snapshot } from '../../src/snapshot/schema.ts';
import { factsOf, situation, situations } from '../support/situations.ts';

function reportOn(snapshot: Snapshot): Report {
  const facts = factsOf(snapshot);
  return buildReport(snapshot, facts, judge(checks, facts));
}
const layer = (report: Report, id: LayerReport['id']) => report.layers.find((one) => one.id === id);
const statuses = (report: Report) => Object.fromEntries(report.layers.map(({ id, status }) => [id, status]));

test.each(situations)('%s makes a report that the published schema accepts', (name) => {
  const report = reportOn(situation(name));
  expect(reportSchema.parse(JSON.parse(JSON.stringify(report)))).toEqual(report);
});

describe('the ladder', () => {
  test('a sound machine is sound on every rung', () => {
    const report = reportOn(situation('base'));
    expect(new Set(Object.values(statuses(report)))).toEqual(new Set(['ok']));
    expect(layer(report, 'service')?.summary).toBe('pcscd 1.9.9 answers, protocol 4:4');
    expect(layer(report, 'gnupg')?.summary).toBe('scdaemon 2.2.40, through PC/SC, shared');
  });

  test('what rests on a broken rung is not examined', () => {
    expect(statuses(reportOn(situation('no-pcscd')))).toEqual({
      device: 'ok',
      permission: 'ok',
      driver: 'ok',
      service: 'error',
      access: 'not-examined',
      sharing: 'not-examined',
      card: 'not-examined',
      gnupg: 'not-examined',
    });
  });

  test('a rung with a finding says it, also above a broken one', () => {
    const report = reportOn(situation('config-shared-over-usb'));
    expect(layer(report, 'sharing')?.status).toBe('error');
    expect(layer(report, 'gnupg')).toMatchObject({ status: 'warning', summary: expect.stringContaining('scdaemon.conf') });
  });

  test('a risk is a warning on the rung of GnuPG', () => {
    expect(statuses(reportOn(situation('latent-2.2'))).gnupg).toBe('warning');
  });

  test('a rung whose facts could not be had is unknown, with the reason', () => {
    const base = situation('base');
    const report = reportOn({ ...base, facts: { ...base.facts, usbDevices: failed('EIO') } });
    expect(layer(report, 'device')).toEqual({ id: 'device', status: 'unknown', summary: 'EIO' });
  });

  test('a reader into which nobody looked is not called empty', () => {
    expect(layer(reportOn(situation('lab-pcscd-asleep')), 'card')?.summary).toBe('whether a card is inserted was not seen');
    expect(layer(reportOn(situation('lab-emulated-reader')), 'card')?.summary).toBe('no card inserted');
  });

  test('without GnuPG there is nothing to examine', () => {
    expect(layer(reportOn(situation('no-gnupg')), 'gnupg')).toEqual({ id: 'gnupg', status: 'not-examined', summary: 'GnuPG is not installed' });
  });
});

describe('the findings', () => {
  test('come worst first and lower layers first', () => {
    const { findings } = reportOn(situation('config-shared-over-usb'));
    expect([...new Set(findings.map(({ severity }) => severity))]).toEqual(['error', 'warning', 'info']);
  });

  test('are said once', () => {
    const snapshot = situation('gpg-blocked');
    const facts = factsOf(snapshot);
    const { outcomes, findings } = judge(checks, facts);
    expect(buildReport(snapshot, facts, { outcomes, findings: [...findings, ...findings] }).findings).toEqual(buildReport(snapshot, facts, { outcomes, findings }).findings);
  });

  test('name the holder, its mode and the code that others get', () => {
    const [held] = reportOn(situation('gpg-holds')).findings;
    expect(held?.message).toContain('EXCLUSIVE mode by scdaemon (pid 2100, alice)');
    expect(held?.message).toContain('SCARD_E_SHARING_VIOLATION (0x8010000B)');
  });

  test('name nobody where nobody was seen', () => {
    for (const name of ['somebody-unseen-holds', 'gpg-blocked-by-somebody-unseen']) {
      const [finding] = reportOn(situation(name)).findings;
      expect(finding?.message).toContain('a process that could not be seen');
      expect(finding?.data.holders).toEqual([]);
    }
  });
});

describe('the whole', () => {
  test.each([
    ['base', 'ok'],
    ['no-addon', 'ok'],
    ['latent-2.2', 'warning'],
    ['gpg-blocked', 'error'],
  ] as const)('%s is %s', (name, status) => {
    expect(reportOn(situation(name)).status).toBe(status);
  });

  test('an open question makes an otherwise sound machine unknown, not ok', () => {
    const base = situation('base');
    const report = reportOn({ ...base, facts: { ...base.facts, usbDevices: denied('root') } });
    expect(report.status).toBe('unknown');
    expect(report.unseen).toContainEqual({ what: 'the USB bus', need: 'root' });
  });

  test('what this user may not see is listed with what would show it', () => {
    expect(reportOn(situation('base')).unseen).toEqual([{ what: 'which process owns each open handle', need: 'root' }]);
  });

  test('the verdict is one line that names the worst', () => {
    expect(verdict(reportOn(situation('base')))).toBe('Nothing wrong was found: 1 reader free.');
    expect(verdict(reportOn(situation('gpg-blocked')))).toBe('Another program shares the card, so GnuPG cannot have it: Yubico YubiKey OTP+FIDO+CCID 00 00 [CC102].');
    for (const name of situations) expect(verdict(reportOn(situation(name)))).not.toContain('\n');
  });
});
