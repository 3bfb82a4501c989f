/** One step of collecting, as it begins and ends: what a terminal shows while it waits. */
export interface Progress {
  /** The name of a collector, or of the reader that is probed. */
  step: string;
  state: 'running' | 'done';
  /** What the step waits for, to be said when it takes longer than a second. */
  waitsFor: string;
}

export type OnProgress = (progress: Progress) => void;
