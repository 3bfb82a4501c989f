/** The memory of a client that never ran, at the offsets that a C compiler gives libpcsclite's structures on x86-64. */
import { describe, expect, it } from 'vitest';
import { readChannels } from '../../src/attribution/channels.ts';
import { contextMapsOf } from '../../src/attribution/layouts.ts';
import { MemoryImage, type ProcessMemory } from '../../src/attribution/memory.ts';
import { writtenMemory } from './written-memory.ts';

const DATA = { start: 0x7f00_0000_0000, length: 0x1000 };
const HEAP = { start: 0x5555_5600_0000, length: 0x4000 };
const X86_64 = 62;

interface Context {
  fd: number;
  channels: { hCard: number; reader: string }[];
}

function clientMemory(contexts: readonly Context[]): { memory: ProcessMemory; heap: Buffer } {
  const { heap, memory, u64, text, allocate, list } = writtenMemory(DATA, HEAP);
  const structures = contexts.map(({ fd, channels }, index) => {
    const context = allocate(184);
    u64(context, fd);
    u64(context + 8, 0x1000 + index);
    const entries = channels.map(({ hCard, reader }) => {
      const [channel, name] = [allocate(16), allocate(reader.length + 1)];
      u64(channel, hCard);
      u64(channel + 8, name);
      text(name, reader);
      return channel;
    });
    list(context + 56, entries);
    return context;
  });
  list(DATA.start + 0x240, structures);
  return { memory, heap };
}

const channels = ({ memory }: { memory: ProcessMemory }, ...fds: number[]) => readChannels(new MemoryImage(memory), contextMapsOf(X86_64), new Set(fds));

const key = { hCard: 0x1234_5678, reader: 'Yubico YubiKey OTP+FIDO+CCID 00 00' };
const alcor = { hCard: 0x0bad_cafe, reader: 'Alcor Micro AU9540 01 00' };

describe('what libpcsclite remembers in a client', () => {
  it('is its handles, with their readers', () => {
    expect(channels(clientMemory([{ fd: 5, channels: [key] }, { fd: 9, channels: [] }, { fd: 7, channels: [alcor] }]), 5, 7, 9)).toEqual([key, alcor]);
  });

  it('is nothing where it has no handle', () => {
    expect(channels(clientMemory([{ fd: 5, channels: [] }]), 5)).toEqual([]);
  });

  it('is not told of when its contexts are other connections than the kernel knows', () => {
    const memory = clientMemory([{ fd: 5, channels: [key] }]);
    expect(channels(memory, 6)).toBeNull();
    expect(channels(memory, 5, 6)).toBeNull();
  });

  it('is not told of when anything in it does not fit', () => {
    const spoilt = clientMemory([{ fd: 5, channels: [key] }]);
    const at = spoilt.heap.indexOf(Buffer.from('7856341200000000', 'hex'));
    spoilt.heap.fill(0xff, at, at + 8);
    expect(channels(spoilt, 5)).toBeNull();
  });
});
