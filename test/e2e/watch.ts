/**
 * `npm run watch-soak [SECONDS]`: cardcheck watch while nothing happens, and beside a lock that changes hands 20 times
 * a second. Tells what it costs, how many changes were seen and how many may have been missed by its own account;
 * exits 1 when it costs too much while nothing happens, that account is too low, a change was invented, or memory grew.
 */
import { setTimeout } from 'node:timers/promises';
import { startRig } from '../../src/rig/rig.ts';
import type { WatchEvent } from '../../src/watch/event.ts';
import { changeLock, locks, startWatch } from '../support/watch.ts';

const PER_SECOND = 20;
/** Resident memory after the second and the last third may exceed that after the first by so much: by then all code is warm. */
const GROWTH = 1.05;
/** Of a core, while nothing happens. */
const QUIET_SHARE = 0.01;
/** Seconds: its start is over, and long enough for the clock ticks that CPU time is counted in. */
const [WARM_UP, QUIET] = [10, 30];

const seconds = Number(process.argv[2] ?? 600);
if (!(seconds >= 10)) {
  process.stderr.write('usage: npm run watch-soak [SECONDS], 10 or more\n');
  process.exit(64);
}
const rig = await startRig();
let isBroken = false;
for (const as of ['root', 'user'] as const) {
  const watching = await startWatch(rig, as);
  await setTimeout(WARM_UP * 1000);
  const before = await watching.cpuSeconds();
  await setTimeout(QUIET * 1000);
  const share = ((await watching.cpuSeconds()) - before) / QUIET;
  await watching.stop();
  isBroken ||= share >= QUIET_SHARE;
  process.stdout.write(`quiet, as ${as}: ${(share * 100).toFixed(2)} % of a core over ${QUIET} s\n`);
}
for (const kind of ['exclusive', 'transaction'] as const) {
  const seen = new Map<WatchEvent['event'], number>();
  let missed = 0;
  const watching = await startWatch(rig, 'root', 1, (told) => {
    seen.set(told.event, (seen.get(told.event) ?? 0) + 1);
    if (told.event === 'missed' || told.event === 'gap') missed += told.changes ?? Number.NaN;
  });
  const third = 2 * Math.round((PER_SECOND * seconds) / 2 / 3 / 2);
  const made = 3 * third;
  const residents: number[] = [];
  for (const _ of [1, 2, 3]) {
    await changeLock(rig, kind, third, PER_SECOND);
    residents.push(await watching.residentKiB());
  }
  const cpu = await watching.cpuSeconds();
  await watching.stop();
  const { begin, end } = locks[kind];
  const told = (seen.get(begin) ?? 0) + (seen.get(end) ?? 0);
  isBroken ||= told > made || !(told + missed >= made) || Math.max(...residents) > (residents[0] as number) * GROWTH;
  process.stdout.write(`${kind}: ${told} of ${made} changes told, at most ${missed} missed by its own account; resident ${residents.join(', ')} KiB after each third; ${cpu.toFixed(1)} CPU seconds\n`);
}
await rig.stop();
process.exit(isBroken ? 1 : 0);
