import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { countTogether, shareableCounts } from '../pcsc/own-reads.ts';
import type { Difference } from './differences.ts';
import type { Tell } from './watcher.ts';

/** What the looking thread shares with this one. */
export interface Shared {
  /** See countTogether. */
  counts: SharedArrayBuffer;
  /** One number: not 0 when the watch is to end. */
  end: SharedArrayBuffer;
}

/** What the looking thread sends. */
export interface Sighting {
  difference: Difference;
  at: number;
}

/** It allocates little and throws it away at once; what is not collected early piles up. */
const YOUNG_MB = 4;
const OLD_MB = 64;
/** A look that pcscd does not answer may outlast the end. */
const END_MS = 500;

export interface Watching {
  /** Rejects when looking failed; never resolves before `end`. */
  finished: Promise<void>;
  /** Everything seen so far has been told when it resolves. */
  end(): Promise<void>;
}

/** Watches in a thread of its own, because looks must come at their time whatever this one does. */
export function startWatching(tell: Tell): Watching {
  const shared: Shared = { counts: shareableCounts(), end: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT) };
  countTogether(shared.counts);
  const worker = new Worker(new URL('./watch-thread.js', import.meta.url), { workerData: shared, resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB, maxOldGenerationSizeMb: OLD_MB } });
  worker.on('message', ({ difference, at }: Sighting) => tell(difference, at));
  const finished = once(worker, 'exit').then(() => undefined);
  return {
    finished,
    async end() {
      const ended = new Int32Array(shared.end);
      Atomics.store(ended, 0, 1);
      Atomics.notify(ended, 0);
      const timer = setTimeout(() => void worker.terminate(), END_MS);
      await finished;
      clearTimeout(timer);
    },
  };
}
