import { describe, expect, it } from 'vitest';
import { holdersReport, renderHoldersJson, renderHoldersText } from '../../src/report/holders.ts';
import type { Holder, ReaderReport } from '../../src/report/schema.ts';
import { absent, denied, failed, ok, skipped } from '../../src/snapshot/fact.ts';
import type { Facts, ReaderState } from '../../src/snapshot/schema.ts';

const holder = (change: Partial<Holder> = {}): Holder => ({
  pid: 4711,
  uid: 1000,
  user: 'alice',
  command: 'scdaemon',
  access: 'exclusive',
  certainty: 'proven',
  since: null,
  modules: [],
  evidence: [],
  unit: null,
  terminal: null,
  parents: [],
  ...change,
});
const reader = (name: string, mode: ReaderReport['sharing']['mode'], holders: Holder[] = [], unattributed = 0): ReaderReport => ({
  name,
  card: { present: true, atr: null },
  sharing: { mode, handles: null, transaction: null },
  device: null,
  listed: true,
  probes: { shared: null, exclusive: null, direct: null },
  holders,
  unattributed,
});
const state = (name: string): ReaderState => ({ name, present: true, atr: null, sharing: 0, eventCounter: 1, state: 0, protocol: 0 });

const known: Pick<Facts, 'handles' | 'readers' | 'usbHolders'> = {
  handles: ok([], 'x'),
  readers: ok([state('A 00 00'), state('B 01 00')], 'x'),
  usbHolders: ok({ holders: [], unseenProcesses: 0 }, 'x'),
};
const report = (readers: ReaderReport[], facts: Partial<typeof known> = {}, isWanted = (_: string) => true) => holdersReport(ok(readers, 'x'), { ...known, ...facts }, isWanted);

describe('whether somebody holds a reader', () => {
  const free = reader('A 00 00', 'free');
  it.each([
    ['one of two is held', report([free, reader('B 01 00', 'shared')]), 'held'],
    ['all are free', report([free]), 'free'],
    ['the one asked for is free', report([free, reader('B 01 00', 'exclusive')], {}, (name) => name.startsWith('A')), 'free'],
    ['the one asked for is not there', report([free], {}, () => false), 'unknown'],
    ['a program has one over USB', report([{ ...reader('USB', 'unknown', [holder({ access: 'usb' })]), listed: false }]), 'held'],
    ['a state is unknown', report([reader('A 00 00', 'unknown')]), 'unknown'],
    ['no pcscd runs and nobody uses USB', report([], { readers: absent('no pcscd is running') }), 'free'],
    ['no pcscd runs and there is no USB', report([], { readers: absent('no pcscd is running'), usbHolders: absent('no bus') }), 'free'],
    ['no pcscd runs and USB is not to be seen', report([], { readers: absent('no pcscd is running'), usbHolders: denied('root') }), 'unknown'],
    ['a pcscd may be out of sight', report([], { readers: skipped('no pcscd is in sight') }), 'unknown'],
    ['pcscd does not answer', holdersReport(failed('no answer'), { ...known, readers: failed('no answer') }, () => true), 'unknown'],
    ['there is no reader', report([], { readers: ok([], 'x') }), 'free'],
  ])('%s', (_, { verdict }, expected) => expect(verdict).toBe(expected));
});

describe('the table', () => {
  it('has a row for every holder, one for every free reader, and one for what is not visible', () => {
    const text = renderHoldersText(
      report([reader('A 00 00', 'exclusive', [holder()]), reader('B 01 00', 'shared', [holder({ pid: 9, user: null, command: 'x', access: 'unknown', certainty: 'possible' })], 2), reader('C', 'free')]),
    );
    expect(text).toBe(
      [
        'READER   MODE       PID   USER   COMMAND                SINCE  CERTAINTY',
        'A 00 00  exclusive  4711  alice  scdaemon               -      proven',
        'B 01 00  shared     9     1000   x                      -      possible',
        'B 01 00  shared     ?     ?      2 not visible for you  -      -',
        'C        free       -     -      -                      -      -',
        '',
      ].join('\n'),
    );
  });

  it('says what root would see, where something is held', () => {
    expect(renderHoldersText(report([reader('A 00 00', 'exclusive')], { handles: denied('root') }))).toContain('sudo cardcheck holders shows which process owns each open handle.');
    expect(renderHoldersText(report([reader('A 00 00', 'free')], { handles: denied('root') }))).not.toContain('sudo');
  });

  it('gives the reason where there is none', () => {
    expect(renderHoldersText(holdersReport(absent('no pcscd is running'), known, () => true))).toBe('no pcscd is running\n');
    expect(renderHoldersText(report([], { readers: absent('pcscd sleeps') }))).toBe('pcscd sleeps\n');
    expect(renderHoldersText(report([], { readers: ok([], 'x') }))).toBe('no reader\n');
  });
});

it('is the same reader objects in JSON', () => {
  const readers = [reader('A 00 00', 'exclusive', [holder()])];
  expect(JSON.parse(renderHoldersJson(report(readers)))).toMatchObject({ schemaVersion: 1, readers });
});
