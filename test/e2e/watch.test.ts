import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { As } from '../../src/rig/namespace.ts';
import { type Rig, startRig } from '../../src/rig/rig.ts';
import { until } from '../../src/rig/until.ts';
import { terminalText } from '../support/terminal.ts';
import { changeLock, locks, startWatch } from '../support/watch.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await startRig();
});
afterEach(() => rig.stop());

describe.each<As>(['root', 'user'])('cardcheck watch, as %s', (as) => {
  it('tells who takes a reader and that it is free again', async () => {
    const { events, stop } = await startWatch(rig, as);
    expect(events[0]).toMatchObject({ event: 'begin', readers: [{ card: true, sharing: { count: 0, transaction: false } }, { card: false }] });
    const holder = await rig.hold(rig.readers[0] ?? '', 'exclusive', { as });
    await until('the take is told', async () => events.some(({ event }) => event === 'take'));
    const certainty = as === 'root' ? { certainty: 'proven' } : {};
    expect(events.find(({ event }) => event === 'take')).toMatchObject({ reader: rig.readers[0], to: { count: -1 }, holders: [{ pid: holder.insidePid, ...certainty }] });
    await holder.release();
    await until('the drop is told', async () => events.at(-1)?.event === 'drop');
    expect(await stop()).toBe(130);
  });

  it('survives the end of pcscd and watches the next one', async () => {
    const { events, stop } = await startWatch(rig, as);
    await rig.pcscd.stop();
    await until('the end is told', async () => events.some(({ event }) => event === 'pcscd-gone'));
    await rig.pcscd.start();
    await until('the new one is told', async () => events.filter(({ event }) => event === 'begin').length === 2);
    await stop();
  });

  it('invents nothing and tells each change at most once', async () => {
    const { events, stop } = await startWatch(rig, as);
    await changeLock(rig, 'exclusive', 40, 20);
    await until('the last is told', async () => events.at(-1)?.event === 'drop');
    const told = events.filter(({ event }) => event === 'take' || event === 'drop').map(({ event }) => event);
    expect(told.length).toBeLessThanOrEqual(40);
    expect(told).toEqual(told.map((_, index) => (index % 2 === 0 ? locks.exclusive.begin : locks.exclusive.end)));
    await stop();
  });
});

it('tells root who waits for the end of a transaction', async () => {
  const { events, stop } = await startWatch(rig, 'root');
  const [reader = ''] = rig.readers;
  const signer = await rig.hold(reader, 'transaction');
  const waiter = await rig.spawn('scriptor', ['-r', reader], { stdio: ['pipe', 'ignore', 'ignore'] });
  await until('the wait is told', async () => events.some(({ event }) => event === 'blocked'));
  expect(events.filter(({ event }) => event === 'blocked')).toMatchObject([{ reader, client: { pid: waiter.insidePid, command: expect.stringContaining('scriptor') } }]);
  await signer.release();
  await until('its end is told', async () => events.some(({ event }) => event === 'unblocked'));
  await stop();
});

it.each(['exclusive', 'transaction', 'shared'] as const)('tells root how many changes may have come and gone while it could not look: %s', async (kind) => {
  const { events, freeze, wake, stop } = await startWatch(rig, 'root');
  const seen = events.length;
  freeze();
  await changeLock(rig, kind, 6, 40);
  wake();
  await until('the gap is told', async () => events.some(({ event }) => event === 'gap'));
  const unseen = events.slice(seen).reduce((sum, event) => sum + (event.event === 'gap' || event.event === 'missed' ? (event.changes ?? Number.NaN) : 0), 0);
  // More may be said: the program that takes and drops it makes other requests, too.
  expect(unseen).toBeGreaterThanOrEqual(6);
  expect(unseen).toBeLessThan(20);
  await stop();
});

it('makes no connect while it watches', async () => {
  const before = await rig.card(0).counts();
  const { stop, events } = await startWatch(rig, 'root');
  await changeLock(rig, 'shared', 2, 4);
  await until('both changes are told', async () => events.at(-1)?.event === 'disconnect');
  expect(Math.max(...events.map((event) => ('to' in event ? event.to.count : 0)))).toBe(1);
  expect((await rig.card(0).counts()).reset).toBe(before.reset);
  await stop();
});

it('shows on a terminal how the readers are and what happened, and gives the cursor back', async () => {
  const command = `stty cols 100 rows 30; exec ${rig.node} ${rig.app}/bin/cardcheck.js watch`;
  const terminal = await rig.spawn('script', ['-qfec', command, '/dev/null'], { cwd: '/', stdio: ['pipe', 'pipe', 'inherit'], env: { CI: undefined, TERM: 'xterm-256color' } });
  let bytes = '';
  terminal.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    bytes += text;
  });
  const shows = (pattern: RegExp) => until(`the terminal shows ${pattern}`, async () => pattern.test(await terminalText(bytes, 100, 30)));
  await shows(/^Virtual PCD 00 00 free$/m);
  await rig.hold(rig.readers[0] ?? '', 'exclusive', { name: 'greedy' });
  await shows(/^Virtual PCD 00 00 exclusive since [\d:.]+ {2}greedy \(\d+, root, proven\)$/m);
  await shows(/^[\d:.]+ Virtual PCD 00 00: taken exclusively; held by greedy/m);
  terminal.child.stdin?.write('\x03');
  expect((await terminal.exited).exitCode).toBe(130);
  expect(bytes.lastIndexOf('\x1b[?25h')).toBeGreaterThan(bytes.lastIndexOf('\x1b[?25l'));
});
