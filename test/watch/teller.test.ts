import { expect, it } from 'vitest';
import type { ReaderReport } from '../../src/report/schema.ts';
import { failed, ok } from '../../src/snapshot/fact.ts';
import type { WatchEvent } from '../../src/watch/event.ts';
import { type NamingPorts, Teller } from '../../src/watch/teller.ts';

const READER = 'A 00 00';
const free = { count: 0, transaction: false };
const take = { event: 'take', reader: READER, from: free, to: { count: -1, transaction: false }, holders: null } as const;
const drop = { event: 'drop', reader: READER, from: take.to, to: free, holders: null } as const;

const report = (mode: 'exclusive' | 'shared', handles: number) =>
  ok([{ name: READER, sharing: { mode, handles, transaction: null }, holders: [{ pid: 41 }] } as ReaderReport], 'x');

/** What is told of these changes, which come one after the other without a pause. */
async function told(changes: readonly (typeof take | typeof drop)[], identify: NamingPorts['identify']): Promise<WatchEvent[]> {
  const events: WatchEvent[] = [];
  const teller = new Teller({ identify, now: () => 1000 }, (event) => events.push(event));
  for (const change of changes) teller.tell({ ...change }, 1000);
  await teller.done();
  return events;
}

it('names the holders of a change that still stands', async () => {
  expect(await told([take], async () => report('exclusive', 1))).toMatchObject([{ event: 'take', at: '1970-01-01T00:00:01.000Z', holders: [{ pid: 41 }] }]);
});

it('shows what a terminal would obey in the name of a reader, and still names its holders', async () => {
  const shown = 'evil ␛[2J\\u{202e} 00 00';
  const evil = { ...take, reader: 'evil \x1b[2J\u202e 00 00' } as unknown as typeof take;
  const identify = async () => ok([{ name: shown, sharing: { mode: 'exclusive', handles: 1, transaction: null }, holders: [{ pid: 41 }] } as unknown as ReaderReport], 'x');
  expect(await told([evil], identify)).toMatchObject([{ event: 'take', reader: shown, holders: [{ pid: 41 }] }]);
});

it('names nobody when the reader is otherwise by now', async () => {
  expect(await told([take], async () => report('shared', 1))).toMatchObject([{ event: 'take', holders: null }]);
});

it('names nobody when it cannot be told, and tells the change all the same', async () => {
  expect(await told([take], async () => failed('no'))).toMatchObject([{ event: 'take', holders: null }]);
});

it('does not ask about a change that is over', async () => {
  let asked = 0;
  const identify = async () => (asked++, report('exclusive', 1));
  expect((await told([take, drop], identify)).map(({ event }) => event)).toEqual(['take', 'drop']);
  expect(asked).toBe(0);
});
