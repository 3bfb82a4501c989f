/** The thread that looks: beside naming holders and drawing, looks would come late. */
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { countTogether } from '../pcsc/own-reads.ts';
import { keepHeapsSmall } from './heap.ts';
import { lookPorts, WatchEnded } from './look-ports.ts';
import type { Shared, Sighting } from './thread.ts';
import { watch } from './watcher.ts';

/** Of this thread alone (Linux setpriority(2), 0 is the calling thread): it runs for microseconds, and at its time. */
const NICENESS = -5;

const { counts, end } = workerData as Shared;
countTogether(counts);
keepHeapsSmall();
try {
  setPriority(NICENESS);
} catch {
  // Only root may.
}
try {
  await watch(lookPorts(new Int32Array(end)), (difference, at) => parentPort?.postMessage({ difference, at } satisfies Sighting));
} catch (error) {
  if (!(error instanceof WatchEnded)) throw error;
}
