import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { renderJson } from '../../src/report/json.ts';
import { renderText } from '../../src/report/text.ts';
import { examine } from '../../src/run.ts';
import { sanitize } from '../../src/snapshot/sanitize.ts';
import { type Snapshot, snapshotSchema } from '../../src/snapshot/schema.ts';
import { arbitraryOf } from '../support/arbitrary.ts';
import { soundSnapshot } from '../support/snapshot.ts';

/** Controls but the newline, separators, bidi marks, zero-width characters, halves of characters. */
const FORBIDDEN = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\u061c\ufeff\ud800-\udfff]/u;
const OWN_COLORS = /\x1b\[\d{1,2}m/g;

const hostile = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('\x1b]52;c;ZXZpbA==\x07', 'a\u202eb', '\x9b2J', 'x\r\ny', 'z\u200bz', '\ud83d', '\u2028', '\0', '\x1b[31m', 'pcscd', '/usr/bin/scdaemon', 'x'.repeat(9000)) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 30 }) },
);

/** Facts of hostile strings in place of some of a sound machine's, so that checks get far enough to quote them. */
const snapshots = (arbitraryOf(snapshotSchema, hostile) as fc.Arbitrary<Snapshot>).chain((whole) =>
  fc.subarray(Object.keys(whole.facts) as (keyof Snapshot['facts'])[]).map((kept): Snapshot => {
    const replaced = Object.fromEntries(kept.map((name) => [name, whole.facts[name]]));
    const sound = soundSnapshot();
    return { ...sound, facts: { ...sound.facts, ...replaced } };
  }),
);

describe('whatever devices, processes and files call themselves', () => {
  test('no control character reaches any output', () => {
    fc.assert(
      fc.property(snapshots, (snapshot) => {
        const report = examine(sanitize(snapshot));
        expect(renderJson(report)).not.toMatch(FORBIDDEN);
        for (const ascii of [false, true]) {
          for (const detail of ['verdict', 'normal', 'all'] as const) {
            const text = renderText(report, detail, { width: 80, colors: true, ascii }).replace(OWN_COLORS, '');
            expect(text).not.toMatch(FORBIDDEN);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
