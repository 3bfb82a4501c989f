import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layoutsOf } from '../../src/attribution/layouts.ts';
import { MemoryImage, type ProcessMemory } from '../../src/attribution/memory.ts';
import { walk } from '../../src/attribution/walk.ts';
import type { ReaderState } from '../../src/snapshot/schema.ts';
import { type ImagePlan, pcscdImage } from './pcscd-image.ts';

const X86_64 = 62;
const AARCH64 = 183;

const busy: Omit<ImagePlan, 'generation'> = {
  readers: [
    { name: 'Yubico YubiKey OTP+FIDO+CCID 00 00', sharing: -1, lock: 111, handles: [111] },
    { name: 'ACS ACR122U 01 00', sharing: 3, lock: 333, handles: [222, 333, 444] },
    { name: 'Alcor AU9540 02 00', sharing: 0, handles: [] },
  ],
  contexts: [
    { fd: 12, handles: [] },
    { fd: 13, handles: [111, 444] },
    { fd: 14, handles: [222] },
    { fd: 15, handles: [333] },
  ],
};

/** Everything that any layout reads out of it. */
const readings = (memory: ProcessMemory, table: readonly ReaderState[], machine = X86_64) =>
  layoutsOf(machine).flatMap((layout) => {
    const holdings = walk(new MemoryImage(memory), layout, table);
    return holdings === null ? [] : [{ layout: layout.name, holdings }];
  });

const readersOf = (plan: Omit<ImagePlan, 'generation'>) => plan.readers.map(({ lock = 0, ...reader }) => ({ ...reader, lock }));

describe('layouts', () => {
  it('has the offsets that the compiler gives pcsc-lite on x86-64', () => {
    expect(layoutsOf(X86_64).map(({ readerContext: { library, handlesList, hLockId, contexts, readerState } }) => [library, handlesList, hLockId, contexts, readerState])).toEqual([
      [0, 40, 304, 316, 432],
      [0, 40, 304, 316, 392],
      [0, 40, 304, 316, 388],
    ]);
    expect(layoutsOf(X86_64)[0]?.clientContext).toMatchObject({ hContext: 0, cardsList: 8, dwClientID: 168, pthThread: 176 });
  });

  it('moves what stands behind a mutex on aarch64, where one takes 48 bytes', () => {
    expect(layoutsOf(AARCH64)[0]).toMatchObject({ readerContext: { hLockId: 312, contexts: 324 }, clientContext: { dwClientID: 176 } });
  });

  it('knows no layout of other architectures', () => {
    expect(layoutsOf(40)).toEqual([]);
  });
});

describe('walk', () => {
  it.each(['1.9.5', '2.4.1', '2.5.1'] as const)('reads handles, locks and owners of %s, and no other layout fits', (generation) => {
    const { memory, table } = pcscdImage({ generation, ...busy });
    const [reading, ...others] = readings(memory, table);
    expect(others).toEqual([]);
    expect(reading?.holdings.readers).toMatchObject(readersOf(busy));
    expect(reading?.holdings.contexts.map(({ fd, handles }) => ({ fd, handles }))).toEqual(busy.contexts);
  });

  it('proves nothing with the layout of another architecture', () => {
    const { memory, table } = pcscdImage({ generation: '2.4.1', ...busy });
    expect(readings(memory, table, AARCH64).filter(({ layout }) => layout.includes('glibc'))).toEqual([]);
  });

  it.each([
    ['another number of handles', { sharing: 2 }],
    ['another event counter', { eventCounter: 8 }],
    ['another card', { atr: '3B00' }],
    ['another name', { name: 'ACS ACR122U 02 00' }],
  ])('proves nothing when pcscd itself tells %s', (_, change) => {
    const { memory, table } = pcscdImage({ generation: '2.4.1', ...busy });
    expect(readings(memory, table.map((state, index) => (index === 1 ? { ...state, ...change } : state)))).toEqual([]);
  });

  const contradictions: [string, Partial<Omit<ImagePlan, 'generation'>>][] = [
    ['a handle that no client owns', { contexts: busy.contexts.filter(({ fd }) => fd !== 14) }],
    ['a handle that two clients own', { contexts: [...busy.contexts, { fd: 16, handles: [222] }] }],
    ['two clients on one descriptor', { contexts: [...busy.contexts, { fd: 13, handles: [] }] }],
    ['a lock that none of the handles has', { readers: [{ name: 'A 00 00', sharing: 1, lock: 999, handles: [111] }] }],
    ['exclusive access without a lock', { readers: [{ name: 'A 00 00', sharing: -1, handles: [111] }] }],
    ['a count that is not the number of handles', { readers: [{ name: 'A 00 00', sharing: 2, handles: [111] }] }],
    ['two readers of one name', { readers: [...busy.readers, { name: 'ACS ACR122U 01 00', sharing: 0, handles: [] }] }],
  ];
  it.each(contradictions)('proves nothing from %s', (_, plan) => {
    const { memory, table } = pcscdImage({ generation: '2.5.1', ...busy, ...plan });
    expect(readings(memory, table)).toEqual([]);
  });

  it('proves nothing from noise', () => {
    const { memory, table, data, heap } = pcscdImage({ generation: '2.4.1', ...busy });
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4096, maxLength: 4096 }), (noise) => {
        data.fill(noise);
        heap.fill(noise);
        expect(readings(memory, table)).toEqual([]);
      }),
      { numRuns: 20 },
    );
  });

  it('never reads a wrong handle or lock out of spoilt memory', () => {
    fc.assert(
      fc.property(fc.constantFrom('1.9.5', '2.4.1', '2.5.1'), fc.nat(), fc.integer({ min: 0, max: 255 }), fc.boolean(), (generation, at, value, inHeap) => {
        const image = pcscdImage({ generation, ...busy });
        const spoilt = inHeap ? image.heap.subarray(0, image.used) : image.data;
        spoilt[at % spoilt.length] = value;
        for (const { holdings } of readings(image.memory, image.table)) {
          expect(holdings.readers.map(({ name, lock, handles }) => ({ name, lock, handles: [...handles].sort() }))).toEqual(
            readersOf(busy).map(({ name, lock, handles }) => ({ name, lock, handles })),
          );
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('ends on a list that runs in a circle', () => {
    const image = pcscdImage({ generation: '2.4.1', ...busy });
    for (let offset = 0; offset + 24 <= image.heap.length; offset += 8) {
      // Every pointer of the heap leads back to its first entry.
      if (image.heap.readBigUInt64LE(offset) > 0x5555_0000_0000n) image.heap.writeBigUInt64LE(0x5555_5600_0010n, offset);
    }
    expect(readings(image.memory, image.table)).toEqual([]);
  });

  it('reads no more than its budget', () => {
    const { memory, table } = pcscdImage({ generation: '2.4.1', ...busy });
    let bytes = 0;
    const counted: ProcessMemory = {
      ...memory,
      read: (address, length) => {
        bytes += length;
        return memory.read(address, length);
      },
    };
    for (const layout of layoutsOf(X86_64)) walk(new MemoryImage(counted, 8192), layout, table);
    expect(bytes).toBeLessThanOrEqual(3 * 8192);
  });
});
