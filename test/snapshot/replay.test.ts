/** A saved snapshot says the same wherever and by whomever it is read. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Report } from '../../src/report/schema.ts';
import { examine, redacted } from '../../src/run.ts';
import { parseSnapshot } from '../../src/snapshot/load.ts';
import { redact } from '../../src/snapshot/redact.ts';
import type { Snapshot } from '../../src/snapshot/schema.ts';
import { type BuiltCardcheck, buildCardcheck } from '../support/built.ts';
import { situation, situations } from '../support/situations.ts';

/** As it was taken, with its names. */
const fresh = (name: string): Snapshot => ({ ...situation(name), redacted: false });

const said = ({ findings }: Report) => findings.map(({ code, id, severity, certainty }) => `${code} ${id} ${severity} ${certainty}`).sort();

describe.each(situations)('%s', (name) => {
  test('saved and read again, gives the same report, and redacted the same findings', () => {
    const taken = fresh(name);
    const replayed = (snapshot: typeof taken) => examine(parseSnapshot(JSON.stringify(snapshot), name));
    expect(JSON.stringify(replayed(taken))).toBe(JSON.stringify(examine(taken)));
    const without = redact(taken);
    expect(JSON.stringify(replayed(without))).toBe(JSON.stringify(examine(without)));
    expect(said(examine(without))).toEqual(said(examine(taken)));
    expect(JSON.stringify(examine(without))).not.toContain('alice');
  });
});

test('the name of the machine that reads is a word like any other, that of the machine that was read is not', () => {
  const { facts, ...rest } = fresh('base');
  if (facts.host.status !== 'ok') throw new Error('the base has a host');
  const host = { ...facts.host, value: { ...facts.host.value, hostname: 'elsewhere.example.org' } };
  const pcscdUnits = { status: 'failed' as const, error: `${hostname()} and elsewhere and elsewhere.example.org` };
  const { facts: shared } = redacted({ ...rest, facts: { ...facts, host, pcscdUnits } }, { from: 'x.json' });
  expect(shared.pcscdUnits).toEqual({ status: 'failed', error: `${hostname()} and host2 and host1` });
});

describe('the built cardcheck', () => {
  let cardcheck: BuiltCardcheck;
  let folder = '';
  beforeAll(async () => {
    cardcheck = await buildCardcheck();
    folder = mkdtempSync(join(tmpdir(), 'cardcheck-'));
    writeFileSync(join(folder, 'support.json'), JSON.stringify(redact(fresh('gpg-blocked'))));
  });
  afterAll(async () => {
    await cardcheck.remove();
    rmSync(folder, { recursive: true });
  });

  const places: Record<string, string>[] = [
    { TZ: 'UTC' },
    { TZ: 'Pacific/Kiritimati', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8' },
    { TZ: 'America/St_Johns', LANG: 'C', COLUMNS: '41', HOME: '/nonexistent', USER: 'mallory', SUDO_UID: '1', GNUPGHOME: '/x', PCSCLITE_CSOCK_NAME: '/x', SSH_CONNECTION: 'x', NO_COLOR: '1', CARDCHECK_PASSIVE: '1', CARDCHECK_TIMEOUT: '3' },
  ];
  test.each([['--json'], ['--width', '80', '-v']])('prints the same bytes everywhere: %s', (...args) => {
    const outputs = places.map((env) => spawnSync(process.execPath, [cardcheck.entry, '--from', join(folder, 'support.json'), ...args], { env: { PATH: process.env.PATH, ...env, LC_ALL: 'C.UTF-8' }, cwd: env.LANG === 'C' ? '/' : folder, encoding: 'utf8' }).stdout);
    expect(outputs[0]).toContain('other-client-blocks-scdaemon');
    expect(new Set(outputs).size).toBe(1);
  });
});
