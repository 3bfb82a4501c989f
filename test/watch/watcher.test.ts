import { describe, expect, it } from 'vitest';
import type { ReaderReport } from '../../src/report/schema.ts';
import { absent, failed, ok } from '../../src/snapshot/fact.ts';
import type { Fact, ReaderState } from '../../src/snapshot/schema.ts';
import type { WatchEvent } from '../../src/watch/event.ts';
import { watch, type WatchPorts } from '../../src/watch/watcher.ts';

const READER = 'A 00 00';
const state = (sharing: number): ReaderState => ({ name: READER, present: true, atr: null, sharing, eventCounter: 1, state: 0x34, protocol: 0 });

type Moment = number | 'gone' | 'late';

/** A machine whose reader is so at one poll after the other; `gone` is a pcscd that ends, `late` a poll that comes late. */
async function watched(moments: readonly Moment[], identify: WatchPorts['identify'] = async () => failed('not asked for')): Promise<WatchEvent[]> {
  const events: WatchEvent[] = [];
  const left = [...moments];
  let clock = 0;
  await watch(
    {
      open: async () => {
        if (left[0] === 'gone') return absent('no pcscd is running');
        const readTable = async (): Promise<Fact<ReaderState[]>> => {
          if (left[0] === 'late') {
            clock += 500;
            left.shift();
          }
          const moment = left[0];
          return typeof moment === 'number' ? ok([state(moment)], 'pcscd') : failed('connection-closed');
        };
        return ok({ readTable, readLocks: () => null, findBlocked: async () => new Map(), close: () => undefined }, 'socket');
      },
      identify,
      unseen: () => [],
      now: () => clock,
      sleep: async (ms) => {
        clock += ms;
        left.shift();
        // What is being told meanwhile gets its turn.
        await new Promise((resolve) => setImmediate(resolve));
        if (left.length === 0) throw new Error('the end');
      },
    },
    (event) => events.push(event),
  ).catch((error: Error) => expect(error.message).toBe('the end'));
  return events;
}
const names = (events: readonly WatchEvent[]) => events.map(({ event }) => event);

describe('watch', () => {
  it('begins with what is and tells every change after it', async () => {
    expect(names(await watched([0, 0, -1, -1, 0, 1, 2, 0]))).toEqual(['begin', 'take', 'drop', 'connect', 'connect', 'disconnect']);
  });

  it('outlives pcscd and begins anew with the next one', async () => {
    expect(names(await watched([0, 'gone', 'gone', 0, 1]))).toEqual(['begin', 'pcscd-gone', 'pcscd-started', 'begin', 'connect']);
  });

  it('waits for a pcscd that is not there yet, and says so once', async () => {
    expect(names(await watched(['gone', 'gone', 'gone', 0]))).toEqual(['pcscd-gone', 'pcscd-started', 'begin']);
  });

  it('tells when it looked too late to have seen everything', async () => {
    expect(names(await watched([0, 'late', 0]))).toEqual(['begin', 'gap']);
  });

  const report = (mode: 'exclusive' | 'shared', handles: number) =>
    ok([{ name: READER, sharing: { mode, handles, transaction: null }, holders: [{ pid: 41 }] } as ReaderReport], 'x');

  it('names the holders of a change that still stands', async () => {
    const events = await watched([0, -1, -1, -1], async () => report('exclusive', 1));
    expect(events.at(-1)).toMatchObject({ event: 'take', holders: [{ pid: 41 }] });
  });

  it('names nobody when the reader is otherwise by now', async () => {
    const events = await watched([0, -1, -1, -1], async () => report('shared', 1));
    expect(events.at(-1)).toMatchObject({ event: 'take', holders: null });
  });
});
