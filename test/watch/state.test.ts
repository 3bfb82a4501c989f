import { expect, it } from 'vitest';
import type { WatchEvent } from '../../src/watch/event.ts';
import { after, emptyState } from '../../src/watch/state.ts';

const at = '2026-01-01T00:00:00.000Z';
const free = { count: 0, transaction: false };
const taken = { count: -1, transaction: false };
const begin: WatchEvent = { at, event: 'begin', readers: [{ name: 'A', card: true, sharing: free }], resolutionMs: { quiet: 150, busy: 20 }, unseen: [] };
const take: WatchEvent = { at, event: 'take', reader: 'A', from: free, to: taken, holders: null };
const stateAfter = (...events: WatchEvent[]) => events.reduce(after, emptyState);

it('follows readers, their cards and who shares them', () => {
  const { readers } = stateAfter(begin, take, { at, event: 'card-removed', reader: 'A' }, { at, event: 'reader-added', reader: 'B', card: true });
  expect(readers).toMatchObject([
    { name: 'A', card: false, sharing: taken },
    { name: 'B', card: true, sharing: free },
  ]);
});

it('forgets the readers of a pcscd that is gone', () => {
  expect(stateAfter(begin, { at, event: 'pcscd-gone', reason: 'it ended' }).readers).toBeNull();
});

it('counts what was not seen', () => {
  expect(stateAfter(begin, { at, event: 'missed', reader: 'A', changes: 2, of: 'card' }, { at, event: 'gap', ms: 90, changes: 4 }, { at, event: 'gap', ms: 90, changes: null })).toMatchObject({ missed: 6, late: 1 });
});

it('does not grow, however long it watches', () => {
  const many = Array.from({ length: 1000 }, () => take);
  expect(stateAfter(begin, ...many).log.length).toBeLessThan(20);
});
