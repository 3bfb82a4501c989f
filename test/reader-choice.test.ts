import { describe, expect, test } from 'vitest';
import { chooseReaders } from '../src/reader-choice.ts';
import { examine } from '../src/run.ts';
import { redact } from '../src/snapshot/redact.ts';
import type { Snapshot } from '../src/snapshot/schema.ts';
import { situation } from './support/situations.ts';

const YUBIKEY = 'Yubico YubiKey OTP+FIDO+CCID 00 00';
const OTHER = 'Alcor Micro AU9540 (9876543) 01 00';

/** A YubiKey that scdaemon holds, and a free reader beside it. */
function two(): Snapshot {
  const held = situation('gpg-holds');
  const { readers } = held.facts;
  if (readers.status !== 'ok') throw new Error('the situation has readers');
  return { ...held, redacted: false, facts: { ...held.facts, readers: { ...readers, value: [...readers.value, { name: OTHER, present: false, atr: null, sharing: 0, eventCounter: 0, state: 0x02, protocol: 0 }] } } };
}
const subjects = (snapshot: Snapshot, reader: string | null) => examine(snapshot, { reader }).findings.filter(({ subject }) => subject.kind === 'reader').map(({ subject }) => subject.name);

describe('--reader on a saved snapshot', () => {
  test('leaves the readers that match, and what is said of them', () => {
    expect(examine(two(), { reader: 'yubico*' }).readers.map(({ name }) => name)).toEqual([YUBIKEY]);
    expect(subjects(two(), 'yubico*')).toContain(YUBIKEY);
  });
  test('says nothing of the others, not even through a cause that explains', () => {
    const { readers, findings, layers } = examine(two(), { reader: 'Alcor*' });
    expect(readers.map(({ name }) => name)).toEqual([OTHER]);
    expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(findings.filter(({ subject }) => subject.kind === 'reader' || subject.kind === 'device')).toEqual([]);
    expect(JSON.stringify(layers)).not.toContain(YUBIKEY);
  });
  test('does not make readers that were not asked for missing ones', () => {
    const { readers, findings } = examine(two(), { reader: 'no such*' });
    expect(readers).toEqual([]);
    expect(findings.map(({ id }) => id)).not.toContain('no-reader');
  });
  test('keeps what stands in the way of a reader that was asked for', () => {
    const all = situation('built-in-reader-first');
    const { findings, readers } = examine(all, {});
    const hiding = findings.find(({ id }) => id === 'wrong-reader-chosen');
    const hidden = readers.find(({ card }) => card.present === true);
    expect(hiding?.subject.name).not.toBe(hidden?.name);
    expect(examine(all, { reader: hidden?.name ?? '' }).findings.map(({ id }) => id)).toContain('wrong-reader-chosen');
  });
  test('is what it was for when nothing else is asked', () => {
    const taken = { ...two(), options: { ...two().options, reader: 'Yubico*' } };
    expect(examine(taken).readers.map(({ name }) => name)).toEqual([YUBIKEY]);
    expect(examine(taken, { reader: '*' }).readers).toHaveLength(2);
  });
  test('outlives redaction where it means the same, and tells no part of a serial number', () => {
    const saved = (reader: string) => redact({ ...two(), options: { ...two().options, reader } }).options.reader;
    expect(saved('Alcor*')).toBe('Alcor*');
    expect(saved('*(9876543)*')).toBe('*(serial1)*');
    expect(saved('*98765*')).toBeNull();
  });
});

test('a device stands with its reader', () => {
  const readers = examine(two()).readers.map((reader, index) => ({ ...reader, device: `1-${index}` }));
  const { concerns } = chooseReaders(readers, 'Alcor*');
  expect([0, 1].map((index) => concerns({ subject: { kind: 'device', name: `1-${index}` }, data: {} }))).toEqual([false, true]);
  expect(concerns({ subject: { kind: 'machine', name: 'x' }, data: {} })).toBe(true);
});
