import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { As, Inmate } from '../../src/rig/namespace.ts';
import { PcscdClient } from '../../src/rig/pcscd-client.ts';
import type { Rig } from '../../src/rig/rig.ts';
import { until } from '../../src/rig/until.ts';
import type { WatchEvent } from '../../src/watch/event.ts';

/** `cardcheck watch` running in a rig, and what it has told so far. */
export interface Watching {
  events: WatchEvent[];
  /** CPU seconds of its process since its start. */
  cpuSeconds(): Promise<number>;
  residentKiB(): Promise<number>;
  /** Keeps it from looking until `wake`. */
  freeze(): void;
  wake(): void;
  /** Ctrl-C, and its exit code. */
  stop(): Promise<number | null>;
}

/** Starts it with its output in a pipe and waits until it has looked once. @param keep how many of the last events are kept */
export async function startWatch(rig: Rig, as: As, keep = Number.POSITIVE_INFINITY, onEvent: (event: WatchEvent) => void = () => {}): Promise<Watching> {
  const inmate = await rig.spawn(rig.node, [`${rig.app}/bin/cardcheck.js`, 'watch'], { as, cwd: '/', stdio: ['ignore', 'pipe', 'inherit'] });
  const events: WatchEvent[] = [];
  createInterface({ input: inmate.child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
    const event = JSON.parse(line) as WatchEvent;
    onEvent(event);
    events.push(event);
    if (events.length > keep) events.shift();
  });
  await until('it has looked once', async () => events.length > 0);
  return {
    events,
    cpuSeconds: () => cpuSeconds(inmate),
    residentKiB: async () => Number(/^VmRSS:\s+(\d+)/m.exec(await readFile(`/proc/${inmate.pid}/status`, 'utf8'))?.[1]),
    freeze: () => process.kill(inmate.pid, 'SIGSTOP'),
    wake: () => process.kill(inmate.pid, 'SIGCONT'),
    async stop() {
      inmate.kill('SIGINT');
      return (await inmate.exited).exitCode;
    },
  };
}

/** utime and stime of proc(5), fields 14 and 15, in clock ticks of a hundredth. */
async function cpuSeconds(inmate: Inmate): Promise<number> {
  const stat = await readFile(`/proc/${inmate.pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** How a lock changes hands, again and again: what begins a hold and what ends it, and the events that tell of both. */
export const locks = {
  exclusive: { begin: 'take', end: 'drop' },
  shared: { begin: 'connect', end: 'disconnect' },
  transaction: { begin: 'transaction-begin', end: 'transaction-end' },
} as const;

/**
 * Takes and lets go of a reader, `changes` times in all, `perSecond` of them each second.
 * @returns how often each was done
 */
export async function changeLock(rig: Rig, kind: keyof typeof locks, changes: number, perSecond: number): Promise<void> {
  const client = new PcscdClient(rig.namespace.path('/run/pcscd/pcscd.comm'));
  const reader = rig.readers[0] ?? '';
  try {
    await client.establishContext();
    if (kind === 'transaction') await client.connect(reader, 'shared');
    const steps = {
      exclusive: [() => client.connect(reader, 'exclusive'), () => client.disconnect()],
      shared: [() => client.connect(reader, 'shared'), () => client.disconnect()],
      transaction: [() => client.beginTransaction(), () => client.endTransaction()],
    }[kind];
    const start = performance.now();
    for (let change = 0; change < changes; change++) {
      const due = start + (change * 1000) / perSecond;
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
      await steps[change % 2]?.();
    }
    if (kind === 'transaction') await client.disconnect();
  } finally {
    client.close();
  }
}
