import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { checks } from '../../checks/index.ts';
import { examine } from '../../src/run.ts';
import { parseSnapshot } from '../../src/snapshot/load.ts';
import { schemaVersions, withTodaysFacts } from '../../src/snapshot/migrate.ts';
import { factSchemas, type Snapshot, snapshotSchema } from '../../src/snapshot/schema.ts';
import { tool } from '../../src/tool.ts';
import { situation, situations } from '../support/situations.ts';
import { soundSnapshot } from '../support/snapshot.ts';

const folder = new URL('../../fixtures/saved/', import.meta.url);
const saved = readdirSync(folder);
const text = (file: string) => readFileSync(new URL(file, folder), 'utf8');

const ofMacsAlone = (name: string) => name.startsWith('macos');

describe('a snapshot that an earlier cardcheck saved', () => {
  test.each(saved)('%s is still read, and still shows its cause', (file) => {
    const { findings } = examine(parseSnapshot(text(file), file));
    // cardcheck-VERSION-ID.json
    const id = /^cardcheck-[\d.]+-(.+)\.json$/.exec(file)?.[1];
    expect(findings.map((finding) => finding.id)).toContain(id);
  });

  test('has one for each schema version that was ever written', () => {
    const written = saved.map((file) => (JSON.parse(text(file)) as { schemaVersion: number }).schemaVersion);
    expect([...new Set(written)].sort()).toEqual([...schemaVersions]);
    expect(schemaVersions.at(-1)).toBe(snapshotSchema.shape.schemaVersion.value);
  });

  test.each(Object.keys(factSchemas).filter((name) => !ofMacsAlone(name)))('that did not ask for %s yet is read, and says so', (name) => {
    const { [name as keyof typeof factSchemas]: _, ...facts } = soundSnapshot().facts;
    const older = { ...soundSnapshot(), tool: { name: 'cardcheck', version: '0.0.9' }, facts };
    const snapshot = parseSnapshot(JSON.stringify(older), 'older.json');
    expect(snapshot.facts[name as keyof typeof factSchemas]).toEqual({ status: 'skipped', why: 'not asked by the cardcheck that took the snapshot (0.0.9)' });
    expect(examine(snapshot).checks.filter(({ outcome }) => outcome === 'crashed')).toEqual([]);
  });
});

describe('a finding that hangs on a question an earlier cardcheck did not ask', () => {
  test.each(situations)('is not passed over in %s', (name) => {
    const snapshot = situation(name);
    const speaking = examine(snapshot).findings.map(({ code }) => code);
    const found = checks.filter(({ code }) => speaking.includes(code));
    for (const fact of Object.keys(snapshot.facts)) {
      const { [fact as keyof typeof factSchemas]: _, ...facts } = snapshot.facts;
      const older = withTodaysFacts({ ...snapshot, facts }) as Snapshot;
      const silent = found.flatMap((check) => examine(older, { checks: [check] }).checks.filter(({ outcome }) => outcome === 'pass'));
      expect(silent, `without ${fact}`).toEqual([]);
    }
  });

  test('is open, with the reason; one that does not hang on it passes', () => {
    const { gnupgHome: _, ...facts } = situation('base').facts;
    const outcomes = examine(parseSnapshot(JSON.stringify({ ...situation('base'), facts }), 'older.json')).checks;
    expect(outcomes.find(({ id }) => id === 'gnupg-home-unusable')).toMatchObject({ outcome: 'unknown', reason: expect.stringMatching(/^gnupgHome: not asked by the cardcheck that took the snapshot/) });
    expect(outcomes.filter(({ outcome }) => outcome === 'unknown')).toHaveLength(1);
  });
});

describe('one that an earlier cardcheck saved, which knew nothing of Macs', () => {
  const older = (platform: 'linux' | 'darwin') => {
    const { facts, ...rest } = soundSnapshot();
    if (facts.host.status === 'ok') facts.host.value.platform = platform;
    const kept = Object.fromEntries(Object.entries(facts).filter(([name]) => !ofMacsAlone(name)));
    return parseSnapshot(JSON.stringify({ ...rest, facts: kept }), 'older.json');
  };

  test('of Linux lacks nothing, and leaves no question about Macs open', () => {
    const snapshot = older('linux');
    expect(snapshot.facts.macosServices).toEqual({ status: 'absent', reason: 'this is not macOS' });
    expect(examine(snapshot).checks.filter(({ id }) => ofMacsAlone(id)).map(({ outcome }) => outcome)).toEqual(['not-applicable', 'not-applicable', 'not-applicable']);
  });

  test('of a Mac was not asked', () => {
    expect(older('darwin').facts.macosServices).toMatchObject({ status: 'skipped' });
  });
});

describe('a schema version this cardcheck does not know', () => {
  const refusal = (schemaVersion: unknown) => () => parseSnapshot(JSON.stringify({ ...soundSnapshot(), tool: { name: 'cardcheck', version: '9.1.0\x1b[2J' }, schemaVersion }), 'x.json');

  test('later: says which both are, who wrote it, and what to do', () => {
    expect(refusal(2)).toThrow(expect.objectContaining({
      exitCode: 65,
      message: `x.json is not a snapshot of cardcheck: it has schema version 2 and this cardcheck (${tool.version}) reads version 1; a newer cardcheck wrote it (9.1.0␛[2J): read it with that one, or update this one`,
    }));
  });

  test.each([0, -1, 0.5])('%d: says that none was ever written, and what to do', (version) => {
    expect(refusal(version)).toThrow(expect.objectContaining({ exitCode: 65, message: expect.stringMatching(/which no released cardcheck wrote.* reads version 1; take it again with cardcheck --save$/) }));
  });

  test('none at all, or one that is no number', () => {
    expect(refusal(undefined)).toThrow(/schemaVersion/);
    expect(refusal('1')).toThrow(/schemaVersion/);
  });
});
