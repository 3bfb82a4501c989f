/**
 * `npm run watch-soak [SECONDS]`: cardcheck watch beside a lock that changes hands 20 times a second. Tells how many
 * changes were seen and how many polls came late; exits 1 when one was invented, or memory grew.
 */
import { startRig } from '../../src/rig/rig.ts';
import type { WatchEvent } from '../../src/watch/event.ts';
import { changeLock, locks, startWatch } from '../support/watch.ts';

const PER_SECOND = 20;
/** Resident memory after the first tenth may grow by so much: the garbage collector takes its time. */
const GROWTH = 1.3;

const seconds = Number(process.argv[2] ?? 600);
if (!(seconds >= 10)) {
  process.stderr.write('usage: npm run watch-soak [SECONDS], 10 or more\n');
  process.exit(64);
}
const rig = await startRig();
let isBroken = false;
for (const kind of ['exclusive', 'transaction'] as const) {
  const seen = new Map<WatchEvent['event'], number>();
  const watching = await startWatch(rig, 'root', 1, ({ event }) => seen.set(event, (seen.get(event) ?? 0) + 1));
  const made = PER_SECOND * Math.round(seconds / 20) * 10;
  await changeLock(rig, kind, made / 10, PER_SECOND);
  const early = await watching.residentKiB();
  await changeLock(rig, kind, (made * 9) / 10, PER_SECOND);
  const late = await watching.residentKiB();
  const { begin, end } = locks[kind];
  const told = (seen.get(begin) ?? 0) + (seen.get(end) ?? 0);
  isBroken ||= told > made || late > early * GROWTH;
  process.stdout.write(`${kind}: ${told} of ${made} changes told, ${seen.get('gap') ?? 0} late polls, ${seen.get('missed') ?? 0} counted as missed; resident ${early} KiB, then ${late} KiB\n`);
  await watching.stop();
}
await rig.stop();
process.exit(isBroken ? 1 : 0);
