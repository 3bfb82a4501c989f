import type { System } from '../system/port.ts';

const started = new Set<number>();

/** Whoever starts a process of cardcheck's that may connect to pcscd tells it here, so that it is never reported as somebody's client. */
export function noteOwnPid(pid: number): void {
  started.add(pid);
}

/** Process ids that belong to this run of cardcheck. */
export function ownPids(system: System): ReadonlySet<number> {
  return new Set([system.pid, ...started]);
}
