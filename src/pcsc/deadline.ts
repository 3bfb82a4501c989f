/** Milliseconds since an arbitrary start, monotonic. */
export const monotonicMs = (): number => performance.now();

/** What is left of `ms` milliseconds counted from now; never negative. */
export function countdown(ms: number): () => number {
  const end = monotonicMs() + ms;
  return () => Math.max(0, end - monotonicMs());
}

/** Milliseconds since `start`, in tenths: finer is noise. */
export function elapsed(start: number): number {
  return Math.round((monotonicMs() - start) * 10) / 10;
}

/**
 * The result of `work`, or of `late` when `ms` milliseconds go by first. `work` is not ended by that, so `late` has to
 * see to it; a failure it then ends with is nobody's news any more.
 */
export function before<T>(work: Promise<T>, ms: number, late: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      try {
        resolve(late());
      } catch (error) {
        reject(error);
      }
    }, ms);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
