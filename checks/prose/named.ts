import type { Certainty } from '../../src/report/schema.ts';

/** A process of whom a finding says something; the certainty is that of its being the one. */
export type Somebody = { pid: number; user: string | null; command: string; certainty: Certainty };

/** "scdaemon (pid 4242, alice)": a process as messages name it. */
export function named({ command, pid, user }: { command: string; pid: number; user: string | null }): string {
  return `${command} (pid ${pid}${user === null ? '' : `, ${user}`})`;
}

const hedges: Record<Certainty, string> = { proven: '', likely: 'most likely ', possible: 'possibly ' };

/** The agent of a passive sentence: says no more than is known about who it is. */
export function byWhom(somebody: readonly Somebody[]): string {
  if (somebody.length === 0) return 'a process that could not be seen';
  const guessing = somebody.every(({ certainty }) => certainty === 'possible');
  return somebody.map((one) => hedges[one.certainty] + named(one)).join(guessing ? ' or ' : ' and ');
}
