import { absent, ok } from '../snapshot/fact.ts';
import type { DriverBundle, Fact, FactValue } from '../snapshot/schema.ts';
import { type System, SystemError } from '../system/port.ts';
import { attempt, defineCollector } from './collector.ts';
import { readPcscdEnvironment } from './environment-file.ts';
import { type PlistValue, parsePlist } from './plist.ts';

/** Where distributions build pcscd's drop directory to be: Debian and upstream, Fedora, Gentoo, hand-built. */
const DROP_DIRS = {
  linux: [
    '/usr/lib/pcsc/drivers',
    '/usr/lib64/pcsc/drivers',
    '/usr/lib64/readers/usb',
    '/usr/lib/readers/usb',
    '/usr/local/lib/pcsc/drivers',
    '/usr/local/pcsc/drivers',
  ],
  darwin: ['/usr/local/libexec/SmartCardServices/drivers', '/usr/libexec/SmartCardServices/drivers'],
};
/** Folder of a bundle's library (pcsc-lite: PCSC_ARCH). */
const ARCH_FOLDER = { linux: 'Linux', darwin: 'MacOS' };
/** Bytes; libccid's has 60 000 with all its 600 readers. */
const PLIST_LIMIT = 1024 * 1024;
const MAX_BUNDLES = 100;

async function findDropDir(system: System): Promise<string | null> {
  const found = await Promise.all(DROP_DIRS[system.platform].map((path) => system.stat(path).then(({ kind }) => kind === 'directory', () => false)));
  return DROP_DIRS[system.platform].find((_, index) => found[index]) ?? null;
}

/** pcscd ≥ 2.0.0 looks where PCSCLITE_HP_DROPDIR points, else where it was built to look. */
async function readDrivers(system: System): Promise<Fact<FactValue<'driverBundles'>>> {
  const configured = (await readPcscdEnvironment(system)).values.PCSCLITE_HP_DROPDIR;
  const dropDir = configured ?? (await findDropDir(system));
  if (dropDir === null) return absent('no folder for drivers of pcscd exists');
  const names = await system.readDir(dropDir).catch((error: unknown) => {
    if (configured === undefined || !(error instanceof SystemError && error.isMissing)) throw error;
    return null;
  });
  if (names === null) return absent(`${dropDir}, which PCSCLITE_HP_DROPDIR names, does not exist`);
  return ok({ dropDir, bundles: await readBundles(system, dropDir, names) }, dropDir);
}

/** @param names of what is in the folder */
export function readBundles(system: System, folder: string, names: readonly string[]): Promise<DriverBundle[]> {
  const bundles = names.filter((name) => name.endsWith('.bundle')).slice(0, MAX_BUNDLES);
  return Promise.all(bundles.map((name) => readBundle(system, `${folder}/${name}`, name)));
}

async function readBundle(system: System, path: string, name: string): Promise<DriverBundle> {
  const plist = `${path}/Contents/Info.plist`;
  const unread = (error: string): DriverBundle => ({ name, path, driver: null, version: null, executable: null, devices: [], error });
  try {
    const text = await system.readFile(plist, PLIST_LIMIT);
    if (text.startsWith('bplist')) return unread(`${plist} is a binary property list, which only macOS itself reads`);
    const values = parsePlist(text);
    if (values === null) return unread(`${plist} is not a property list`);
    const { devices, error } = readDevices(values);
    const executable = stringOf(values, 'CFBundleExecutable');
    return {
      name,
      path,
      driver: stringOf(values, 'CFBundleName'),
      version: stringOf(values, 'CFBundleShortVersionString'),
      executable: executable === null ? null : await readExecutable(system, `${path}/Contents/${ARCH_FOLDER[system.platform]}/${executable}`),
      devices,
      error: text.includes('</plist>') ? error : `${plist} is cut off or larger than ${PLIST_LIMIT} bytes`,
    };
  } catch (error) {
    return unread(error instanceof Error ? error.message : String(error));
  }
}

function stringOf(values: Map<string, PlistValue>, key: string): string | null {
  const value = values.get(key);
  return typeof value === 'string' ? value : null;
}

function listOf(values: Map<string, PlistValue>, key: string): string[] {
  const value = values.get(key);
  return typeof value === 'string' ? [value] : (value ?? []);
}

/** Vendors and products are two lists whose entries of the same place belong together. */
function readDevices(values: Map<string, PlistValue>): Pick<DriverBundle, 'devices' | 'error'> {
  const vendors = listOf(values, 'ifdVendorID').map(usbNumber);
  const products = listOf(values, 'ifdProductID').map(usbNumber);
  const devices = vendors.flatMap((vendor, index) => {
    const product = products[index];
    return vendor === null || product == null ? [] : [`${vendor}:${product}`];
  });
  if (vendors.length !== products.length) return { devices, error: `${vendors.length} ifdVendorID, but ${products.length} ifdProductID` };
  const broken = vendors.length - devices.length;
  return { devices, error: broken === 0 ? null : `${broken} of ${vendors.length} devices are not given as hexadecimal numbers` };
}

function usbNumber(text: string): string | null {
  const digits = /^\s*0x([0-9a-f]{1,4})\s*$/i.exec(text)?.[1];
  return digits === undefined ? null : digits.toLowerCase().padStart(4, '0');
}

const readExecutable = (system: System, path: string): Promise<NonNullable<DriverBundle['executable']>> =>
  system.stat(path).then(
    ({ kind }) => ({ path, exists: kind === 'file' }),
    () => ({ path, exists: false }),
  );

/** The drivers that pcscd loads for USB readers. */
export default defineCollector({
  name: 'drivers',
  facts: ['driverBundles'],
  collect: async (system) => ({ driverBundles: await attempt(() => readDrivers(system)) }),
});
