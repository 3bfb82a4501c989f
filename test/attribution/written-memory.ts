import type { ProcessMemory } from '../../src/attribution/memory.ts';

interface Area {
  start: number;
  length: number;
}

/** The memory of a process that never ran, written byte by byte: its variables, and a heap from which one can take. */
export function writtenMemory(data: Area, heap: Area) {
  const buffers = { data: Buffer.alloc(data.length), heap: Buffer.alloc(heap.length) };
  let used = 0x10;
  const isIn = ({ start, length }: Area, address: number) => address >= start && address < start + length;
  const place = (address: number) => (isIn(heap, address) ? { buffer: buffers.heap, offset: address - heap.start } : { buffer: buffers.data, offset: address - data.start });
  const u64 = (address: number, value: number) => void place(address).buffer.writeBigUInt64LE(BigInt(value), place(address).offset);
  const i32 = (address: number, value: number) => void place(address).buffer.writeInt32LE(value, place(address).offset);
  const text = (address: number, value: string) => void place(address).buffer.write(value, place(address).offset);
  const bytes = (address: number, value: Buffer) => void value.copy(place(address).buffer, place(address).offset);
  /** @returns an address as malloc gives them */
  const allocate = (size: number): number => {
    const address = heap.start + used;
    used += Math.ceil((size + 8) / 16) * 16;
    return address;
  };
  /** A list_t of pcsc-lite's simclist.h, with its sentinels. */
  const list = (address: number, elements: readonly number[]) => {
    const entries = [allocate(24), ...elements.map(() => allocate(24)), allocate(24)];
    u64(address, entries[0] ?? 0);
    u64(address + 8, entries.at(-1) ?? 0);
    i32(address + 24, elements.length);
    entries.forEach((entry, index) => {
      u64(entry, elements[index - 1] ?? 0);
      u64(entry + 8, entries[index + 1] ?? 0);
      u64(entry + 16, entries[index - 1] ?? 0);
    });
  };
  const memory: ProcessMemory = {
    mappings: [
      { start: data.start, end: data.start + data.length, kind: 'data' },
      { start: heap.start, end: heap.start + heap.length, kind: 'heap' },
    ],
    read: (address, length) => {
      const { buffer, offset } = place(address);
      return offset < 0 || offset + length > buffer.length ? null : Buffer.from(buffer.subarray(offset, offset + length));
    },
  };
  return { ...buffers, memory, u64, i32, text, bytes, allocate, list, used: () => used };
}
