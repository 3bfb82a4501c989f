import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deriveHoldings } from '../../src/derive/holdings.ts';
import type { ReaderReport } from '../../src/report/schema.ts';
import { absent, denied, ok, skipped, timedOut } from '../../src/snapshot/fact.ts';
import type { Fact, Facts, Pkcs11Registration } from '../../src/snapshot/schema.ts';
import { client, clients, facts, handle, pcscd, pcscdSince, probe, process, reader, readers, scdaemon, usb } from './facts.ts';

const R = 'Yubico YubiKey OTP+FIDO+CCID 00 00';
const S = 'Gemalto PC Twin Reader 01 00';

function derive(given: Partial<Facts>): ReaderReport[] {
  const fact = deriveHoldings(facts(given));
  if (fact.status !== 'ok') throw new Error(fact.status);
  return fact.value;
}
const first = (given: Partial<Facts>): ReaderReport => derive(given)[0] as ReaderReport;
/** Holders in short: `41 exclusive proven`. */
const held = ({ holders }: ReaderReport) => holders.map(({ pid, access, certainty }) => `${pid} ${access} ${certainty}`);

describe('a reader\'s state', () => {
  const direct = (outcome: 'ok' | 'blocked' | 'sharing-violation') => ({ probes: ok([probe(R, 'direct', outcome)], 'x') });
  it.each<[string, number, object, object]>([
    ['free', 0, {}, { mode: 'free', handles: 0, transaction: false }],
    ['shared', 3, {}, { mode: 'shared', handles: 3, transaction: null }],
    ['shared, DIRECT answered', 1, direct('ok'), { mode: 'shared', handles: 1, transaction: false }],
    ['shared, DIRECT blocked', 2, direct('blocked'), { mode: 'shared', handles: 2, transaction: true }],
    ['free, DIRECT blocked by something else', 0, direct('blocked'), { mode: 'free', handles: 0, transaction: null }],
    ['shared, a transaction in pcscd\'s memory', 2, { handles: ok([handle(R, 41, 'shared'), handle(R, 42, 'transaction')], 'x') }, { mode: 'shared', handles: 2, transaction: true }],
    ['shared, no transaction in pcscd\'s memory', 1, { handles: ok([handle(R, 41, 'shared')], 'x') }, { mode: 'shared', handles: 1, transaction: false }],
    ['shared, and pcscd\'s memory was read when it was otherwise', 2, { handles: ok([handle(R, 41, 'transaction')], 'x') }, { mode: 'shared', handles: 2, transaction: null }],
    ['exclusive', -1, direct('sharing-violation'), { mode: 'exclusive', handles: 1, transaction: null }],
  ])('%s', (_, sharing, more, expected) => expect(first({ readers: readers(reader(R, sharing)), ...more }).sharing).toEqual(expected));

  it('comes from the library where the daemon\'s table is not to be had, without a count', () => {
    const library = (state: number | null) => first({ readers: denied('root'), libraryReaders: ok([{ name: R, state, atr: null }], 'pcsclite') });
    expect(library(0x20).sharing.mode).toBe('free');
    expect(library(0x120)).toMatchObject({ card: { present: true }, sharing: { mode: 'shared', handles: null } });
    expect(library(0x1a0).sharing.mode).toBe('exclusive');
    expect(library(null)).toMatchObject({ card: { present: null }, sharing: { mode: 'unknown' }, holders: [] });
  });

  it('is not told where neither could be asked', () => {
    expect(deriveHoldings(facts({ readers: timedOut(500) }))).toEqual({ status: 'timeout', afterMs: 500 });
    expect(deriveHoldings(facts({ readers: absent('no pcscd') }))).toEqual({ status: 'absent', reason: 'no pcscd' });
  });

  it('prefers the daemon\'s probes and shows the library\'s where it alone answered', () => {
    const probes = ok([probe(R, 'shared', 'no-service', 'library'), probe(R, 'shared', 'ok', 'daemon'), probe(R, 'exclusive', 'skipped', 'daemon'), probe(R, 'exclusive', 'ok', 'library')], 'x');
    expect(first({ readers: readers(reader(R, 0)), probes }).probes).toMatchObject({
      shared: { outcome: 'ok', backend: 'daemon' },
      exclusive: { outcome: 'ok', backend: 'library' },
      direct: null,
    });
  });
});

describe('who holds a reader', () => {
  const exclusive = readers(reader(R, -1));
  const shared = (count: number) => readers(reader(R, count));

  describe('by what the libraries of its clients remember', () => {
    const remembering = (pid: number, ...names: string[]) => client(pid, 'something', 1, { handles: names.map((name, index) => ({ reader: name, hCard: `0x0000${pid}0${index}` })) });

    it('is likely the one that remembers a handle, and none that remembers none', () => {
      expect(held(first({ readers: exclusive, clients: clients([remembering(41), remembering(42, R), remembering(43, S)]) }))).toEqual(['42 exclusive likely']);
      expect(held(first({ readers: shared(2), clients: clients([remembering(41, R), remembering(42), remembering(43, R, S)]) }))).toEqual(['41 shared likely', '43 shared likely']);
    });

    it('stays open among more that remember one than there are: some reader was unplugged since', () => {
      expect(held(first({ readers: exclusive, clients: clients([remembering(41, R), remembering(42, R)]) }))).toEqual(['41 exclusive possible', '42 exclusive possible']);
    });

    it('is no more than likely, and may still be one that was not read', () => {
      expect(held(first({ readers: exclusive, clients: clients([client(41, 'something'), remembering(42, R)]) }))).toEqual(['42 exclusive likely', '41 exclusive possible']);
    });
  });
  const blocked = { probes: ok([probe(R, 'direct', 'blocked')], 'x') };

  it.each<[string, Partial<Facts>, string[]]>([
    ['nobody, when it is free, whoever is connected', { readers: readers(reader(R, 0)), clients: clients([client(4, 'firefox')]) }, []],
    ['the one client, no more than likely, though every connection is accounted for', { readers: exclusive, clients: clients([client(4, 'mycard')]) }, ['4 exclusive likely']],
    ['the one client, likely, when one connection is not', { readers: exclusive, clients: clients([client(4, 'mycard')], { unattributed: 1 }) }, ['4 exclusive likely']],
    ['the one client, likely, when another namespace hides one', { readers: exclusive, clients: clients([client(4, 'mycard')], { hiddenByNamespace: 1 }) }, ['4 exclusive likely']],
    ['the one client, likely, when pcscd\'s descriptors were not compared', { readers: exclusive, clients: clients([client(4, 'mycard')], { complete: false }) }, ['4 exclusive likely']],
    ['the one client with all its handles', { readers: shared(3), clients: clients([client(4, 'mycard', 2)]) }, ['4 shared likely']],
    ['the one client as owner of the transaction', { readers: shared(1), clients: clients([client(4, 'mycard')]), ...blocked }, ['4 transaction likely']],
    ['first the program that connects EXCLUSIVE', { readers: exclusive, clients: clients([client(4, 'gsd-smartcard'), client(5, 'yubikey-agent')]) }, ['5 exclusive likely', '4 exclusive possible']],
    ['any of two that both may', { readers: exclusive, clients: clients([client(4, 'yubikey-agent'), client(5, 'piv-agent')]) }, ['4 exclusive possible', '5 exclusive possible']],
    ['both, likely, when there are two handles', { readers: shared(2), clients: clients([client(4, 'firefox'), client(5, 'gsd-smartcard'), client(6, 'pcsc_scan')]) }, ['4 shared likely', '5 shared likely', '6 shared possible']],
    ['either, when there is one handle', { readers: shared(1), clients: clients([client(4, 'firefox'), client(5, 'gsd-smartcard')]) }, ['4 shared possible', '5 shared possible']],
    ['never surely a monitor', { readers: exclusive, clients: clients([client(4, 'pcsc_scan')]) }, ['4 exclusive possible']],
    ['never surely another cardcheck, which gives each handle back at once', { readers: shared(1), clients: clients([client(4, 'node', 1, { process: process(4, 'node', { argv: ['node', '/usr/bin/cardcheck', '--json'] }) })], { unattributed: 1 }) }, ['4 shared possible']],
    ['a program that only shares, less than surely, when the reader is exclusive', { readers: exclusive, clients: clients([client(4, 'gsd-smartcard')]) }, ['4 exclusive likely']],
    ['a program that keeps transactions, when one is open', { readers: shared(2), clients: clients([client(4, 'AusweisApp'), client(5, 'firefox')]), ...blocked }, ['4 transaction likely', '5 unknown likely']],
    ['a scdaemon that says so, though its connection is hidden', { readers: exclusive, clients: clients([], { unattributed: 1, complete: false }), scdaemons: ok([scdaemon(7)], 'x'), pcscdProcesses: pcscd }, ['7 exclusive proven']],
    ['a scdaemon that says so, likely, when another reader is in use', { readers: readers(reader(R, -1), reader(S, 1)), clients: clients([], { unattributed: 2, complete: false }), scdaemons: ok([scdaemon(7)], 'x'), pcscdProcesses: pcscd }, ['7 exclusive likely']],
    ['a scdaemon that says so, likely, when there is a second pcscd', { readers: exclusive, clients: clients([], { unattributed: 1 }), scdaemons: ok([scdaemon(7)], 'x') }, ['7 exclusive likely']],
    ['a scdaemon that says so, likely, when pcscd is younger', { readers: exclusive, clients: clients([], { unattributed: 1 }), scdaemons: ok([scdaemon(7)], 'x'), pcscdProcesses: pcscdSince('2026-01-01T00:00:01.000Z') }, ['7 exclusive likely']],
    ['not a scdaemon that says so, when every connection is another\'s', { readers: exclusive, clients: clients([client(4, 'mycard')]), scdaemons: ok([scdaemon(7)], 'x'), pcscdProcesses: pcscd }, ['4 exclusive likely']],
    ['one of two scdaemons that say so', { readers: exclusive, clients: clients([], { unattributed: 2 }), scdaemons: ok([scdaemon(7), scdaemon(8)], 'x'), pcscdProcesses: pcscd }, ['7 exclusive possible', '8 exclusive possible']],
    ['not a scdaemon that works over USB', { readers: exclusive, clients: clients([], { unattributed: 1 }), scdaemons: ok([scdaemon(7, { usesInternalCcid: true })], 'x') }, []],
    ['rather another than a scdaemon without an open card', { readers: exclusive, clients: clients([client(4, 'mycard'), client(7, 'scdaemon')]), scdaemons: ok([scdaemon(7, { cardOpen: ok(false, 'x') })], 'x') }, ['4 exclusive possible', '7 exclusive possible']],
    ['nobody nameable, when connections could not be listed', { readers: exclusive }, []],
    ['likely a program of somebody else\'s that connects EXCLUSIVE, when a connection could not be attributed', { readers: exclusive, clients: clients([], { unattributed: 1, suspects: [process(4, 'firefox'), process(5, 'scdaemon')] }), scdaemons: ok([scdaemon(5, { ours: false, cardOpen: denied('root') })], 'x') }, ['5 exclusive likely', '4 exclusive possible']],
    ['rather who is seen connected than who only runs', { readers: shared(1), clients: clients([client(4, 'mycard')], { unattributed: 1, suspects: [process(5, 'firefox')] }) }, ['4 shared likely', '5 shared possible']],
    ['the connected one as the likely owner of a transaction', { readers: shared(1), clients: clients([client(4, 'mycard')], { unattributed: 1, suspects: [process(5, 'AusweisApp')] }), ...blocked }, ['4 transaction likely', '5 unknown possible']],
    ['not cardcheck itself', { readers: exclusive, clients: clients([client(3, 'node'), client(4, 'mycard')]), self: ok({ pids: [3], backends: [], blind: [] }, 'x') }, ['4 exclusive likely']],
  ])('%s', (_, given, expected) => expect(held(first(given))).toEqual(expected));

  it('counts what could not be attributed', () => {
    expect(first({ readers: exclusive, clients: clients([], { unattributed: 2, hiddenByNamespace: 1 }) }).unattributed).toBe(3);
    expect(first({ readers: exclusive }).unattributed).toBe(1);
    expect(first({ readers: readers(reader(R, 0)), clients: clients([], { unattributed: 2 }) }).unattributed).toBe(0);
  });

  it('says in sentences what speaks for it', () => {
    const [holder] = first({ readers: exclusive, clients: clients([client(4, 'yubikey-agent', 2)], { unattributed: 1 }) }).holders;
    expect(holder?.evidence).toEqual([
      'PC/SC says that one handle holds the reader exclusively.',
      'Process 4 has 2 connections to pcscd.',
      'yubikey-agent connects EXCLUSIVE.',
      '1 connection to pcscd could not be attributed.',
    ]);
  });
});

describe('what pcscd\'s memory says', () => {
  it('is proven, one holder for all handles of a process, the strongest access first', () => {
    const handles = ok([handle(R, 5, 'shared', 'a', '0x1'), handle(R, 4, 'shared', 'b', '0x2'), handle(R, 4, 'transaction', 'b', '0x3'), handle(S, 6, 'exclusive')], 'mem');
    const [one, other] = derive({ readers: readers(reader(R, 3), reader(S, -1)), handles, clients: clients([], { unattributed: 3 }) }) as [ReaderReport, ReaderReport];
    expect(held(one)).toEqual(['4 transaction proven', '5 shared proven']);
    expect(held(other)).toEqual(['6 exclusive proven']);
    expect(one.unattributed).toBe(0);
    expect(one.holders[0]?.evidence[0]).toContain('handles 0x2, 0x3');
  });

  it('counts handles whose owner could not be seen', () => {
    const handles = ok([handle(R, 5, 'shared'), { ...handle(R, 0, 'shared'), pid: null, process: null }], 'mem');
    expect(first({ readers: readers(reader(R, 2)), handles })).toMatchObject({ holders: [{ pid: 5, certainty: 'proven' }], unattributed: 1 });
  });

  it('proves nothing when the table says something else by now, nor does the only client then', () => {
    const given = { handles: ok([handle(R, 5, 'shared')], 'mem'), clients: clients([client(4, 'mycard')]) };
    expect(held(first({ readers: readers(reader(R, -1)), ...given }))).toEqual(['4 exclusive likely']);
    expect(held(first({ readers: readers(reader(R, 2)), ...given }))).toEqual(['4 shared likely']);
  });
});

describe('the name its user knows', () => {
  const command = (comm: string, more: Parameters<typeof process>[2] = {}, modules: string[] = []) =>
    first({ readers: readers(reader(R, 1)), clients: clients([{ ...client(4, comm), process: process(4, comm, more), modules }]) }).holders[0]?.command;
  it.each<[string | undefined, string]>([
    [command('scdaemon'), 'scdaemon'],
    [command('firefox', { confinement: { kind: 'snap', name: 'firefox' } }), 'Firefox (snap)'],
    [command('firefox', {}, ['/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so']), 'opensc-pkcs11 in Firefox'],
    [command('keepassxc', { confinement: { kind: 'flatpak', name: 'org.keepassxc.KeePassXC' } }), 'KeePassXC (flatpak org.keepassxc.KeePassXC)'],
    [command('mycard', { confinement: { kind: 'container', name: 'docker 4711' } }), 'mycard (docker 4711)'],
    [command('python3', { argv: ['/usr/bin/python3', '/usr/bin/ykman', 'list'] }), 'ykman'],
    [command('python3', { argv: ['python3', '/srv/gate.py'] }), 'gate.py (python3)'],
    [command('a-name-cut-after-15', { argv: ['/opt/a-name-cut-after-15'] }), 'a-name-cut-after-15'],
  ])('%s', (given, expected) => expect(given).toBe(expected));
});

describe('who made it load a PKCS#11 module', () => {
  const OPENSC = '/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so';
  const byP11Kit = { kind: 'p11-kit', file: '/usr/share/p11-kit/modules/opensc.module', name: 'opensc', program: 'firefox', enableIn: null, disableIn: null, override: null } as const;
  const byNss = { kind: 'nss', file: '/home/u/.mozilla/firefox/ab.default/pkcs11.txt', name: 'OpenSC', library: OPENSC, open: true } as const;
  const host = (registrations: Fact<Pkcs11Registration[]>, loaders: ('p11-kit' | 'nss')[] = ['nss']) => ok([{ pid: 4, loaders, modules: [{ file: OPENSC, registrations }] }], '/proc');
  const connected = clients([{ ...client(4, 'firefox'), modules: [OPENSC] }]);
  const holderWith = (given: Partial<Facts>) => first({ readers: readers(reader(R, 1)), clients: connected, ...given }).holders[0];
  const sentence = (pkcs11Hosts: Facts['pkcs11Hosts']) => holderWith({ pkcs11Hosts })?.evidence.find((one) => one.startsWith('It has loaded'))?.replace(`It has loaded ${OPENSC}`, '…');

  it.each<[string, Facts['pkcs11Hosts'], string]>([
    ['p11-kit', host(ok([byP11Kit], 'x')), '…, which p11-kit registers for every program (/usr/share/p11-kit/modules/opensc.module).'],
    ['p11-kit, for some', host(ok([{ ...byP11Kit, enableIn: ['firefox', 'ssh'] }], 'x')), '…, which p11-kit registers for firefox, ssh (/usr/share/p11-kit/modules/opensc.module).'],
    ['p11-kit, for all but one', host(ok([{ ...byP11Kit, disableIn: ['chrome'] }], 'x')), '…, which p11-kit registers for every program but chrome (/usr/share/p11-kit/modules/opensc.module).'],
    ['NSS', host(ok([byNss], 'x')), '…, which the NSS database it has open names (/home/u/.mozilla/firefox/ab.default/pkcs11.txt).'],
    ['NSS, perhaps', host(ok([{ ...byNss, open: false }], 'x')), '…, which an NSS database it may use names (/home/u/.mozilla/firefox/ab.default/pkcs11.txt).'],
    ['both', host(ok([byP11Kit, byNss], 'x')), '…, which p11-kit registers for every program (/usr/share/p11-kit/modules/opensc.module), and the NSS database it has open names (/home/u/.mozilla/firefox/ab.default/pkcs11.txt).'],
    ['a policy', host(ok([{ kind: 'policy', file: '/etc/firefox/policies/policies.json', name: 'x', library: OPENSC }], 'x')), '…, which a policy adds (/etc/firefox/policies/policies.json).'],
    ['nobody', host(ok([], 'x')), '…; nobody was seen to have registered it there.'],
    ['the program itself', host(ok([], 'x'), []), '… by itself: neither p11-kit nor NSS is at work in it.'],
    ['somebody unseen', host(denied('root')), '…; who registered it there could not be told: needs root.'],
    ['one that was not asked for', skipped('not asked by the cardcheck that took the snapshot'), '…; who registered it there could not be told: not asked by the cardcheck that took the snapshot.'],
    ['one that is not on the list', ok([], '/proc'), '…; who registered it there could not be told: not looked for.'],
  ])('%s', (_, given, expected) => expect(sentence(given)).toBe(expected));

  it('is told of a proven holder as well, whether or not the list of clients was asked for', () => {
    const pkcs11Hosts = host(ok([byNss], 'x'));
    for (const known of [connected, skipped('not needed')]) {
      const holder = holderWith({ clients: known, pkcs11Hosts, handles: ok([handle(R, 4, 'shared', 'firefox')], 'mem') });
      expect(holder).toMatchObject({ command: 'opensc-pkcs11 in Firefox', certainty: 'proven', modules: [{ file: OPENSC, registeredBy: [byNss], unknown: null, alone: false }] });
      expect(holder?.evidence.at(-1)).toContain('the NSS database it has open');
    }
  });
});

describe('USB devices that PC/SC does not list', () => {
  const holders = (list: { node: string; process: ReturnType<typeof process> }[], unseenProcesses = 0): Facts['usbHolders'] => ok({ holders: list, unseenProcesses }, '/proc');
  const device = usb('1-2', { driver: 'usbfs' });
  const taken = { readers: readers(), usbDevices: ok([device], '/sys') };
  const opener = (pid: number, comm: string) => ({ node: device.node, process: process(pid, comm) });

  it.each<[string, Partial<Facts>, object]>([
    ['held by the one process that has it open', { usbHolders: holders([opener(7, 'scdaemon')]) }, { sharing: { mode: 'exclusive' }, holders: [{ pid: 7, access: 'usb', certainty: 'proven', command: 'scdaemon' }] }],
    ['likely so, when others\' files are closed', { usbHolders: holders([opener(7, 'scdaemon')], 5) }, { holders: [{ pid: 7, certainty: 'likely' }] }],
    ['rather by a virtual machine than by a bystander', { usbHolders: holders([opener(7, 'lsusb'), opener(8, 'qemu-system-x86_64')]) }, { holders: [{ pid: 8, certainty: 'likely', command: 'qemu-system-x86_64' }, { pid: 7, certainty: 'possible' }] }],
    ['held by scdaemon\'s own driver, though its files are closed', { usbHolders: holders([], 5), scdaemons: ok([scdaemon(7, { usesInternalCcid: true })], 'x') }, { holders: [{ pid: 7, access: 'usb', certainty: 'proven' }] }],
    ['likely so, without a word of an open card', { scdaemons: ok([scdaemon(7, { usesInternalCcid: true, cardOpen: timedOut(500) })], 'x') }, { holders: [{ pid: 7, certainty: 'likely' }] }],
    ['possibly by either of two scdaemons', { scdaemons: ok([scdaemon(7, { usesInternalCcid: true }), scdaemon(8, { usesInternalCcid: true })], 'x') }, { holders: [{ certainty: 'possible' }, { certainty: 'possible' }] }],
    ['by somebody', { usbHolders: holders([], 5) }, { sharing: { mode: 'exclusive' }, holders: [], unattributed: 1 }],
  ])('%s', (_, given, expected) => expect(derive({ ...taken, ...given })).toMatchObject([{ listed: false, device: '1-2', name: 'Yubico YubiKey OTP+FIDO+CCID', ...expected }]));

  it('which of two claimed devices a scdaemon has stays open', () => {
    const two = [device, usb('1-3', { driver: 'usbfs' })];
    const reports = derive({ readers: readers(), usbDevices: ok(two, '/sys'), scdaemons: ok([scdaemon(7, { usesInternalCcid: true })], 'x') });
    expect(reports.map(({ name, holders: list }) => [name, list[0]?.certainty])).toEqual([
      ['Yubico YubiKey OTP+FIDO+CCID (1-2)', 'possible'],
      ['Yubico YubiKey OTP+FIDO+CCID (1-3)', 'possible'],
    ]);
  });

  it('free and kernel-bound ones are told apart', () => {
    const mode = (driver: string | null) => derive({ readers: absent('no pcscd'), usbDevices: ok([usb('1-2', { driver })], '/sys') })[0]?.sharing.mode;
    expect(mode(null)).toBe('free');
    expect(mode('pn533_usb')).toBe('unknown');
  });
});

describe('which device a reader is', () => {
  const devices = (names: string[], list: ReturnType<typeof usb>[], more: Partial<Facts> = {}) => {
    const reports = derive({ readers: readers(...names.map((name) => reader(name, 0))), usbDevices: ok(list, '/sys'), ...more });
    return { of: reports.filter(({ listed }) => listed).map(({ device }) => device), unlisted: reports.filter(({ listed }) => !listed).map(({ device }) => device) };
  };
  const opened = (...list: ReturnType<typeof usb>[]): Partial<Facts> => ({ usbHolders: ok({ holders: list.map(({ node }) => ({ node, process: process(9, 'pcscd', { uid: 0 }) })), unseenProcesses: 3 }, '/proc') });
  const key = usb('1-2');
  const alcor = usb('1-5', { manufacturer: 'Generic', product: 'EMV Smartcard Reader', id: '058f:9540' });

  it('by its product', () => expect(devices([R], [key])).toEqual({ of: ['1-2'], unlisted: [] }));
  it('by its serial number', () => {
    const list = [usb('1-2', { serial: 'A' }), usb('1-3', { serial: 'B' })];
    expect(devices(['Yubico YubiKey OTP+FIDO+CCID (B) 00 00'], list)).toEqual({ of: ['1-3'], unlisted: ['1-2'] });
  });
  it('not without a doubt between two of a make', () => expect(devices([R], [key, usb('1-3')])).toEqual({ of: [null], unlisted: [] }));
  it('by what pcscd has open', () => expect(devices([R], [key, usb('1-3')], opened(key))).toEqual({ of: ['1-2'], unlisted: ['1-3'] }));
  it('by its product where the pcscd that answers was not yet there when the open files were looked at', () => {
    const nobody: Partial<Facts> = { usbHolders: ok({ holders: [], unseenProcesses: 0 }, '/proc') };
    expect(devices([R], [key], { ...nobody, pcscdProcesses: ok([], '/proc') })).toEqual({ of: ['1-2'], unlisted: [] });
    expect(devices([R], [key], nobody)).toEqual({ of: [null], unlisted: ['1-2'] });
  });
  it('by what is left, whatever the driver calls it', () => expect(devices(['Alcor Micro AU9540 00 00', R.replace('00 00', '01 00')], [key, alcor], opened(key, alcor))).toEqual({ of: ['1-5', '1-2'], unlisted: [] }));
  it('no device of a virtual reader', () => {
    const readerConf = { pcscdConfig: ok({ environment: {}, environmentFiles: [], ignoredReaders: [], readerConf: [{ file: '/etc/reader.conf.d/vpcd', readers: ['Virtual PCD'], error: null }] }, 'x') };
    expect(devices(['Virtual PCD 00 00', 'Virtual PCD 00 01'], [key], readerConf)).toEqual({ of: [null, null], unlisted: ['1-2'] });
  });
  it('both slots of one device', () => expect(devices([R, R.replace('00 00', '00 01')], [key])).toEqual({ of: ['1-2', '1-2'], unlisted: [] }));
  it('says of no device that it is unlisted while a reader is not understood', () => expect(devices(['Alcor Micro AU9540 00 00'], [alcor])).toEqual({ of: [null], unlisted: [] }));
});

describe('always', () => {
  const program = fc.constantFrom('scdaemon', 'yubikey-agent', 'gsd-smartcard', 'firefox', 'pcsc_scan', 'mycard', 'ykman', 'java');
  const clientList = fc.uniqueArray(fc.tuple(fc.integer({ min: 10, max: 60 }), program, fc.integer({ min: 1, max: 3 })), { selector: ([pid]) => pid, maxLength: 6 });
  const sharing = fc.array(fc.constantFrom(-1, 0, 1, 2, 5), { minLength: 1, maxLength: 4 });
  const make = (list: [number, string, number][], modes: number[], unattributed: number, order = <T>(items: T[]) => items) => ({
    readers: readers(...modes.map((mode, index) => reader(`R ${index}`, mode))),
    clients: clients(order(list.map(([pid, comm, connections]) => client(pid, comm, connections))), { unattributed }),
  });
  const anything = fc.tuple(clientList, sharing);

  it('nothing is proven by who is connected', () => {
    fc.assert(
      fc.property(anything, fc.integer({ min: 0, max: 5 }), ([list, modes], unattributed) => {
        const all = derive(make(list, modes, unattributed)).flatMap(({ holders }) => holders);
        expect(all.every(({ certainty }) => certainty !== 'proven')).toBe(true);
      }),
    );
  });

  it('no more holders are likely than there are handles', () => {
    fc.assert(
      fc.property(anything, ([list, modes]) => {
        for (const { holders, sharing: state } of derive(make(list, modes, 0))) {
          expect(holders.filter(({ certainty }) => certainty !== 'possible').length).toBeLessThanOrEqual(state.handles ?? 0);
        }
      }),
    );
  });

  it('the order in which clients are listed changes nothing', () => {
    fc.assert(
      fc.property(anything, ([list, modes]) => {
        expect(derive(make(list, modes, 0, (items) => items.reverse()))).toEqual(derive(make(list, modes, 0)));
      }),
    );
  });

  it('a holder has evidence, and is one of the clients', () => {
    fc.assert(
      fc.property(anything, ([list, modes]) => {
        for (const holder of derive(make(list, modes, 0)).flatMap(({ holders }) => holders)) {
          expect(holder.evidence.length).toBeGreaterThan(0);
          expect(list.map(([pid]) => pid)).toContain(holder.pid);
        }
      }),
    );
  });
});
