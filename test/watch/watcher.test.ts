import { describe, expect, it } from 'vitest';
import { absent, failed, ok } from '../../src/snapshot/fact.ts';
import type { Fact, ReaderState } from '../../src/snapshot/schema.ts';
import type { Difference } from '../../src/watch/differences.ts';
import { type Glance, watch } from '../../src/watch/watcher.ts';

const READER = 'A 00 00';
const state = (sharing: number): ReaderState => ({ name: READER, present: true, atr: null, sharing, eventCounter: 1, state: 0x34, protocol: 0 });

/** How many handles there are, a pcscd that ends, or a look that comes late. */
type Moment = number | 'gone' | 'late';

interface Machine {
  /** What root sees without asking; an ordinary user sees nothing. */
  glance?: (sharing: number) => Glance;
}

/** A machine whose reader is so at one look after the other. */
async function watched(moments: readonly Moment[], { glance = () => ({ state: null, traffic: null }) }: Machine = {}): Promise<{ told: Difference[]; tables: number }> {
  const told: Difference[] = [];
  const left = [...moments];
  let clock = 0;
  let tables = 0;
  const beLate = () => {
    if (left[0] !== 'late') return;
    clock += 500;
    left.shift();
  };
  await watch(
    {
      open: async () => {
        if (left[0] === 'gone') return absent('no pcscd is running');
        const readTable = async (): Promise<Fact<ReaderState[]>> => {
          tables += 1;
          beLate();
          const moment = left[0];
          return typeof moment === 'number' ? ok([state(moment)], 'pcscd') : failed('connection-closed');
        };
        return ok({ readTable, readLocks: () => new Map(), glance: () => glance(Number(left[0])), findBlocked: async () => new Map(), close: () => undefined }, 'socket');
      },
      unseen: () => [],
      now: () => (beLate(), clock),
      sleep: async (ms) => {
        clock += ms;
        left.shift();
        if (left.length === 0) throw new Error('the end');
      },
    },
    (difference) => told.push(difference),
  ).catch((error: Error) => expect(error.message).toBe('the end'));
  return { told, tables };
}
const names = ({ told }: { told: readonly Difference[] }) => told.map(({ event }) => event);

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
    const { told } = await watched([0, 'late', 0]);
    expect(told.at(-1)).toMatchObject({ event: 'gap', changes: null });
  });

  describe('as root', () => {
    const nothingOfOurs = { sent: { calls: 0, bytes: 0 }, answered: { calls: 0, bytes: 0 } };
    /** pcscd has read nothing; every other number of handles is another state. */
    const idle = (sharing: number): Glance => ({ state: String(sharing), traffic: { reads: { calls: 0, bytes: 0 }, own: nothingOfOurs } });

    it('does not ask pcscd again while a glance shows nothing new', async () => {
      const { tables } = await watched([0, 0, 0, 0, 0], { glance: idle });
      expect(tables).toBe(1);
    });

    it('asks as soon as a glance shows something new', async () => {
      expect(names(await watched([0, -1, 0], { glance: idle }))).toEqual(['begin', 'take', 'drop']);
    });

    it('sees a card or reader that comes without a trace in a glance', async () => {
      const { tables } = await watched(Array.from({ length: 50 }, () => 0), { glance: () => idle(0) });
      expect(tables).toBeGreaterThan(2);
    });

    it('has missed nothing in a look that came late when pcscd has served nobody meanwhile', async () => {
      expect(names(await watched([0, 'late', 0, -1], { glance: idle }))).toEqual(['begin', 'take']);
    });

    it('tells at the end how many changes may have come and gone', async () => {
      let calls = 0;
      // Each time five requests of 20 bytes and two reads each.
      const busy = (): Glance => ({ state: '0', traffic: { reads: { calls: (calls += 10), bytes: calls * 10 }, own: nothingOfOurs } });
      const { told } = await watched([0, 0], { glance: busy });
      expect(told.at(-1)).toMatchObject({ event: 'gap', changes: expect.any(Number) });
    });
  });
});
