import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ReaderState } from '../../src/snapshot/schema.ts';
import { differences, type Look } from '../../src/watch/differences.ts';

const reader = (name: string, sharing: number, eventCounter = 1, present = true): ReaderState => ({ name, present, atr: null, sharing, eventCounter, state: 0x34, protocol: 0 });
const look = (readers: ReaderState[], locks: Record<string, number> | null = null): Look => ({ readers, locks: locks === null ? null : new Map(Object.entries(locks)) });
/** Events in short. */
const told = (before: Look, after: Look) => differences(before, after).map((event) => ('changes' in event ? `${event.event} ${event.changes}` : event.event));

describe('what happened between two looks', () => {
  it.each<[string, number, number, string[]]>([
    ['nothing', 2, 2, []],
    ['a handle more', 0, 1, ['connect']],
    ['two handles less', 3, 1, ['disconnect']],
    ['exclusive access', 0, -1, ['take']],
    ['exclusive access after shared handles', 2, -1, ['take']],
    ['an end of exclusive access', -1, 0, ['drop']],
    ['exclusive access that became shared', -1, 1, ['drop']],
  ])('%s', (_, from, to, events) => expect(told(look([reader('A', from)]), look([reader('A', to)]))).toEqual(events));

  it.each<[string, number, number, string[]]>([
    ['a transaction', 0, 77, ['transaction-begin']],
    ['its end', 77, 0, ['transaction-end']],
    ['one after the other, with another owner', 77, 88, ['missed 1', 'transaction-begin']],
    ['the same one', 77, 77, []],
  ])('%s', (_, from, to, events) => expect(told(look([reader('A', 2)], { A: from }), look([reader('A', 2)], { A: to }))).toEqual(events));

  it('counts an exclusive access that changed hands unseen', () => {
    expect(told(look([reader('A', -1)], { A: 5 }), look([reader('A', -1)], { A: 6 }))).toEqual(['missed 1', 'take']);
  });

  it('says nothing of transactions where locks are not visible', () => {
    expect(told(look([reader('A', 2)]), look([reader('A', 2)]))).toEqual([]);
    expect(told(look([reader('A', 2)]), look([reader('A', 2)], { A: 7 }))).toEqual([]);
  });

  it('tells of cards, and counts insertions and removals that it did not see', () => {
    expect(told(look([reader('A', 0, 1, true)]), look([reader('A', 0, 2, false)]))).toEqual(['card-removed']);
    expect(told(look([reader('A', 0, 1, true)]), look([reader('A', 0, 3, true)]))).toEqual(['missed 2']);
    expect(told(look([reader('A', 0, 1, true)]), look([reader('A', 0, 4, false)]))).toEqual(['missed 2', 'card-removed']);
  });

  it('tells of readers that come and go, and of one that comes already held', () => {
    expect(told(look([reader('A', 0)]), look([reader('B', -1)]))).toEqual(['reader-removed', 'reader-added', 'take']);
  });

  it('never tells of a change that leads elsewhere than where the reader is', () => {
    const sharing = fc.integer({ min: -1, max: 4 });
    fc.assert(
      fc.property(sharing, sharing, (from, to) => {
        const changes = differences(look([reader('A', from)]), look([reader('A', to)]));
        expect(changes.length).toBe(from === to ? 0 : 1);
        for (const change of changes) expect(change).toMatchObject({ reader: 'A', from: { count: from }, to: { count: to } });
      }),
    );
  });
});
