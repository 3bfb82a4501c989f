import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { checks } from '../../checks/index.ts';
import type { JudgedFacts } from '../../src/check.ts';
import { judge } from '../../src/judge.ts';
import { buildReport } from '../../src/report/build.ts';
import { type ReaderReport, readerSchema, reportSchema } from '../../src/report/schema.ts';
import { verdict } from '../../src/report/verdict.ts';
import type { Fact, FactName, Facts, Snapshot } from '../../src/snapshot/schema.ts';
import { fact, factSchemas } from '../../src/snapshot/schema.ts';
import { arbitraryOf } from '../support/arbitrary.ts';
import { factsOf, situation, situations } from '../support/situations.ts';

/** Words that the checks look for, among others that nobody expects. */
const text = fc.oneof(
  fc.constantFrom('scdaemon', 'pcscd', 'pcscd.socket', 'disable-ccid', 'pcsc-shared # x', 'reader-port', '1-2', '/dev/bus/usb/001/005', 'CCIDCLASSDRIVER', '1.8.1', '2.4.7', '2.2.40', ''),
  fc.constantFrom('SCARD_E_SERVICE_STOPPED', 'SCARD_W_SECURITY_VIOLATION', 'SCARD_S_SUCCESS', 'connection-dropped: x', 'Yubico YubiKey 00 00', "it's; rm -rf $HOME", 'gpg-agent'),
  fc.string({ maxLength: 20 }),
);

const base = situation('base');
const names = Object.keys(factSchemas) as FactName[];

/** Mostly facts with a value: a check that misses one of those it needs is not even called. */
function anyFact(schema: z.ZodDiscriminatedUnion): fc.Arbitrary<unknown> {
  const [withValue] = schema.options;
  return fc.oneof({ weight: 9, arbitrary: arbitraryOf(withValue as z.ZodType, text) }, { weight: 1, arbitrary: arbitraryOf(schema, text) });
}

/** Anything the schema admits, holdings included. */
const anyFacts = fc.record({
  ...Object.fromEntries(names.map((name) => [name, anyFact(factSchemas[name] as unknown as z.ZodDiscriminatedUnion)])),
  holdings: anyFact(fact(z.array(readerSchema)) as unknown as z.ZodDiscriminatedUnion),
}) as unknown as fc.Arbitrary<JudgedFacts>;

/** Facts of different situations side by side, as on a machine with several troubles, and some that were refused. */
const mixedSnapshots: fc.Arbitrary<Snapshot> = (() => {
  const all = situations.map(situation);
  const pick = (name: FactName) => fc.constantFrom(...all.map(({ facts }) => facts[name]), { status: 'denied' as const, need: 'root' });
  return fc.record(Object.fromEntries(names.map((name) => [name, pick(name)]))).map((facts) => ({ ...base, facts: facts as unknown as Facts }));
})();

const crashed = (facts: JudgedFacts) => judge(checks, facts).outcomes.filter(({ outcome }) => outcome === 'crashed');

test('no check throws, whatever a valid snapshot holds', () => {
  fc.assert(
    fc.property(anyFacts, (facts) => {
      expect(crashed(facts)).toEqual([]);
    }),
    { numRuns: 500 },
  );
});

test('a report of any valid snapshot is valid and ends in one line', () => {
  fc.assert(
    fc.property(mixedSnapshots, (snapshot) => {
      const facts = factsOf(snapshot);
      const report = buildReport(snapshot, facts, judge(checks, facts));
      expect(report.checks.filter(({ outcome }) => outcome === 'crashed')).toEqual([]);
      expect(reportSchema.safeParse(report).error).toBeUndefined();
      expect(verdict(report)).not.toMatch(/\n/);
    }),
    { numRuns: 200 },
  );
});

test('the order in which readers and processes were found does not matter', () => {
  fc.assert(
    fc.property(mixedSnapshots, (snapshot) => {
      const facts = factsOf(snapshot);
      const turned = Object.fromEntries(Object.entries(facts).map(([name, one]) => [name, isOrderless(name) ? reversed(one) : one])) as unknown as JudgedFacts;
      const said = (of: JudgedFacts) => buildReport(snapshot, of, judge(checks, of)).findings.map(({ code, subject, severity }) => `${code} ${subject.name} ${severity}`);
      expect(said(turned)).toEqual(said(facts));
    }),
    { numRuns: 200 },
  );
});

/** The order of pcscd's own list means something: GnuPG 2.2 takes its first reader. */
const isOrderless = (name: string): boolean => ['usbDevices', 'libraries', 'pcscdUnits', 'scdaemons', 'libraryReaders'].includes(name);
const reversed = (one: Fact<unknown>): Fact<unknown> => (one.status === 'ok' && Array.isArray(one.value) ? { ...one, value: [...one.value].reverse() } : one);

test('a holder whose process was not seen is never given a name', () => {
  fc.assert(
    fc.property(mixedSnapshots, (snapshot) => {
      const facts = factsOf(snapshot);
      const holders: ReaderReport['holders'] = facts.holdings.status === 'ok' ? facts.holdings.value.flatMap((reader) => reader.holders) : [];
      const known = new Set(holders.map(({ pid }) => pid));
      for (const { id, data } of judge(checks, facts).findings) {
        if (!Array.isArray(data.holders)) continue;
        for (const holder of data.holders as { pid: number }[]) expect(known, id).toContain(holder.pid);
      }
    }),
    { numRuns: 200 },
  );
});
