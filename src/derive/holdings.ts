import { identifyProgram } from '../data/client-programs.ts';
import type { ReaderReport } from '../report/schema.ts';
import { ok, valueOf } from '../snapshot/fact.ts';
import type { Fact, Facts, FactValue, Probe, ReaderState, ShareMode, UsbDevice } from '../snapshot/schema.ts';
import { attribute, type Lock, sightings } from './holders.ts';
import { isClaimed, usbHolders, usbMode } from './usb-holders.ts';
import { correlate, parseReaderName } from './usb-readers.ts';

/** SCARD_STATE_* (pcsc-lite PCSC/pcsclite.h.in): the library's view of a reader. */
const STATE_PRESENT = 0x20;
const STATE_EXCLUSIVE = 0x80;
const STATE_INUSE = 0x100;

/** What is known of one reader's state. */
interface Listed {
  name: string;
  present: boolean | null;
  atr: string | null;
  lock: { state: 'free' | 'shared' | 'exclusive'; handles: number | null } | null;
}

/**
 * Every reader PC/SC lists, with its state, its probes and who holds it, then the smart-card devices on the bus
 * that it does not list.
 */
export function deriveHoldings(facts: Facts): Fact<ReaderReport[]> {
  const listed = listedReaders(facts);
  if (listed.status === 'failed' || listed.status === 'denied' || listed.status === 'timeout') return listed;
  const readers = listed.status === 'ok' ? listed.value : [];
  const devices = (valueOf(facts.usbDevices) ?? []).filter(({ ccidInterfaces }) => ccidInterfaces.length > 0);
  const { deviceOf, unlisted } = correlate(readers.map(({ name }) => name), devices, openedByPcscd(facts), virtualReaders(facts));
  // Without a list of readers and without a look at the bus there is nothing to tell.
  if (listed.status !== 'ok' && facts.usbDevices.status !== 'ok') return listed;
  const seen = sightings(facts);
  const inUse = readers.filter(({ lock }) => lock?.state !== 'free').length;
  const reports = readers.map((reader): ReaderReport => {
    const probes = probesOf(reader.name, valueOf(facts.probes) ?? []);
    const lock: Lock | null = reader.lock && { ...reader.lock, reader: reader.name, transaction: transactionOf(reader.lock.state, probes.direct) ?? transactionInMemory(reader, facts.handles), onlyOneInUse: inUse === 1 };
    return {
      name: reader.name,
      card: { present: reader.present, atr: reader.atr },
      sharing: { mode: lock?.state ?? 'unknown', handles: lock?.handles ?? null, transaction: lock?.transaction ?? null },
      device: deviceOf.get(reader.name)?.path ?? null,
      listed: true,
      probes,
      ...(lock === null ? { holders: [], unattributed: 0 } : attribute(lock, seen)),
    };
  });
  return ok([...reports, ...unlisted.map((device) => unlistedReader(device, unlisted, facts))], listed.status === 'ok' ? listed.source : 'USB');
}

function listedReaders({ readers, libraryReaders }: Facts): Fact<Listed[]> {
  if (readers.status === 'ok') return ok(readers.value.map(fromTable), readers.source);
  return libraryReaders.status === 'ok' ? ok(libraryReaders.value.map(fromLibrary), libraryReaders.source) : readers;
}

function fromTable({ name, present, atr, sharing }: ReaderState): Listed {
  const state = sharing === -1 ? 'exclusive' : sharing === 0 ? 'free' : 'shared';
  return { name, present, atr, lock: { state, handles: Math.abs(sharing) } };
}

/** The library tells shared from exclusive and does not count handles. */
function fromLibrary({ name, state, atr }: FactValue<'libraryReaders'>[number]): Listed {
  if (state === null) return { name, present: null, atr, lock: null };
  const present = (state & STATE_PRESENT) !== 0;
  if ((state & STATE_EXCLUSIVE) !== 0) return { name, present, atr, lock: { state: 'exclusive', handles: 1 } };
  // Without a card pcsc-lite reports no use at all (src/winscard_clnt.c SCardGetStatusChange).
  if ((state & STATE_INUSE) !== 0) return { name, present, atr, lock: { state: 'shared', handles: null } };
  return { name, present, atr, lock: present ? { state: 'free', handles: 0 } : null };
}

/** A DIRECT connect waits for the end of a transaction; nothing else makes it wait while handles are open (pcsc-lite src/winscard.c SCardConnect). */
function transactionOf(state: Lock['state'], direct: ReaderReport['probes']['direct']): boolean | null {
  if (state === 'exclusive') return null;
  if (direct?.outcome === 'blocked') return state === 'shared' ? true : null;
  return state === 'free' || direct?.outcome === 'ok' ? false : null;
}

/** Without a connect, pcscd's memory tells, as long as it knows as many handles as its table counts. */
function transactionInMemory({ name, lock }: Listed, handles: Facts['handles']): boolean | null {
  const ofReader = (valueOf(handles) ?? []).filter(({ reader }) => reader === name);
  if (handles.status !== 'ok' || lock?.state !== 'shared' || ofReader.length !== lock.handles) return null;
  return ofReader.some(({ access }) => access === 'transaction');
}

/** The daemon's answer where there is one, the library's where it alone answered. */
function probesOf(reader: string, probes: readonly Probe[]): ReaderReport['probes'] {
  const answered = (probe: Probe) => probe.outcome !== 'skipped';
  const best = (mode: ShareMode): ReaderReport['probes'][ShareMode] => {
    const ofMode = probes.filter((probe) => probe.reader === reader && probe.mode === mode);
    const inOrder = [...ofMode.filter(({ backend }) => backend === 'daemon'), ...ofMode.filter(({ backend }) => backend === 'library')];
    const probe = inOrder.find(answered) ?? inOrder[0];
    if (probe === undefined) return null;
    const { outcome, code, hex, ms, backend, reason } = probe;
    return { outcome, code, hex, ms, backend, reason };
  };
  return { shared: best('shared'), exclusive: best('exclusive'), direct: best('direct') };
}

/** Device nodes pcscd has open; null: its open files could not be seen. */
function openedByPcscd({ usbHolders: fact, pcscdProcesses }: Facts): ReadonlySet<string> | null {
  const seen = valueOf(fact);
  // The pcscd that answers may have come after that look, woken by our own connection, or run outside of this container.
  if (seen === undefined || valueOf(pcscdProcesses)?.length === 0) return null;
  const nodes = seen.holders.filter(({ process }) => identifyProgram(process)?.id === 'pcscd').map(({ node }) => node);
  return nodes.length > 0 || seen.unseenProcesses === 0 ? new Set(nodes) : null;
}

/** Readers of reader.conf are serial or virtual (reader.conf(5)). */
function virtualReaders({ pcscdConfig }: Facts): (reader: string) => boolean {
  const names = new Set((valueOf(pcscdConfig)?.readerConf ?? []).flatMap(({ readers }) => readers));
  return (reader) => names.has(reader) || names.has(parseReaderName(reader).base);
}

function unlistedReader(device: UsbDevice, unlisted: readonly UsbDevice[], facts: Facts): ReaderReport {
  const holders = usbHolders(device, unlisted, facts);
  return {
    name: deviceName(device, unlisted),
    card: { present: null, atr: null },
    sharing: { mode: usbMode(device), handles: null, transaction: null },
    device: device.path,
    listed: false,
    probes: { shared: null, exclusive: null, direct: null },
    holders,
    unattributed: isClaimed(device) && holders.length === 0 ? 1 : 0,
  };
}

const plainName = ({ manufacturer, product, id }: UsbDevice): string => {
  const words = product?.startsWith(manufacturer ?? '') === true ? [product] : [manufacturer, product];
  return words.filter((word) => word !== null && word !== '').join(' ') || `USB device ${id}`;
};

/** Devices of the same make are told apart by their place on the bus. */
function deviceName(device: UsbDevice, all: readonly UsbDevice[]): string {
  const name = plainName(device);
  return all.filter((other) => plainName(other) === name).length > 1 ? `${name} (${device.path})` : name;
}
