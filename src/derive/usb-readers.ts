import type { UsbDevice } from '../snapshot/schema.ts';

/** A reader's name as pcscd builds it (pcsc-lite src/hotplug_libudev.c, src/readerfactory.c): `NAME [INTERFACE] (SERIAL) RR SS`. */
export interface ReaderName {
  base: string;
  /** The USB interface's own name. */
  interface: string | null;
  serial: string | null;
  /** Two hex digits: which reader; the slots of one device share it. */
  index: string | null;
}

export function parseReaderName(name: string): ReaderName {
  const match = /^(.*?)(?: \[([^\]]*)\])?(?: \(([^)]*)\))? ([0-9A-F]{2}) [0-9A-F]{2}$/.exec(name);
  if (match === null) return { base: name, interface: null, serial: null, index: null };
  return { base: match[1] as string, interface: match[2] ?? null, serial: match[3] ?? null, index: match[4] as string };
}

const words = (text: string): string[] => text.toLowerCase().split(/[^a-z0-9+]+/).filter(Boolean);

/**
 * Whether a reader of this name may be this device. The name comes from the driver's list and not from the device,
 * so they agree only mostly; a serial number decides.
 */
export function mayBe(name: ReaderName, device: UsbDevice): boolean {
  if (name.serial !== null) return device.serial === name.serial;
  const interfaces = device.interfaces.flatMap((one) => (device.ccidInterfaces.includes(one.number) && one.name !== null ? [one.name] : []));
  if (name.interface !== null && interfaces.length > 0 && !interfaces.includes(name.interface)) return false;
  const base = words(name.base);
  const product = words(device.product ?? '');
  return product.length > 0 && product.every((word) => base.includes(word));
}

export interface Correlation {
  /** The device of each reader that has certainly one. */
  deviceOf: ReadonlyMap<string, UsbDevice>;
  /** Smart-card devices that certainly are none of the readers. */
  unlisted: UsbDevice[];
}

/**
 * Which USB device each reader stands for. What is not certain stays open: such a device counts neither as a
 * reader's nor as unlisted.
 * @param readers names PC/SC lists; devices smart-card devices on the bus
 * @param openedByPcscd nodes pcscd has open; null: not visible
 * @param isVirtual readers that are no USB devices
 */
export function correlate(
  readers: readonly string[],
  devices: readonly UsbDevice[],
  openedByPcscd: ReadonlySet<string> | null,
  isVirtual: (reader: string) => boolean,
): Correlation {
  const physical = readers.filter((reader) => !isVirtual(reader));
  const possible = openedByPcscd === null ? devices : devices.filter(({ node }) => openedByPcscd.has(node));
  const deviceOf = new Map<string, UsbDevice>();
  const only = (reader: string, candidates: readonly UsbDevice[]) => {
    if (candidates.length === 1) deviceOf.set(reader, candidates[0] as UsbDevice);
  };
  for (const reader of physical) {
    const name = parseReaderName(reader);
    only(reader, possible.filter((device) => mayBe(name, device)));
  }
  const open = physical.filter((reader) => !deviceOf.has(reader));
  const taken = new Set(deviceOf.values());
  // With one reader and one device of pcscd's left over, they are each other's, whatever their names.
  if (openedByPcscd !== null && new Set(open.map((reader) => parseReaderName(reader).index)).size === 1) {
    const left = possible.filter((device) => !taken.has(device));
    for (const reader of open) only(reader, left);
  }
  const assigned = new Set(deviceOf.values());
  const isUnlisted = (device: UsbDevice) => !assigned.has(device) && (openedByPcscd === null ? open.length === 0 : !openedByPcscd.has(device.node));
  return { deviceOf, unlisted: devices.filter(isUnlisted) };
}
