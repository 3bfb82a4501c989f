import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** In Linux's abstract namespace (unix(7)): nothing lies on a disk, and the name is free again when its owner ends, whatever ends it. */
const NAME = '\0cardcheck';
const RETRY_MS = 10;

/**
 * Does `work` while no other cardcheck of this network namespace does: each connects to the cards for some
 * milliseconds, which the others would take for somebody's use of a card. Where the wait takes too long, or no turns
 * can be taken, it is done all the same.
 * @param waitMs the longest wait for the others, in ms
 */
export async function inTurn<T>(waitMs: number, work: () => Promise<T>): Promise<T> {
  const turn = await takeTurn(waitMs);
  try {
    return await work();
  } finally {
    turn?.close();
  }
}

async function takeTurn(waitMs: number): Promise<Server | null> {
  const end = performance.now() + waitMs;
  do {
    const turn = await claim();
    if (turn !== 'taken') return turn;
    await sleep(RETRY_MS);
  } while (performance.now() < end);
  return null;
}

/** null: it cannot be had here. */
async function claim(): Promise<Server | 'taken' | null> {
  const server = createServer().unref();
  server.listen(NAME);
  try {
    await once(server, 'listening');
    return server;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EADDRINUSE' ? 'taken' : null;
  }
}
