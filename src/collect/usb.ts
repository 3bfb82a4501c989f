import { absent, denied, ok } from '../snapshot/fact.ts';
import type { Fact, FactValue, SecurityKey, UsbDevice } from '../snapshot/schema.ts';
import { perRun } from '../system/per-run.ts';
import type { System } from '../system/port.ts';
import { groupNames, listPids, readOpenFiles, readProcess, readStat } from '../system/process.ts';
import { attempt, defineCollector } from './collector.ts';

const DEVICES = '/sys/bus/usb/devices';
const LINE_LIMIT = 4096;
/** Interface classes (usb.org, Defined Class Codes). */
const SMART_CARD = 0x0b;
const HID = 0x03;
const VENDOR_SPECIFIC = 0xff;
/** Descriptor types (USB 2.0 §9.4) and the size of CCID's own descriptor (CCID 1.1 §5.1). */
const CONFIGURATION_DESCRIPTOR = 2;
const INTERFACE_DESCRIPTOR = 4;
const ENDPOINT_DESCRIPTOR = 5;
const CCID_DESCRIPTOR_LENGTH = 54;
const CCID_DESCRIPTOR = 0x21;
const CCID_PROTOCOLS_AT = 6;
const CCID_FEATURES_AT = 40;
/** Bytes of descriptors that are looked at; a configuration cannot have more. */
const DESCRIPTORS_LIMIT = 65536;

/** The kernel's driver of every device that is used by its interfaces (Linux drivers/usb/core/generic.c). */
const USUAL_DRIVER = 'usb';

/** Makers of tokens that are smart cards as well (usb.org vendor ids): Yubico, Nitrokey, SoloKeys, Feitian. */
const TOKEN_MAKERS = /^(?:1050|20a0):|^1209:(?:beee|5070)$|^096e:/;

type Interface = UsbDevice['interfaces'][number];

const readOrNull = (system: System, path: string): Promise<string | null> => system.readFile(path, LINE_LIMIT).catch(() => null);
const firstLine = (text: string | null): string | null => text?.split('\n', 1)[0]?.trim() || null;

/** A file `uevent` of sysfs: one NAME=value a line. Reading it takes no lock, unlike attributes such as `product`. */
async function readUevent(system: System, name: string): Promise<Record<string, string>> {
  const text = (await readOrNull(system, `${DEVICES}/${name}/uevent`)) ?? '';
  return Object.fromEntries(text.split('\n').flatMap((line) => (line.includes('=') ? [[line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]] : [])));
}

/** "1050:0407" from PRODUCT=1050/407/543. */
function usbIdIn({ PRODUCT = '' }: Record<string, string>): string | null {
  const digits = /^([0-9a-f]{1,4})\/([0-9a-f]{1,4})\//.exec(PRODUCT);
  return digits === null ? null : [digits[1], digits[2]].map((part) => (part as string).padStart(4, '0')).join(':');
}

/** The interface a folder such as `1-2:1.0` (device:configuration.interface) stands for. */
async function readInterface(system: System, name: string): Promise<Interface | null> {
  const { INTERFACE = '', DRIVER } = await readUevent(system, name);
  const numbers = /^(\d{1,3})\/(\d{1,3})\/(\d{1,3})$/.exec(INTERFACE);
  if (numbers === null) return null;
  return {
    number: Number(name.slice(name.lastIndexOf('.') + 1)),
    class: Number(numbers[1]),
    subclass: Number(numbers[2]),
    protocol: Number(numbers[3]),
    driver: DRIVER ?? null,
    name: null,
  };
}

interface DescribedInterface extends Interface {
  /** Its only descriptor of its own before the endpoints has the size of CCID's. */
  ccid: boolean;
  /** What that descriptor says of protocols and features, whoever's it is. */
  describes: { protocols: number; features: number } | null;
}

/** The interfaces in a device's raw descriptors, as sysfs keeps them: first configuration, first settings. */
export function parseDescriptors(bytes: Buffer): DescribedInterface[] {
  const interfaces: DescribedInterface[] = [];
  let current: DescribedInterface | null = null;
  let ownLength = 0;
  let configurations = 0;
  const finish = () => {
    if (current !== null) current.ccid = ownLength === CCID_DESCRIPTOR_LENGTH;
    current = null;
  };
  for (let at = 0; at + 2 <= bytes.length; ) {
    const length = bytes[at] as number;
    if (length < 2 || at + length > bytes.length) break;
    const type = bytes[at + 1];
    if (type === CONFIGURATION_DESCRIPTOR && ++configurations > 1) break;
    if (type === INTERFACE_DESCRIPTOR) {
      finish();
      const [number, setting, , ifClass, subclass, protocol] = bytes.subarray(at + 2, at + 8);
      if (setting === 0 && protocol !== undefined) {
        current = { number: number as number, class: ifClass as number, subclass: subclass as number, protocol, driver: null, name: null, ccid: false, describes: null };
        interfaces.push(current);
        ownLength = 0;
      }
    } else if (type === ENDPOINT_DESCRIPTOR) {
      finish();
    } else {
      ownLength += length;
      if (current !== null && type === CCID_DESCRIPTOR && length === CCID_DESCRIPTOR_LENGTH) {
        (current as DescribedInterface).describes = { protocols: bytes.readUInt32LE(at + CCID_PROTOCOLS_AT), features: bytes.readUInt32LE(at + CCID_FEATURES_AT) };
      }
    }
    at += length;
  }
  finish();
  return interfaces;
}

/**
 * The interfaces of a device and which of them a CCID driver would take: those of the smart-card class, and those
 * of the vendor's class that carry CCID's descriptor (libccid ccid_usb.c get_ccid_usb_interface). A device without
 * a configuration has no interfaces: then its descriptors tell. Such is one which the kernel or usbguard has not
 * authorized, and one that a driver of whole devices took, as usbip-host does; its interfaces are that driver's.
 */
async function readInterfaces(system: System, name: string, found: Interface[]): Promise<Pick<UsbDevice, 'interfaces' | 'ccidInterfaces' | 'ccid'>> {
  const needsDescriptors = found.length === 0 || found.some((one) => one.class === VENDOR_SPECIFIC || one.class === SMART_CARD);
  const described = needsDescriptors
    ? await system.readBytes(`${DEVICES}/${name}/descriptors`, 0, DESCRIPTORS_LIMIT).then(parseDescriptors, () => [])
    : [];
  const { DRIVER: ofDevice = USUAL_DRIVER } = found.length > 0 ? {} : await readUevent(system, name);
  const driver = ofDevice === USUAL_DRIVER ? null : ofDevice;
  const interfaces = found.length > 0 ? found : described.map(({ ccid: _, describes: __, ...plain }) => ({ ...plain, driver }));
  const hasDescriptor = (one: Interface) => described.some(({ number, ccid }) => ccid && number === one.number);
  const ccidInterfaces = interfaces.filter((one) => one.class === SMART_CARD || (one.class === VENDOR_SPECIFIC && hasDescriptor(one))).map(({ number }) => number);
  const ccid = described.flatMap(({ number, describes }) => (describes !== null && ccidInterfaces.includes(number) ? [{ interface: number, ...describes }] : []));
  return { interfaces, ccidInterfaces, ccid };
}

async function readDevice(system: System, name: string, found: Interface[]): Promise<UsbDevice | null> {
  const { interfaces, ccidInterfaces, ccid } = await readInterfaces(system, name, found);
  if (ccidInterfaces.length === 0) return null;
  const attribute = async (path: string) => firstLine(await readOrNull(system, `${DEVICES}/${name}/${path}`));
  const [uevent, manufacturer, product, serial, authorized, control, runtimeStatus, names] = await Promise.all([
    readUevent(system, name),
    attribute('manufacturer'),
    attribute('product'),
    attribute('serial'),
    attribute('authorized'),
    attribute('power/control'),
    attribute('power/runtime_status'),
    Promise.all(interfaces.map(({ number }) => attribute(`${name}:1.${number}/interface`))),
  ]);
  const id = usbIdIn(uevent);
  const [bus, device] = [Number(uevent.BUSNUM || Number.NaN), Number(uevent.DEVNUM || Number.NaN)];
  if (id === null || !Number.isInteger(bus) || !Number.isInteger(device)) return null;
  const node = `/dev/bus/usb/${String(bus).padStart(3, '0')}/${String(device).padStart(3, '0')}`;
  return {
    path: name,
    bus,
    device,
    id,
    manufacturer,
    product,
    serial,
    node,
    access: await attempt(() => readAccess(system, node)),
    authorized: authorized !== '0',
    interfaces: interfaces.map((one, index) => ({ ...one, name: names[index] ?? null })),
    ccidInterfaces,
    ccid,
    power: { runtimeStatus, control },
  };
}

async function readAccess(system: System, node: string): Promise<UsbDevice['access']> {
  const [stat, readWrite, groups] = await Promise.all([system.stat(node), system.access(node, 'read-write'), groupNames(system)]);
  return ok({ mode: stat.mode, uid: stat.uid, gid: stat.gid, group: groups.get(stat.gid) ?? null, readWrite }, node);
}

/** Everything on the bus, with its interfaces: one short read for each of these. */
const readBus = perRun(async (system): Promise<{ name: string; interfaces: Interface[] }[]> => {
  const entries = await system.readDir(DEVICES);
  const read = await Promise.all(
    entries
      .filter((entry) => /^\d+-[\d.]+:\d+\.\d+$/.test(entry))
      .map(async (entry) => ({ device: entry.slice(0, entry.indexOf(':')), found: await readInterface(system, entry) })),
  );
  const names = entries.filter((entry) => /^\d+-[\d.]+$/.test(entry));
  return names.map((name) => ({ name, interfaces: read.flatMap(({ device, found }) => (device === name && found !== null ? [found] : [])) }));
});

/** The smart-card devices on the bus; of the others nothing more is read. */
const readDevices = perRun(async (system): Promise<UsbDevice[]> => {
  const devices = await Promise.all((await readBus(system)).map(({ name, interfaces }) => readDevice(system, name, interfaces)));
  return devices.filter((device) => device !== null);
});

/** Tokens that could be smart cards too and show only their HID side. */
async function securityKeys(system: System): Promise<Fact<SecurityKey[]>> {
  if (system.platform === 'darwin') return absent('no USB device files on macOS');
  const readers = new Set((await readDevices(system)).map(({ path }) => path));
  const others = (await readBus(system)).filter(({ name, interfaces }) => !readers.has(name) && interfaces.some((one) => one.class === HID));
  const keys = await Promise.all(
    others.map(async ({ name: path }): Promise<SecurityKey | null> => {
      const id = usbIdIn(await readUevent(system, path));
      if (id === null || !TOKEN_MAKERS.test(id)) return null;
      const [manufacturer, product] = await Promise.all(['manufacturer', 'product'].map(async (name) => firstLine(await readOrNull(system, `${DEVICES}/${path}/${name}`))));
      return { path, id, manufacturer: manufacturer ?? null, product: product ?? null };
    }),
  );
  return ok(keys.filter((key) => key !== null), DEVICES);
}

async function usbDevices(system: System): Promise<Fact<UsbDevice[]>> {
  if (system.platform === 'darwin') return absent('no USB device files on macOS');
  return ok(await readDevices(system), DEVICES);
}

const isClaimed = ({ interfaces, ccidInterfaces }: UsbDevice): boolean =>
  interfaces.some(({ number, driver }) => driver === 'usbfs' && ccidInterfaces.includes(number));

/**
 * Who has the node of a claimed smart-card device open. An interface that some program claimed has the kernel's
 * driver `usbfs`; where none has, nobody can be in the way and no process is looked at.
 */
async function usbHolders(system: System): Promise<Fact<FactValue<'usbHolders'>>> {
  if (system.platform === 'darwin') return absent('no USB device files on macOS');
  const nodes = new Set((await readDevices(system)).filter(isClaimed).map(({ node }) => node));
  if (nodes.size === 0) return ok({ holders: [], unseenProcesses: 0 }, 'no program has claimed a smart-card interface');
  const pids = (await listPids(system)).filter((pid) => pid !== system.pid);
  const looks = await Promise.all(
    pids.map(async (pid) => {
      const files = await readOpenFiles(system, pid);
      return { pid, unseen: files === null && (await mayHaveFiles(system, pid)), nodes: new Set(files?.map(({ target }) => nodeOf(target)).filter((node) => nodes.has(node))) };
    }),
  );
  const read = await Promise.all(looks.flatMap(({ pid, nodes: held }) => [...held].map(async (node) => ({ node, process: await readProcess(system, pid) }))));
  const holders = read.flatMap(({ node, process }) => (process === null ? [] : [{ node, process }]));
  const unseenProcesses = looks.filter(({ unseen }) => unseen).length;
  // Somebody has claimed it: who shows in no /proc of ours runs outside of our container.
  if (holders.length === 0 && unseenProcesses === 0) return denied('a look from outside of this container: no process that shows here has the reader open');
  return ok({ holders, unseenProcesses }, '/proc/PID/fd');
}

/** A holder in another mount namespace may show the node under another root; bus and device number are the same everywhere. */
const nodeOf = (target: string): string => target.replace(/^.*(?=\/bus\/usb\/\d{3}\/\d{3}$)/, '/dev');

/** Threads of the kernel have no files, and a process may have ended meanwhile. */
async function mayHaveFiles(system: System, pid: number): Promise<boolean> {
  return (await readStat(system, pid))?.kernelThread === false;
}

/** The smart-card devices on the USB bus and who uses them below PC/SC; tokens that hide their card. */
export default defineCollector({
  name: 'usb',
  facts: ['usbDevices', 'securityKeys', 'usbHolders'],
  collect: async (system) => {
    const [devices, keys, holders] = await Promise.all([attempt(() => usbDevices(system)), attempt(() => securityKeys(system)), attempt(() => usbHolders(system))]);
    return { usbDevices: devices, securityKeys: keys, usbHolders: holders };
  },
});
