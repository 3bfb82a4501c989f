/** Real libraries of other generations against real pcscds. Debian 12 has pcsc-lite 1.9.9 (4:4), Debian 13 2.3.3 (4:5), sid 2.5 (4:6). */
import { copyFile, mkdir } from 'node:fs/promises';
import { afterEach, describe, expect, test } from 'vitest';
import type { Report } from '../../src/report/schema.ts';
import { type As, rigFolder } from '../../src/rig/namespace.ts';
import { type Rig, startRig } from '../../src/rig/rig.ts';
import { type Generation, libraryFolderOf, pcscdOf } from '../support/pcscd-generations.ts';

let rig: Rig;
afterEach(() => rig.stop());

const bundle = `${rigFolder}/bundle`;

/** The library without the rest of its distribution, as an application would bundle it. */
async function bring(generation: Exclude<Generation, 'installed'>): Promise<void> {
  await mkdir(rig.namespace.path(bundle));
  for (const name of ['libpcsclite.so.1', 'libpcsclite_real.so.1']) await copyFile(`${await libraryFolderOf(generation)}/${name}`, rig.namespace.path(`${bundle}/${name}`));
}

/** An ordinary user exists inside only where root runs the tests. */
const identities: readonly As[] = process.getuid?.() === 0 ? ['root', 'user'] : ['root'];

async function examine(pcscd: Generation, library: Generation, as: As = 'root'): Promise<Report> {
  const program = await pcscdOf(pcscd);
  rig = await startRig(program === undefined ? {} : { pcscd: program });
  if (library !== 'installed') await bring(library);
  const env = library === 'installed' ? {} : { LD_LIBRARY_PATH: bundle };
  const { stdout, stderr } = await rig.run(rig.node, [`${rig.app}/bin/cardcheck.js`, '--json'], { as, cwd: '/', env, timeoutMs: 20_000 });
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as Report;
}

const about = (report: Report, id: string) => report.findings.filter((finding) => finding.id === id);
const errors = ({ findings }: Report) => findings.filter(({ severity }) => severity === 'error').map(({ id }) => id);

describe.each(identities)('a library that pcscd refuses, as %s', (as) => {
  test('Debian 12\'s library and Debian 13\'s pcscd', async () => {
    const report = await examine('trixie', 'installed', as);
    expect(errors(report)).toEqual(['protocol-mismatch']);
    const [finding] = about(report, 'protocol-mismatch');
    expect(finding).toMatchObject({ severity: 'error', certainty: 'proven', data: { speaks: '4:4', daemon: 'pcscd (protocol 4:5)', answer: 'SCARD_E_SERVICE_STOPPED (0x8010001E)' } });
    expect(finding?.subject.name).toMatch(/^\/usr\/lib.*\/libpcsclite\.so\.1$/);
    // pcscd did not stop: it answers us.
    expect(report.readers.map(({ name }) => name)).toEqual(rig.readers);
    expect(rig.pcscd.log).toContain('Communication protocol mismatch!');
  });

  test('Debian 13\'s library, bundled, and Debian 12\'s pcscd', async () => {
    const report = await examine('installed', 'trixie', as);
    const [finding] = about(report, 'protocol-mismatch');
    expect(errors(report)).toEqual(['protocol-mismatch']);
    expect(finding).toMatchObject({ certainty: 'proven', data: { speaks: '4:5', answer: 'SCARD_E_SERVICE_STOPPED (0x8010001E)' } });
    expect(finding?.subject.name).toBe(`${bundle}/libpcsclite_real.so.1`);
    expect(finding?.evidence.join()).toContain('announces protocol 4:5');
  });
});

test.each<[Generation, Generation]>([
  ['sid', 'installed'],
  ['sid', 'trixie'],
  ['trixie', 'trixie'],
])('pcscd of %s takes in the library of %s, and nothing is said of the one that was asked', async (pcscd, library) => {
  const report = await examine(pcscd, library);
  expect(about(report, 'protocol-mismatch').filter(({ severity }) => severity === 'error')).toEqual([]);
  expect(report.checks.find(({ id }) => id === 'protocol-mismatch')?.outcome).toMatch(/^(pass|findings)$/);
});

test('a library of another generation that lies about unasked is a warning', async () => {
  const report = await examine('trixie', 'trixie');
  expect(about(report, 'protocol-mismatch')).toMatchObject([{ severity: 'warning', certainty: 'likely', data: { speaks: '4:4', daemon: 'pcscd (protocol 4:5)' } }]);
});
