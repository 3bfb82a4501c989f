/**
 * The memory of a pcscd that never ran, written byte by byte at the offsets that the C compiler gives pcsc-lite's
 * structures on x86-64 (taken with offsetof from the headers of 1.9.5, 1.9.9 and 2.5.1).
 */
import type { ProcessMemory } from '../../src/attribution/memory.ts';
import type { ReaderState } from '../../src/snapshot/schema.ts';
import { writtenMemory } from './written-memory.ts';

export type Generation = '1.9.5' | '2.4.1' | '2.5.1';

export interface ImagePlan {
  generation: Generation;
  readers: { name: string; sharing: number; lock?: number; handles: number[] }[];
  contexts: { fd: number; handles: number[] }[];
}

const stateOffset: Record<Generation, number> = { '1.9.5': 432, '2.4.1': 392, '2.5.1': 388 };
const ATR = '3B8F8001804F0CA000000306030001000000006A';

const DATA = { start: 0x5555_5557_0000, length: 0x3000 };
const HEAP = { start: 0x5555_5600_0000, length: 0x20000 };

export interface PcscdImage {
  memory: ProcessMemory;
  /** What pcscd would say on its socket. */
  table: ReaderState[];
  /** The bytes themselves, to spoil them. */
  data: Buffer;
  heap: Buffer;
  /** How much of the heap is in use. */
  used: number;
}

export function pcscdImage({ generation, readers, contexts }: ImagePlan): PcscdImage {
  const { data, heap, memory, u64, i32, text, bytes, allocate, list, used } = writtenMemory(DATA, HEAP);
  const atr = Buffer.from(ATR, 'hex');
  const readerState = (address: number, name: string, sharing: number) => {
    text(address, name);
    i32(address + 128, 7);
    i32(address + 132, 0x34);
    i32(address + 136, sharing);
    bytes(address + 140, atr);
    i32(address + 176, atr.length);
    i32(address + 180, 2);
  };

  const library = allocate(64);
  text(library, '/usr/lib/pcsc/drivers/serial/libifdvpcd.so');
  const structures = readers.map(({ name, sharing, lock = 0, handles }, index) => {
    const structure = allocate(640);
    u64(structure, library);
    list(
      structure + 40,
      handles.map((handle) => {
        const element = allocate(16);
        u64(element, handle);
        return element;
      }),
    );
    u64(structure + 304, lock);
    i32(structure + 312, lock === 0 ? 0 : 1);
    i32(structure + 316, sharing);
    if (generation === '2.5.1') readerState(structure + 388, name, sharing);
    else {
      const state = DATA.start + 0x1000 + 184 * index;
      readerState(state, name, sharing);
      u64(structure + stateOffset[generation], state);
    }
    return structure;
  });

  if (generation === '2.5.1') {
    const array = allocate(8 * structures.length);
    structures.forEach((structure, index) => u64(array + 8 * index, structure));
    u64(DATA.start + 0x808, array);
  } else {
    structures.forEach((structure, index) => u64(DATA.start + 0x808 + 8 * index, structure));
  }

  list(
    DATA.start + 0x600,
    contexts.map(({ fd, handles }) => {
      const context = allocate(184);
      i32(context, 0x1000_0000 + fd);
      list(
        context + 8,
        handles.map((handle) => {
          const card = allocate(4);
          i32(card, handle);
          return card;
        }),
      );
      i32(context + 168, fd);
      return context;
    }),
  );

  return {
    memory,
    table: readers.map(({ name, sharing }) => ({ name, present: true, atr: ATR, sharing, eventCounter: 7, state: 0x34, protocol: 2 })),
    data,
    heap,
    used: used(),
  };
}
