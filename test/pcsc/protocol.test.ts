import { endianness } from 'node:os';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  Command,
  connectStruct,
  decodeReaderTable,
  disconnectStruct,
  establishStruct,
  readerStateStruct,
  request,
  shareModes,
  tableLength,
  versionStruct,
} from '../../src/pcsc/protocol.ts';

// offsetof() and sizeof() of the C structs, the same in pcsc-lite 1.8.24 to 2.5.1 on 32 and 64 bits.
test.each([
  ['version_struct', versionStruct, 12, { major: 0, minor: 4, rv: 8 }],
  ['establish_struct', establishStruct, 12, { dwScope: 0, hContext: 4, rv: 8 }],
  ['connect_struct', connectStruct, 152, { hContext: 0, szReader: 4, dwShareMode: 132, dwPreferredProtocols: 136, hCard: 140, dwActiveProtocol: 144, rv: 148 }],
  ['disconnect_struct', disconnectStruct, 12, { hCard: 0, dwDisposition: 4, rv: 8 }],
  ['READER_STATE', readerStateStruct, 184, { readerName: 0, eventCounter: 128, readerState: 132, readerSharing: 136, cardAtr: 140, cardAtrLength: 176, cardProtocol: 180 }],
])('%s lies in memory as the C compiler lays it out', (_, layout, size, offsets) => {
  expect(layout.size).toBe(size);
  expect(layout.offsets).toMatchObject(offsets);
});

const uint32 = fc.integer({ min: 0, max: 0xffffffff });
const int32 = fc.integer({ min: -0x80000000, max: 0x7fffffff });

test('what is written into a struct is read out of it again', () => {
  const values = fc.record({ hContext: uint32, szReader: fc.uint8Array({ minLength: 128, maxLength: 128 }), dwShareMode: uint32, dwPreferredProtocols: uint32, hCard: int32, dwActiveProtocol: uint32, rv: uint32 });
  fc.assert(
    fc.property(values, fc.nat(64), (given, before) => {
      const written = { ...given, szReader: Buffer.from(given.szReader) };
      const buffer = Buffer.concat([Buffer.alloc(before, 0xff), connectStruct.encode(written)]);
      expect(connectStruct.decode(buffer, before)).toEqual(written);
    }),
  );
});

test('a request is its size, its command and its body, in the byte order of the machine', () => {
  const bytes = request(Command.version, versionStruct.encode({ major: 4, minor: 4 }));
  const expected = endianness() === 'LE' ? '0c00000011000000040000000400000000000000' : '0000000c00000011000000040000000400000000';
  expect(bytes.toString('hex')).toBe(expected);
});

test('no probe asks for the RAW protocol, and DIRECT for none at all', () => {
  const RAW = 4;
  for (const { protocols } of Object.values(shareModes)) expect(protocols & RAW).toBe(0);
  expect(shareModes.direct).toEqual({ share: 3, protocols: 0 });
});

function slot(name: Buffer, values: Parameters<typeof readerStateStruct.encode>[0] = {}): Buffer {
  return readerStateStruct.encode({ readerName: name, ...values });
}

describe('the table of readers', () => {
  test('shows presence, ATR, handles and protocol of each used slot', () => {
    const atr = Buffer.from('3bda18ff81b1fe751f030031c573c001400590009', 'hex');
    const empty = slot(Buffer.alloc(0), { cardAtrLength: 34 });
    const dump = Buffer.concat([
      slot(Buffer.from('Reader 00 00'), { eventCounter: 3, readerState: 0x34, readerSharing: -1, cardAtr: atr, cardAtrLength: atr.length, cardProtocol: 2 }),
      empty,
      slot(Buffer.from('Reader 01 00'), { readerState: 0x2, readerSharing: 2 }),
    ]);
    expect(decodeReaderTable(dump).map(({ state }) => state)).toEqual([
      { name: 'Reader 00 00', present: true, atr: atr.toString('hex').toUpperCase(), sharing: -1, eventCounter: 3, state: 0x34, protocol: 2 },
      { name: 'Reader 01 00', present: false, atr: null, sharing: 2, eventCounter: 0, state: 0x2, protocol: 0 },
    ]);
  });

  test('keeps the bytes of a name that is not UTF-8', () => {
    const name = Buffer.from([0x52, 0xff, 0xfe, 0x20, 0x30]);
    expect(decodeReaderTable(slot(name))[0]?.rawName).toEqual(name);
  });

  test('a slot that is not initialised has no ATR', () => {
    expect(decodeReaderTable(slot(Buffer.from('R'), { cardAtrLength: 34 }))[0]?.state.atr).toBeNull();
  });

  test('is read from any bytes whatever', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1000 }), (bytes) => {
        const slots = decodeReaderTable(Buffer.from(bytes));
        expect(slots.length).toBeLessThanOrEqual(Math.floor(bytes.length / 184));
        for (const { rawName, state } of slots) {
          expect(rawName.length).toBeGreaterThan(0);
          expect(rawName.includes(0)).toBe(false);
          expect(state.atr === null || state.atr.length <= 66).toBe(true);
        }
      }),
    );
  });

  test('ends where the answer to the version request begins, whatever its number of slots and however it arrives', () => {
    const version = { major: 4, minor: 4 };
    const end = versionStruct.encode({ ...version, rv: 0 });
    const tables = fc.record({ slots: fc.nat(60), names: fc.array(fc.string({ minLength: 1, maxLength: 40 }), { maxLength: 60 }), skip: fc.constantFrom(0, 4) });
    fc.assert(
      fc.property(tables, ({ slots, names, skip }) => {
        const dump = Buffer.concat(Array.from({ length: slots }, (_, at) => slot(Buffer.from(names[at] ?? ''))));
        const answer = Buffer.concat([Buffer.alloc(skip), dump, end]);
        for (let received = 0; received < answer.length; received++) expect(tableLength(answer.subarray(0, received), version, skip)).toBeNull();
        expect(tableLength(answer, version, skip)).toBe(dump.length);
      }),
      { numRuns: 20 },
    );
  });
});
