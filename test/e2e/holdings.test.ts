import { afterEach, expect, it } from 'vitest';
import type { As } from '../../src/rig/namespace.ts';
import { type Rig, startRig } from '../../src/rig/rig.ts';
import { until } from '../../src/rig/until.ts';
import type { ReaderReport, Report } from '../../src/report/schema.ts';

let rig: Rig;
afterEach(() => rig.stop());

/** The first reader as the built cardcheck reports it, inside and as that user. */
async function report(as: As): Promise<ReaderReport> {
  // On a busy machine an answer may come late; then less is proven.
  const { stdout } = await rig.run(rig.node, [`${rig.app}/bin/cardcheck.js`, '--json', '--timeout', '10'], { as, cwd: '/', env: { LC_ALL: 'C' }, timeoutMs: 20_000 });
  return (JSON.parse(stdout) as Report).readers[0] as ReaderReport;
}
const held = ({ holders }: ReaderReport) => holders.map(({ command, access, certainty }) => `${command} ${access} ${certainty}`);

it('a user is told for sure that the own scdaemon holds the card, whose connection the system hides', { timeout: 60_000 }, async () => {
  rig = await startRig();
  const gnupg = await rig.gnupg({ as: 'user', scdaemonConf: ['disable-ccid'] });
  expect((await gnupg.gpg('--card-status')).exitCode).toBe(0);
  const reader = await report('user');
  expect(reader.sharing.mode).toBe('exclusive');
  expect(held(reader)).toEqual(['scdaemon exclusive proven']);
  expect(held(await report('root'))).toEqual(held(reader));
});

it('a user is told that a scdaemon of somebody else\'s is likely to hold the card', { timeout: 60_000 }, async () => {
  rig = await startRig();
  const gnupg = await rig.gnupg({ as: 'root', scdaemonConf: ['disable-ccid'] });
  expect((await gnupg.gpg('--card-status')).exitCode).toBe(0);
  expect(held(await report('user'))).toEqual(['scdaemon exclusive likely']);
  expect(held(await report('root'))).toEqual(['scdaemon exclusive proven']);
});

it('a user is told nothing false about a stranger\'s handle, and how many connections stayed unseen', { timeout: 60_000 }, async () => {
  rig = await startRig();
  await rig.hold(rig.readers[0] as string, 'shared');
  expect(await report('user')).toMatchObject({ sharing: { mode: 'shared', handles: 1, transaction: false }, holders: [], unattributed: 1 });
  expect(held(await report('root'))).toEqual(['other-program shared proven']);
});

it('a user is told which of two own programs has the handle, by what their libraries remember', { timeout: 60_000 }, async () => {
  rig = await startRig();
  const [name = ''] = rig.readers;
  await rig.spawn('pcsc_scan', [], { as: 'user', stdio: ['ignore', 'ignore', 'ignore'] });
  await rig.spawn('scriptor', ['-r', name], { as: 'user', stdio: ['pipe', 'ignore', 'ignore'] });
  await until('the handle is there', async () => (await report('root')).sharing.handles === 1);
  expect(held(await report('user'))).toEqual([expect.stringMatching(/^scriptor.* shared likely$/)]);
});
