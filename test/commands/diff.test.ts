import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Change, diffSnapshots } from '../../src/diff/diff.ts';
import { diffDocument } from '../../src/diff/document.ts';
import { renderBlocks } from '../../src/report/text.ts';
import { examine } from '../../src/run.ts';
import { ok } from '../../src/snapshot/fact.ts';
import { redact } from '../../src/snapshot/redact.ts';
import type { Snapshot } from '../../src/snapshot/schema.ts';
import { type BuiltCardcheck, buildCardcheck } from '../support/built.ts';
import { situation, situations } from '../support/situations.ts';
import { processNamed, soundSnapshot } from '../support/snapshot.ts';

const fresh = (name: string): Snapshot => ({ ...situation(name), redacted: false });
const diff = (a: Snapshot, b: Snapshot) => diffSnapshots(a, b, examine);
const words = ({ kind, what, a, b }: Change): string => `${kind} ${what}: ${a} / ${b}`;
const inArea = (area: string, a: Snapshot, b: Snapshot): string[] => diff(a, b).changes.filter((change) => change.area === area).map(words);

/** The same snapshot as another run would have taken it: whatever is counted up or measured is other. */
function anotherRun(snapshot: Snapshot): Snapshot {
  const text = JSON.stringify({ ...snapshot, durationMs: 1234 })
    .replace(/"(pid|ppid)":(\d+)/g, (_, field: string, pid: string) => `"${field}":${Number(pid) + 7000}`)
    .replace(/("(?:startedAt|mtime)":")2026-11-24/g, '$12027-01-31')
    .replace(/"hCard":"[^"]*"/g, '"hCard":"0x7FFFFFF1"')
    .replace(/"inodes":\["[^"]*"\]/g, '"inodes":["99"]')
    .replace(/"ms":[\d.]+/g, '"ms":99.5')
    .replace(/"eventCounter":\d+/g, '"eventCounter":41')
    .replace(/"device":5/g, '"device":19');
  return JSON.parse(text) as Snapshot;
}

describe('two snapshots of one state', () => {
  test.each(situations)('%s: what differs between any two runs is no difference', (name) => {
    const one = fresh(name);
    expect(diff(one, anotherRun(one)).changes).toEqual([]);
    expect(diff(one, one).same).toBe(true);
    expect(diff(one, redact(one)).same).toBe(true);
  });

  test('by another user on another machine, in another order and with another number', () => {
    const other = JSON.parse(JSON.stringify(fresh('gpg-blocked')).replaceAll('alice', 'bob').replaceAll('CCID 00 00', 'CCID 02 00')) as Snapshot;
    expect(diff(fresh('gpg-blocked'), other).changes).toEqual([]);
  });
});

describe('what changed', () => {
  test('after a cure: the finding, the reader, the holder and the client are gone', () => {
    const before = fresh('gpg-blocked');
    expect(inArea('findings', before, fresh('base'))).toContain('only-in-a CC102 Another program shares the card, so GnuPG cannot have it: Yubico YubiKey OTP+FIDO+CCID: error, proven / null');
    expect(inArea('readers', before, fresh('base'))).toEqual(['changed Yubico YubiKey OTP+FIDO+CCID: card, shared, 1 handle / card, free']);
    expect(inArea('holders', before, fresh('base'))).toEqual([expect.stringMatching(/^only-in-a Yubico YubiKey OTP\+FIDO\+CCID: .*irefox.*, of the user, shared handle: proven/)]);
    expect(inArea('clients', before, fresh('base'))).toContainEqual(expect.stringMatching(/irefox.*, of the user: 1 running/));
  });

  test('a version, with both', () => {
    expect(inArea('versions', fresh('libccid-1.8.1'), fresh('libccid-1.8.2'))).toEqual(['changed libccid: 1.8.1 / 1.8.2']);
  });

  test('a line of scdaemon.conf, wherever its home is and whatever line it is on', () => {
    const withLines = (...options: [line: number, option: string][]): Snapshot => {
      const { facts, ...rest } = fresh('base');
      if (facts.scdaemonConfig.status !== 'ok') throw new Error('the base has a configuration');
      const lines = options.map(([line, option]) => ({ file: '/home/alice/.gnupg/scdaemon.conf', line, option, value: null }));
      return { ...rest, facts: { ...facts, scdaemonConfig: ok({ ...facts.scdaemonConfig.value, lines }, 'x') } };
    };
    expect(inArea('configuration', withLines([1, 'disable-ccid'], [2, 'pcsc-shared']), withLines([7, 'disable-ccid'], [9, 'pcsc-shared']))).toEqual([]);
    expect(inArea('configuration', withLines([1, 'pcsc-shared']), withLines([1, 'disable-ccid'], [2, 'pcsc-shared']))).toEqual(['only-in-b GNUPGHOME/scdaemon.conf: disable-ccid: null / ']);
  });

  test('two programs of one name are counted', () => {
    const clients = (...pids: number[]) => soundSnapshot({ clients: ok({ clients: pids.map((pid) => ({ process: processNamed('pcsc_scan', { pid }), connections: pid, inodes: [String(pid)], modules: [] })), unattributed: 0, hiddenByNamespace: 0, complete: true }, 'ss') });
    expect(inArea('clients', clients(7), clients(3))).toEqual([]);
    expect(inArea('clients', clients(7), clients(3, 4))).toEqual([expect.stringMatching(/^changed pcsc_scan, of the user: 1 running \/ 2 running$/)]);
  });
});

describe('what was not seen is not gone', () => {
  const blind = (snapshot: Snapshot): Snapshot => ({ ...snapshot, facts: { ...snapshot.facts, clients: { status: 'denied', need: 'root' }, handles: { status: 'denied', need: 'root' } } });

  test('in one of them: the area cannot be compared, with the reason', () => {
    const seen = fresh('gpg-blocked');
    expect(inArea('clients', seen, blind(seen))).toEqual(['not-comparable Clients of pcscd: null / needs root']);
    expect(inArea('holders', blind(seen), seen)).toEqual(['not-comparable Holders: needs root / null']);
  });

  test('in both: it is said, and no difference', () => {
    const { same, unseenInBoth } = diff(blind(fresh('base')), blind(fresh('base')));
    expect(same).toBe(true);
    expect(unseenInBoth).toContainEqual({ area: 'clients', why: 'needs root' });
  });

  test('a finding whose check could not answer', () => {
    const seen = fresh('libccid-1.8.1');
    const unseen: Snapshot = { ...seen, facts: { ...seen.facts, driverBundles: { status: 'failed', error: 'EIO' } } };
    expect(inArea('findings', seen, unseen)).toContainEqual(expect.stringMatching(/^not-comparable CC\d+ .*not answered: .*EIO$/));
  });
});

test('the text has the same differences as the document, each with its mark', () => {
  const result = diff(fresh('gpg-blocked'), fresh('base'));
  const text = renderBlocks(diffDocument(result, { a: 'before.json', b: 'after.json' }), { width: 1000, colors: false, ascii: true });
  const marks = { 'only-in-a': '-', 'only-in-b': '+', changed: '~', 'not-comparable': '?' };
  for (const { kind, what } of result.changes) expect(text).toContain(`\n  ${marks[kind]} ${what}`);
  expect(text.trim().split('\n').at(-1)).toContain(`${result.changes.length} differences`);
});

describe('cardcheck diff', () => {
  let cardcheck: BuiltCardcheck;
  let folder = '';
  const file = (name: string) => join(folder, name);
  beforeAll(async () => {
    cardcheck = await buildCardcheck();
    folder = await mkdtemp(join(tmpdir(), 'cardcheck-'));
    for (const name of ['base', 'gpg-blocked']) await writeFile(file(name), JSON.stringify(fresh(name)));
    await writeFile(file('broken'), '{');
  });
  afterAll(async () => {
    await cardcheck.remove();
    await rm(folder, { recursive: true });
  });

  const table: [string, number, () => string[]][] = [
    ['the same', 0, () => ['base', 'base']],
    ['differences', 1, () => ['base', 'gpg-blocked']],
    ['no snapshot', 65, () => ['base', 'broken']],
    ['nothing to read', 66, () => ['none', 'base']],
  ];
  test.each(table)('%s: exit %i, in JSON as well', async (_, exitCode, names) => {
    const files = names().map(file);
    expect((await cardcheck.run(['diff', ...files])).exitCode).toBe(exitCode);
    const json = await cardcheck.run(['diff', '--json', ...files]);
    expect(json.exitCode).toBe(exitCode);
    expect(JSON.parse(json.stdout)).toMatchObject(exitCode > 1 ? { error: { exitCode } } : { schemaVersion: 1, same: exitCode === 0 });
  });

  test('one of them through a pipe, not both', async () => {
    expect(await cardcheck.run(['diff', '-', file('base')], { stdin: JSON.stringify(fresh('base')) })).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await cardcheck.run(['diff', '-', '-'])).toMatchObject({ exitCode: 64 });
  });
});
