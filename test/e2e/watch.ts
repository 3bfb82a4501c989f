/**
 * `npm run watch-soak [SECONDS]`: cardcheck watch beside a lock that changes hands 20 times a second. Tells how many
 * changes were seen and how many may have been missed by its own account; exits 1 when that account is too low, a
 * change was invented, or memory grew.
 */
import { startRig } from '../../src/rig/rig.ts';
import type { WatchEvent } from '../../src/watch/event.ts';
import { changeLock, locks, startWatch } from '../support/watch.ts';

const PER_SECOND = 20;
/** Resident memory after the first tenth may grow by so much: the garbage collector takes its time. */
const GROWTH = 1.1;

const seconds = Number(process.argv[2] ?? 600);
if (!(seconds >= 10)) {
  process.stderr.write('usage: npm run watch-soak [SECONDS], 10 or more\n');
  process.exit(64);
}
const rig = await startRig();
let isBroken = false;
for (const kind of ['exclusive', 'transaction'] as const) {
  const seen = new Map<WatchEvent['event'], number>();
  let missed = 0;
  const watching = await startWatch(rig, 'root', 1, (told) => {
    seen.set(told.event, (seen.get(told.event) ?? 0) + 1);
    if (told.event === 'missed' || told.event === 'gap') missed += told.changes ?? Number.NaN;
  });
  const made = PER_SECOND * Math.round(seconds / 20) * 10;
  await changeLock(rig, kind, made / 10, PER_SECOND);
  const early = await watching.residentKiB();
  await changeLock(rig, kind, (made * 9) / 10, PER_SECOND);
  const late = await watching.residentKiB();
  const cpu = await watching.cpuSeconds();
  await watching.stop();
  const { begin, end } = locks[kind];
  const told = (seen.get(begin) ?? 0) + (seen.get(end) ?? 0);
  isBroken ||= told > made || !(told + missed >= made) || late > early * GROWTH;
  process.stdout.write(`${kind}: ${told} of ${made} changes told, at most ${missed} missed by its own account; resident ${early} KiB, then ${late} KiB; ${cpu.toFixed(1)} CPU seconds\n`);
}
await rig.stop();
process.exit(isBroken ? 1 : 0);
