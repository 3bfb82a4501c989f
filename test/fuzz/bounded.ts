/** The guard against super-linear work: what one execution may cost, by the size of its input. */

/** Processor time in ms for any input, and for each KiB of it; some hundred times what is needed, and a thousandth of what quadratic work on 64 KiB takes. */
const BASE_MS = 250;
const PER_KIB_MS = 10;
/** The garbage collector may strike once or twice, never each time. */
const TRIES = 3;

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/**
 * Does the work and measures it in processor time, so that a busy machine is no finding.
 * @param size of the input in bytes or characters
 * @throws Error when it takes too long each time
 */
export function bounded<T>(size: number, work: () => T): T {
  const allowed = BASE_MS + (PER_KIB_MS * size) / 1024;
  for (let attempt = 1; ; attempt++) {
    const before = cpuMs();
    const result = work();
    const took = cpuMs() - before;
    if (took <= allowed) return result;
    if (attempt === TRIES) throw new Error(`took ${Math.round(took)} ms for ${size} bytes, allowed are ${Math.round(allowed)}`);
  }
}
