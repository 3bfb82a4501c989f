import type { System } from './port.ts';

/**
 * A look at the machine that several collectors need and that is taken once per run. The answer lives as long as
 * its System, so a fresh look needs a fresh System.
 */
export function perRun<T>(look: (system: System) => T): (system: System) => T {
  const known = new WeakMap<System, T>();
  return (system) => {
    if (!known.has(system)) known.set(system, look(system));
    return known.get(system) as T;
  };
}

/** The same for looks at one process. */
export function perProcess<T>(look: (system: System, pid: number) => T): (system: System, pid: number) => T {
  const bySystem = perRun(() => new Map<number, T>());
  return (system, pid) => {
    const known = bySystem(system);
    if (!known.has(pid)) known.set(pid, look(system, pid));
    return known.get(pid) as T;
  };
}
