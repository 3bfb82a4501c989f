import { absent, ok } from '../../src/snapshot/fact.ts';
import { factSchemas } from '../../src/snapshot/schema.ts';
import type { Client, Facts, Handle, Probe, Process, ReaderState, Scdaemon, UsbDevice } from '../../src/snapshot/schema.ts';

/** A machine of which nothing is known but what is given. */
export function facts(given: Partial<Facts> = {}): Facts {
  const nothing = Object.fromEntries(Object.keys(factSchemas).map((name) => [name, absent('not part of this test')])) as unknown as Facts;
  return { ...nothing, ...given };
}

export const process = (pid: number, comm: string, more: Partial<Process> = {}): Process => ({
  pid,
  ppid: 1,
  uid: 1000,
  user: 'u',
  comm: comm.slice(0, 15),
  argv: [comm],
  exe: null,
  startedAt: '2026-01-01T00:00:00.000Z',
  tty: null,
  unit: null,
  parents: [],
  confinement: null,
  hidden: false,
  ...more,
});

export const client = (pid: number, comm: string, connections = 1, more: Partial<Client> = {}): Client => ({
  process: process(pid, comm),
  connections,
  inodes: Array.from({ length: connections }, (_, index) => `${pid}${index}`),
  modules: [],
  handles: null,
  ...more,
});

export const clients = (list: Client[], more: { unattributed?: number; hiddenByNamespace?: number; complete?: boolean; suspects?: Process[] } = {}): Facts['clients'] =>
  ok({ clients: list, unattributed: 0, hiddenByNamespace: 0, complete: true, ...more }, 'ss');

export const reader = (name: string, sharing: number, more: Partial<ReaderState> = {}): ReaderState => ({
  name,
  present: true,
  atr: '3B00',
  sharing,
  eventCounter: 1,
  state: 0x34,
  protocol: 2,
  ...more,
});
export const readers = (...list: ReaderState[]): Facts['readers'] => ok(list, 'pcscd');

export const probe = (name: string, mode: Probe['mode'], outcome: Probe['outcome'], backend: Probe['backend'] = 'daemon'): Probe => ({
  reader: name,
  mode,
  backend,
  outcome,
  code: null,
  hex: null,
  ms: 1,
  reason: null,
});

export const handle = (name: string, pid: number, access: Handle['access'], comm = 'x', hCard = `0x${pid}`): Handle => ({ reader: name, access, pid, process: process(pid, comm), hCard });

export const scdaemon = (pid: number, more: Partial<Scdaemon> = {}): Scdaemon => ({
  process: process(pid, 'scdaemon', { hidden: true }),
  home: '/home/u/.gnupg',
  ours: true,
  usesInternalCcid: false,
  cardOpen: ok(true, 'SCD GETINFO card_list'),
  configNewerThanProcess: false,
  ...more,
});

export const pcscdSince = (startedAt: string | null): Facts['pcscdProcesses'] =>
  ok([{ process: process(9, 'pcscd', { uid: 0, startedAt }), sameMountNamespace: true, sameNetworkNamespace: true, listensOn: [] }], '/proc');
export const pcscd = pcscdSince('2025-12-31T00:00:00.000Z');

export const usb = (path: string, more: Partial<UsbDevice> & { driver?: string | null } = {}): UsbDevice => {
  const { driver = null, ...rest } = more;
  return {
    path,
    bus: 1,
    device: Number(path.split('-')[1]),
    id: '1050:0407',
    manufacturer: 'Yubico',
    product: 'YubiKey OTP+FIDO+CCID',
    serial: null,
    node: `/dev/bus/usb/001/00${path.split('-')[1]}`,
    access: absent('not part of this test'),
    authorized: true,
    interfaces: [{ number: 2, class: 11, subclass: 0, protocol: 0, driver, name: null }],
    ccidInterfaces: [2],
    ccid: [],
    power: { runtimeStatus: null, control: null },
    ...rest,
  };
};
