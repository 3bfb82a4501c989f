/** Snapshots of a real conflict, taken in a rig and read elsewhere: by other users, in other time zones, after a cure. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it, onTestFinished } from 'vitest';
import { defaultScdaemonConf } from '../../src/demo/scdaemon-conf.ts';
import type { SnapshotDiff } from '../../src/diff/diff.ts';
import { type As, rigFolder } from '../../src/rig/namespace.ts';
import { type Rig, startRig } from '../../src/rig/rig.ts';
import type { Report } from '../../src/report/schema.ts';

const script = fileURLToPath(new URL('../../bin/cardcheck.js', import.meta.url));

let rig: Rig;
afterEach(() => rig.stop());

/** What a live run inside reports, and what it saved. */
async function live(as: As, args: readonly string[] = []): Promise<{ report: Report; saved: string }> {
  const file = `${rigFolder}/home/${as}/support.json`;
  const { stdout, stderr } = await rig.run(rig.node, [`${rig.app}/bin/cardcheck.js`, '--json', '--timeout', '10', '--save', file, ...args], { as, cwd: '/', env: { LC_ALL: 'C' }, timeoutMs: 30_000 });
  expect(stderr).toBe('');
  return { report: JSON.parse(stdout) as Report, saved: await readFile(rig.namespace.path(file), 'utf8') };
}

/** Runs outside of the rig, on this machine. */
function elsewhere(args: readonly string[], input: string, { env = {}, as = [] }: { env?: Record<string, string>; as?: readonly string[] } = {}): string {
  const [program = '', ...rest] = [...as, process.execPath, script, ...args];
  const { stdout, stderr } = spawnSync(program, rest, { input, encoding: 'utf8', env: { PATH: process.env.PATH, ...env }, cwd: '/', timeout: 20_000 });
  expect(stderr).toBe('');
  return stdout;
}

const replays: { env: Record<string, string>; as?: readonly string[] }[] = [
  { env: { TZ: 'UTC', LANG: 'C.UTF-8' } },
  { env: { TZ: 'Pacific/Kiritimati', LANG: 'C', HOME: '/nonexistent', USER: 'mallory', COLUMNS: '43', GNUPGHOME: '/elsewhere', PCSCLITE_CSOCK_NAME: '/nowhere', SUDO_UID: '1234' } },
  ...(process.getuid?.() === 0 ? [{ env: { TZ: 'America/St_Johns', LANG: 'de_DE.UTF-8' }, as: ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] }] : []),
];

it.each(['root', 'user'] as const)('what %s saved of a blocked gpg says the same everywhere, and what the live run said', async (as) => {
  rig = await startRig();
  await rig.hold(rig.readers[0] as string, 'shared', { as });
  const { lines } = await defaultScdaemonConf();
  await (await rig.gnupg({ as, scdaemonConf: lines })).gpg('--card-status');
  const { report, saved } = await live(as, ['--redact']);
  const documents = replays.map((replay) => elsewhere(['--from', '-', '--json'], saved, replay));
  expect(new Set(documents).size).toBe(1);
  const replayed = JSON.parse(documents[0] as string) as Report;
  expect(replayed).toEqual(report);
  expect(replayed.findings.map(({ id }) => id)).toContain('other-client-blocks-scdaemon');
  const plain = (await live(as)).report;
  const said = (of: Report) => of.findings.map(({ code, id, certainty }) => `${code} ${id} ${certainty}`);
  expect(said(plain)).toEqual(said(replayed));
  const texts = replays.map((replay) => elsewhere(['report', '--from', '-'], saved, replay));
  expect(new Set(texts).size).toBe(1);
});

it('a diff shows what a cure changed, and nothing between two runs of one state', async () => {
  rig = await startRig();
  const holder = await rig.hold(rig.readers[0] as string, 'shared', { as: 'root' });
  // Every generation of scdaemon goes the same way with this line.
  const gnupg = await rig.gnupg({ scdaemonConf: ['disable-ccid'] });
  await gnupg.gpg('--card-status');
  const before = (await live('root')).saved;
  const again = (await live('root')).saved;
  await gnupg.configure(['disable-ccid', 'pcsc-shared']);
  await gnupg.killScdaemon();
  await gnupg.gpg('--card-status');
  const after = (await live('root')).saved;
  await holder.release();

  expect(await compare(before, again)).toMatchObject({ same: true, changes: [] });
  const { changes, a, b } = await compare(before, after);
  expect([a.status, b.status]).toEqual(['error', 'ok']);
  const said = changes.map(({ area, kind, what }) => `${area} ${kind} ${what}`);
  expect(said).toContain('findings only-in-a CC102 Another program shares the card, so GnuPG cannot have it: Virtual PCD');
  expect(said.filter((line) => !line.startsWith('findings '))).toEqual([
    'readers changed Virtual PCD',
    'holders only-in-b Virtual PCD: scdaemon, of root, shared handle',
    'clients only-in-b scdaemon, of root',
    'configuration changed scdaemon goes',
    'configuration only-in-b GNUPGHOME/scdaemon.conf: pcsc-shared',
  ]);
});

async function compare(a: string, b: string): Promise<SnapshotDiff> {
  const folder = await mkdtemp(join(tmpdir(), 'cardcheck-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'b.json'), b);
  return JSON.parse(elsewhere(['diff', '--json', '-', join(folder, 'b.json')], a)) as SnapshotDiff;
}
