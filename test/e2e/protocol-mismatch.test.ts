/** Real libraries of other generations against real pcscds. Debian 12 has pcsc-lite 1.9.9 (4:4), Debian 13 2.3.3 (4:5), sid 2.5 (4:6). */
import { basename } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import libraries from '../../src/collect/libraries.ts';
import type { Report } from '../../src/report/schema.ts';
import type { As } from '../../src/rig/namespace.ts';
import { type Rig, startRig } from '../../src/rig/rig.ts';
import { realSystem } from '../../src/system/real.ts';
import { bringLibrary, bundle } from '../support/bundled-library.ts';
import { type Generation, libraryOf, pcscdOf } from '../support/pcscd-generations.ts';
import { passive, valueIn } from '../support/root.ts';

let rig: Rig;
afterEach(() => rig.stop());

/** An ordinary user exists inside only where root runs the tests. */
const identities: readonly As[] = process.getuid?.() === 0 ? ['root', 'user'] : ['root'];

async function examine(pcscd: Generation, library: Generation, as: As = 'root'): Promise<Report> {
  const program = await pcscdOf(pcscd);
  rig = await startRig(program === undefined ? {} : { pcscd: program });
  if (library !== 'installed') await bringLibrary(rig, library);
  const env = library === 'installed' ? {} : { LD_LIBRARY_PATH: bundle };
  const { stdout, stderr } = await rig.run(rig.node, [`${rig.app}/bin/cardcheck.js`, '--json'], { as, cwd: '/', env, timeoutMs: 20_000 });
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as Report;
}

const about = (report: Report, id: string) => report.findings.filter((finding) => finding.id === id);
const errors = ({ findings }: Report) => findings.filter(({ severity }) => severity === 'error').map(({ id }) => id);

const own = valueIn((await libraries.collect(realSystem(), passive)).libraries).find(({ owner, kind }) => owner === 'system' && kind === 'client');
const spoken = `4:${own?.protocol?.minor}`;
/** A pcscd that refuses the installed library; one that adapts is refused by none. */
const refuser = spoken === '4:4' ? 'trixie' : spoken === '4:5' ? 'bookworm' : null;
const speaks = { bookworm: '4:4', trixie: '4:5' } as const;
/** With its version where it is that of the installed one. */
const daemonOf = (generation: keyof typeof speaks) => expect.stringMatching(`^pcscd.* \\(protocol ${speaks[generation]}\\)$`) as string;
const stopped = 'SCARD_E_SERVICE_STOPPED (0x8010001E)';

describe.each(identities)('a library that pcscd refuses, as %s', (as) => {
  test.runIf(refuser !== null)('the installed one, and a pcscd of another generation', async () => {
    const server = refuser as keyof typeof speaks;
    const report = await examine(server, 'installed', as);
    expect(errors(report)).toEqual(['protocol-mismatch']);
    const [finding] = about(report, 'protocol-mismatch');
    expect(finding).toMatchObject({ severity: 'error', certainty: 'proven', data: { speaks: spoken, daemon: daemonOf(server), answer: stopped } });
    expect(finding?.subject.name).toMatch(/^\/usr\/lib.*\/libpcsclite(_real)?\.so\.1$/);
    // pcscd did not stop: it answers us.
    expect(report.readers.map(({ name }) => name)).toEqual(rig.readers);
    expect(rig.pcscd.log).toContain('Communication protocol mismatch!');
  });

  test.each([
    ['bookworm', 'trixie'],
    ['trixie', 'bookworm'],
  ] as const)('that of %s, bundled, and the pcscd of %s', async (library, server) => {
    const report = await examine(server, library, as);
    const [finding] = about(report, 'protocol-mismatch');
    expect(errors(report)).toEqual(['protocol-mismatch']);
    expect(finding).toMatchObject({ certainty: 'proven', data: { speaks: speaks[library], daemon: daemonOf(server), answer: stopped } });
    expect(finding?.subject.name).toBe(`${bundle}/${basename((await libraryOf(library)).at(-1) as string)}`);
    expect(finding?.evidence.join()).toContain(`announces protocol ${speaks[library]}`);
  });
});

test.each<[Generation, Generation]>([
  ['installed', 'installed'],
  ['sid', 'installed'],
  ['sid', 'bookworm'],
  ['sid', 'trixie'],
  ['trixie', 'trixie'],
])('pcscd of %s takes in the library of %s, and nothing is said of the one that was asked', async (pcscd, library) => {
  const report = await examine(pcscd, library);
  expect(about(report, 'protocol-mismatch').filter(({ severity }) => severity === 'error')).toEqual([]);
  expect(report.checks.find(({ id }) => id === 'protocol-mismatch')?.outcome).toMatch(/^(pass|findings)$/);
});

test.runIf(refuser !== null)('an installed library of another generation that lies about unasked is a warning', async () => {
  const server = refuser as keyof typeof speaks;
  const report = await examine(server, server);
  expect(about(report, 'protocol-mismatch')).toMatchObject([{ severity: 'warning', certainty: 'likely', data: { speaks: spoken, daemon: daemonOf(server) } }]);
});
