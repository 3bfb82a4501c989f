import { describe, expect, it } from 'vitest';
import { Command, establishStruct, request } from '../../src/pcsc/protocol.ts';
import { readsOf } from '../../src/pcsc/own-reads.ts';
import { mostUnseen, type Traffic } from '../../src/watch/traffic.ts';

const none = { calls: 0, bytes: 0 };
const traffic = (calls: number, bytes: number, own: Traffic['own'] = { sent: none, answered: none }): Traffic => ({ reads: { calls, bytes }, own });

describe('mostUnseen', () => {
  it.each([
    ['nothing was asked of pcscd', 0, 0, 0],
    ['a single request changes at most what was seen', 2, 160, 0],
    ['SCardConnect and SCardDisconnect', 4, 180, 2],
    ['SCardBeginTransaction and SCardEndTransaction, twice', 8, 72, 4],
    ['a program that greets, makes a context and asks for the readers, as each does at its start', 5, 48, 0],
    ['a transaction around some APDUs', 10, 36 + 100, 2],
    ['four reads too small for such requests: the table of readers, asked for by others', 4, 32, 0],
  ])('%s', (_, calls, bytes, most) => {
    expect(mostUnseen(traffic(100, 1000), traffic(100 + calls, 1000 + bytes))).toBe(most);
  });

  it('does not count twice what was seen', () => {
    const free = { count: 0, transaction: false };
    const one = { count: 1, transaction: false };
    const connect = { event: 'connect', reader: 'A', from: free, to: one, holders: null } as const;
    const begin = { ...connect, event: 'transaction-begin', from: one, to: { count: 1, transaction: true } } as const;
    expect(mostUnseen(traffic(0, 0), traffic(4, 176), [connect, begin])).toBe(0);
  });

  it('does not count what this process asked and has been answered', () => {
    const reads = { calls: 4, bytes: 180 };
    expect(mostUnseen(traffic(0, 0), traffic(4, 180, { sent: reads, answered: reads }))).toBe(0);
  });

  it('counts as others\' what this process had asked before, because pcscd may have read it then', () => {
    const reads = { calls: 4, bytes: 180 };
    expect(mostUnseen(traffic(0, 0, { sent: reads, answered: none }), traffic(4, 180, { sent: reads, answered: reads }))).toBe(2);
  });

  it('does not know where not even what this process was answered shows in the count', () => {
    const reads = { calls: 4, bytes: 180 };
    expect(mostUnseen(traffic(0, 0), traffic(0, 0, { sent: reads, answered: reads }))).toBeNull();
  });

  it('does not know where the kernel does not count', () => {
    expect(mostUnseen(null, traffic(0, 0))).toBeNull();
  });
});

it('knows how pcscd reads a message: the header, and the body where there is one', () => {
  const withBody = request(Command.establishContext, establishStruct.encode({}));
  expect(readsOf(Buffer.concat([request(Command.getReadersState), withBody]))).toEqual({ calls: 3, bytes: 8 + 8 + establishStruct.size });
  const transmit = Buffer.concat([request(0x09 as Command, Buffer.alloc(32)), Buffer.from('00a40400', 'hex')]);
  expect(readsOf(transmit)).toEqual({ calls: 3, bytes: 8 + 32 + 4 });
});
