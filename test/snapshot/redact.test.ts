import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type * as z from 'zod';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { examine } from '../../src/run.ts';
import { ok, skipped } from '../../src/snapshot/fact.ts';
import { redact } from '../../src/snapshot/redact.ts';
import { type Snapshot, snapshotSchema } from '../../src/snapshot/schema.ts';
import { arbitraryOf } from '../support/arbitrary.ts';
import { processNamed, soundSnapshot } from '../support/snapshot.ts';

const READER = 'Yubico YubiKey CCID (0012345678) 00 00';

function personal(): Snapshot {
  const base = soundSnapshot();
  const reader = base.facts.readers.status === 'ok' ? base.facts.readers.value[0] : undefined;
  if (reader === undefined) throw new Error('the sound snapshot has a reader');
  return soundSnapshot({
    readers: ok([{ ...reader, name: READER }], 'pcscd'),
    clients: ok({
      clients: [
        { process: processNamed('firefox', { argv: ['/usr/bin/firefox', '--profile', '/home/alice/p', 'https://intra.example/?token=hunter2'] }), connections: 1, inodes: ['12345'] },
        { process: processNamed('python3', { user: 'bob', uid: 1001, argv: ['/usr/bin/python3', '/usr/bin/ykman', 'oath', 'accounts', 'add'] }), connections: 1, inodes: ['2'] },
      ],
      unattributed: 0, hiddenByNamespace: 0,
    }, 'ss'),
    pkcs11Hosts: ok([{ pid: 100, loaders: ['p11-kit', 'nss'], modules: [
      { file: '/usr/lib/opensc-pkcs11.so', registrations: ok([
        { kind: 'nss', file: '/home/alice/.mozilla/firefox/ab.default/pkcs11.txt', name: 'OpenSC of alice', library: '/home/alice/lib/opensc-pkcs11.so', open: true },
        { kind: 'p11-kit', file: '/srv/bob/p11-kit/opensc.module', name: 'opensc', program: 'firefox', enableIn: null, disableIn: ['ssh'], override: { file: '/home/alice/.config/pkcs11/modules/opensc.module', ofUser: true } },
      ], 'x') },
      { file: '/usr/lib/other-pkcs11.so', registrations: skipped('/home/alice/.pki/nssdb/secmod.db has NSS\'s old binary format') },
    ] }], '/proc'),
    scdaemonConfig: ok({
      files: [{ path: '/home/alice/.gnupg/scdaemon.conf', state: 'read', uid: 1000, mtime: null }],
      lines: [{ file: '/home/alice/.gnupg/scdaemon.conf', line: 1, option: 'reader-port', value: READER }], problems: [], verdict: null, fatal: false, disableCcid: true,
      pcscShared: true, readerPort: READER, backend: 'pcsc', shareMode: 'shared',
    }, '/home/alice/.gnupg/scdaemon.conf'),
  });
}

describe('redact', () => {
  test('replaces users, serials, homes and arguments, the same by the same', () => {
    const { facts } = redact(personal());
    const text = JSON.stringify(facts);
    for (const original of ['alice', 'bob', '0012345678', 'hunter2', 'intra.example', 'oath']) expect(text).not.toContain(original);
    expect(facts.readers).toMatchObject({ value: [{ name: 'Yubico YubiKey CCID (serial1) 00 00' }] });
    expect(facts.scdaemonConfig).toMatchObject({ value: { readerPort: 'Yubico YubiKey CCID (serial1) 00 00', files: [{ path: '/home/user1/.gnupg/scdaemon.conf' }] } });
    expect(facts.clients).toMatchObject({ value: { clients: [{ process: { user: 'user1', argv: ['/usr/bin/firefox'] } }, { process: { user: 'user2', argv: ['/usr/bin/python3', '/usr/bin/ykman'] } }] } });
    expect(facts.pcscdProcesses).toMatchObject({ value: [{ process: { user: 'root' } }] });
    expect(facts.pkcs11Hosts).toMatchObject({
      value: [{ loaders: ['p11-kit', 'nss'], modules: [
        { file: '/usr/lib/opensc-pkcs11.so', registrations: { value: [{ kind: 'nss', file: '/home/user1/.mozilla/firefox/ab.default/pkcs11.txt', name: 'OpenSC of user1' }, { kind: 'p11-kit', file: '/srv/user2/p11-kit/opensc.module', override: { file: '/home/user1/.config/pkcs11/modules/opensc.module' } }] } },
        { registrations: { why: '/home/user1/.pki/nssdb/secmod.db has NSS\'s old binary format' } },
      ] }],
    });
  });

  test('replaces a serial number wherever a reader is named, connected or not', () => {
    const yubikey = 'Yubico YubiKey OTP+FIDO+CCID (0012345678) 00 00';
    const nitrokey = 'Nitrokey Nitrokey Start (FSIJ-1.2.15-43211613) 01 00';
    const absentOnes = { written: '0087654321', internal: '00556677', ignored: 'AB12CD34', probed: '99887766', told: '55443322' };
    const base = personal();
    const device = { path: '1-2', bus: 1, device: 5, id: '20a0:4211', manufacturer: 'Nitrokey', product: 'Nitrokey Start', serial: 'FSIJ-1.2.15-43211613', node: '/dev/bus/usb/001/005', access: ok({ mode: 0o664, uid: 0, gid: 0, group: null, readWrite: true }, 'x'), authorized: true, interfaces: [], ccidInterfaces: [0], power: { runtimeStatus: null, control: null } };
    if (base.facts.scdaemonConfig.status !== 'ok') throw new Error('it has a configuration');
    const line = (value: string) => ({ file: '/etc/gnupg/scdaemon.conf', line: 1, option: 'reader-port', value });
    const snapshot = soundSnapshot({
      usbDevices: ok([device], '/sys'),
      readers: ok([yubikey, nitrokey].map((name) => ({ name, present: true, atr: '3B8F80010000000012345678', sharing: 0, eventCounter: 1, state: 0x34, protocol: 0 })), 'pcscd'),
      libraryReaders: ok([{ name: nitrokey, state: 0, atr: '3B8F8001464D494A2D312E322E31352D3433323131363133'.replace('464D', '4653') }], 'library'),
      probes: ok([{ reader: `Yubico YubiKey (${absentOnes.probed}) 02 00`, mode: 'shared', backend: 'daemon', outcome: 'error', code: null, hex: null, ms: 1, reason: `no reader Yubico (${absentOnes.told}) 03 00, nor 12345678` }], 'pcscd'),
      pcscdConfig: ok({ environment: { PCSCLITE_FILTER_IGNORE_READER_NAMES: `Yubico (${absentOnes.ignored})` }, environmentFiles: [], ignoredReaders: [`Yubico (${absentOnes.ignored})`], readerConf: [] }, '/etc/default/pcscd'),
      scdaemonConfig: ok({ ...base.facts.scdaemonConfig.value, lines: [line(`Yubico YubiKey (${absentOnes.written})`), line(`1050:0407:${absentOnes.internal}:0`)], readerPort: `1050:0407:${absentOnes.internal}:0` }, 'x'),
      handles: ok([{ reader: yubikey, access: 'shared', pid: 1, process: null, hCard: '1' }], '/proc/7/mem'),
    });
    const shared = redact(snapshot);
    const said = JSON.stringify([shared, examine(shared), renderMarkdown(examine(shared), shared, true)]);
    for (const serial of ['12345678', '43211613', 'FSIJ', ...Object.values(absentOnes)]) expect(said).not.toContain(serial);
    expect(shared.facts.readers).toMatchObject({ value: [{ name: expect.stringMatching(/\(serial\d\) 00 00$/) }, {}] });
    expect(JSON.stringify(shared.facts.handles)).toContain((shared.facts.readers as { value: { name: string }[] }).value[0]?.name);
  });

  test('keeps the ATR, which tells the kind of card, without a serial number that is known', () => {
    const atrs = (atr: string, serial: string) => {
      const { readers } = redact(soundSnapshot({ readers: ok([{ name: `A (${serial}) 00 00`, present: true, atr, sharing: 0, eventCounter: 1, state: 0x34, protocol: 0 }], 'pcscd') })).facts;
      return readers.status === 'ok' ? readers.value[0]?.atr : undefined;
    };
    const yubikey = '3BFD1300008131FE158073C021C057597562694B657940';
    expect(atrs(yubikey, '0012345678')).toBe(yubikey);
    expect(atrs('3B6800000012345678', '12345678')).toBe('3B6800000000000000');
    expect(atrs('3B680000' + '3132333435363738', '12345678')).toBe('3B6800000000000000000000');
    // Digits that begin within a byte are another number.
    expect(atrs('3B68000A12345678B0', '12345678')).toBe('3B68000A00000000B0');
    expect(atrs('3B680000A12345678B', '12345678')).toBe('3B680000A12345678B');
  });

  test('replaces the serial number in an OpenPGP application identifier', () => {
    const aid = 'D276000124010304000612345678';
    const { facts } = redact(soundSnapshot({ clients: { status: 'failed', error: `card ${aid}0000` } }));
    expect(facts.clients).toEqual({ status: 'failed', error: 'card D2760001240103040006000000000000' });
  });

  test('is idempotent and gives a valid snapshot', () => {
    const once = redact(personal());
    expect(once.redacted).toBe(true);
    expect(redact(once)).toEqual(once);
    expect(snapshotSchema.safeParse(once).error).toBeUndefined();
  });

  test('no planted original survives, whatever else the snapshot holds', () => {
    const planted = { user: 'zoë-planted', host: 'planted-host', serial: 'PLANTED123456', argument: 'planted secret' };
    const text = fc.oneof(fc.constantFrom('pcscd', '/usr/lib/x', 'shared'), ...Object.values(planted).slice(0, 3).map((word) => fc.constantFrom(word, `/srv/${word}/x`, `of ${word}.`)));
    const snapshots = arbitraryOf(snapshotSchema, text) as fc.Arbitrary<Snapshot>;
    fc.assert(
      fc.property(snapshots, (arbitrary) => {
        const snapshot: Snapshot = { ...arbitrary, redacted: false, facts: { ...arbitrary.facts, ...marked(planted) } };
        const saved = JSON.stringify(redact(snapshot, { hostname: planted.host }));
        for (const original of Object.values(planted)) expect(saved).not.toContain(original);
      }),
      { numRuns: 200 },
    );
  });

  test.each([
    ['code given to an interpreter', ['python3', '-c', 'token = "hunter2"'], ['python3', '-c']],
    ['a command given to a shell', ['bash', '-ec', 'curl -u me:hunter2 x'], ['bash']],
    ['what follows an option with a value', ['python3', '-X', 'hunter2', 'x.py'], ['python3']],
    ['arguments written into the first', ['/opt/chrome/chrome --type=renderer --key=hunter2'], ['/opt/chrome/chrome']],
    ['a title', ['sshd: hunter2@pts/3'], ['sshd:']],
    ['nothing of a script behind plain options', ['python3', '-I', '/usr/bin/ykman', 'hunter2'], ['python3', '-I', '/usr/bin/ykman']],
    ['nothing of a module', ['python3', '-m', 'ykman', 'hunter2'], ['python3', '-m', 'ykman']],
  ])('removes of arguments %s', (_, argv, kept) => {
    const { facts } = redact(soundSnapshot({ usbHolders: ok({ holders: [{ node: '/dev/bus/usb/001/002', process: processNamed('x', { argv, exe: null }) }], unseenProcesses: 0 }, '/proc') }));
    expect(facts.usbHolders).toMatchObject({ value: { holders: [{ process: { argv: kept } }] } });
  });

  test('leaves every field of fixed words alone', () => {
    const words = fixedWords(snapshotSchema);
    expect(words.size).toBeGreaterThan(30);
    for (const name of words) {
      const base = soundSnapshot();
      if (base.facts.host.status !== 'ok') throw new Error('the sound snapshot has a host');
      const host = ok({ ...base.facts.host.value, user: { uid: 1000, name, groups: [] } }, 'x');
      expect(snapshotSchema.safeParse(redact({ ...personal(), facts: { ...personal().facts, host } })).success, `a user called ${name}`).toBe(true);
    }
  });

  test('leaves times and USB numbers what they are, whoever is called like that', () => {
    const base = soundSnapshot();
    if (base.facts.host.status !== 'ok') throw new Error('the sound snapshot has a host');
    const host = ok({ ...base.facts.host.value, hostname: '2026', user: { uid: 1000, name: '11', groups: [] } }, 'x');
    const device = { path: '1-2', bus: 1, device: 5, id: '1050:0407', manufacturer: null, product: null, serial: '1050', node: '/dev/bus/usb/001/005', access: ok({ mode: 0o664, uid: 0, gid: 0, group: null, readWrite: true }, 'x'), authorized: true, interfaces: [], ccidInterfaces: [], power: { runtimeStatus: null, control: null } };
    const shared = redact(soundSnapshot({ host, usbDevices: ok([device], 'x') }));
    expect(snapshotSchema.safeParse(shared).error).toBeUndefined();
    expect(shared.startedAt).toBe(base.startedAt);
    expect(shared.facts.usbDevices).toMatchObject({ value: [{ id: '1050:0407', serial: 'serial1' }] });
  });
});

/** The facts through which redaction learns who and what is personal. */
function marked({ user, serial, argument }: { user: string; serial: string; argument: string }): Partial<Snapshot['facts']> {
  return {
    usbHolders: ok({ holders: [{ node: '/dev/bus/usb/001/002', process: processNamed('scdaemon', { user, uid: 1001, argv: ['scdaemon', argument] }) }], unseenProcesses: 0 }, '/proc'),
    libraryReaders: ok([{ name: `Reader (${serial}) 00 00`, state: 0, atr: null }], 'library'),
  };
}

/** Every word of every enumeration and literal of a schema. */
function fixedWords(schema: z.ZodType, found = new Set<string>()): Set<string> {
  const def = schema.def as unknown as { type: string; entries?: Record<string, string>; values?: unknown[]; shape?: Record<string, z.ZodType>; element?: z.ZodType; innerType?: z.ZodType; valueType?: z.ZodType; options?: z.ZodType[] };
  for (const word of [...Object.values(def.entries ?? {}), ...(def.values ?? [])]) if (typeof word === 'string') found.add(word);
  for (const inner of [...Object.values(def.shape ?? {}), ...(def.options ?? []), def.element, def.innerType, def.valueType]) if (inner !== undefined) fixedWords(inner, found);
  return found;
}
