import { describe, expect, test } from 'vitest';
import usb, { parseDescriptors } from '../../src/collect/usb.ts';
import { realSystem } from '../../src/system/real.ts';
import { machine, passive, root, rootNames, valueIn } from '../support/root.ts';

const collect = async (name: (typeof rootNames)[number]) => usb.collect(await root(name), passive);
const devices = async (name: (typeof rootNames)[number]) => valueIn((await collect(name)).usbDevices);

test('a YubiKey shows the interface that a program has claimed', async () => {
  expect(await devices('debian12-desktop')).toMatchObject([
    {
      path: '1-2',
      bus: 1,
      device: 4,
      id: '1050:0407',
      product: 'YubiKey OTP+FIDO+CCID',
      node: '/dev/bus/usb/001/004',
      access: { status: 'ok', value: { mode: 0o664, group: 'root', readWrite: false } },
      authorized: true,
      interfaces: [{ driver: 'usbhid' }, { driver: 'usbhid' }, { number: 2, class: 0x0b, driver: 'usbfs', name: 'Yubico CCID' }],
      ccidInterfaces: [2],
      power: { runtimeStatus: 'active', control: 'on' },
    },
  ]);
});

test('a reader that is not authorized is known by its descriptors', async () => {
  const blocked = (await devices('debian13-pcscd-2.3.3')).find(({ path }) => path === '1-3');
  expect(blocked).toMatchObject({ id: '04e6:5116', authorized: false, ccidInterfaces: [0], interfaces: [{ class: 0x0b, driver: null }] });
});

test('of devices with the vendor\'s class only one with CCID\'s descriptor is a reader', async () => {
  expect((await devices('debian13-pcscd-2.3.3')).map(({ id }) => id)).toEqual(['04e6:5116', '08e6:3437']);
});

test('the driver of the kernel that took a reader is named', async () => {
  expect(await devices('fedora-pcscd-2.4.1')).toMatchObject([{ path: '1-1.4', interfaces: [{ driver: 'pn533_usb' }], access: { value: { group: 'pcscd', readWrite: false } } }]);
});

test('a driver that took the whole device, whose interfaces are gone with its configuration, is named', async () => {
  const device = [18, 1, 0, 2, 0, 0, 0, 64, 0xe6, 0x08, 0x33, 0x44, 0, 1, 1, 2, 3, 1];
  const configuration = [9, 2, 18, 0, 1, 1, 0, 0x80, 50];
  const smartCard = [9, 4, 0, 0, 3, 0x0b, 0, 0, 0];
  const described = (driver: string) => ({
    '/sys/bus/usb/devices/17-1/uevent': `DRIVER=${driver}\nPRODUCT=8e6/4433/0\nBUSNUM=017\nDEVNUM=002\n`,
    '/sys/bus/usb/devices/17-1/descriptors': Buffer.from([...device, ...configuration, ...smartCard]),
  });
  const driversOf = async (driver: string) => valueIn((await usb.collect(await machine(described(driver)), passive)).usbDevices).map(({ interfaces }) => interfaces.map((one) => one.driver));
  expect(await driversOf('usbip-host')).toEqual([['usbip-host']]);
  expect(await driversOf('usb')).toEqual([[null]]);
});

test('a node that is missing is a reason, not a refusal', async () => {
  const [device] = await devices('hostile');
  expect(device?.access).toEqual({ status: 'absent', reason: '/dev/bus/usb/001/002 does not exist' });
});

test('a machine without USB says so', async () => {
  expect((await collect('container')).usbDevices).toMatchObject({ status: 'absent' });
  expect(await devices('wsl-no-usb')).toEqual([]);
});

describe('holders of a claimed reader', () => {
  test('are all named to root, the one in a container as well', async () => {
    const { holders, unseenProcesses } = valueIn((await collect('second-pcscd')).usbHolders);
    expect(holders.map(({ node, process }) => [node, process.pid, process.confinement?.name ?? null])).toEqual([
      ['/dev/bus/usb/001/004', 640, null],
      ['/dev/bus/usb/001/004', 2000, 'podman 3f2a9c0de1b2'],
    ]);
    expect(unseenProcesses).toBe(0);
  });

  test('are counted where a user may not look', async () => {
    const { holders, unseenProcesses } = valueIn((await collect('debian12-desktop')).usbHolders);
    expect(holders).toEqual([]);
    // Of others: systemd, pcscd, polkitd. Own, but not dumpable: gpg-agent, scdaemon, chrome.
    expect(unseenProcesses).toBe(6);
  });

  test('are not searched where nothing is claimed', async () => {
    expect(valueIn((await collect('fedora-pcscd-2.4.1')).usbHolders)).toEqual({ holders: [], unseenProcesses: 0 });
  });

  test('outside of the container cannot be told from none, and are not', async () => {
    const system = await machine({
      '/sys/bus/usb/devices/1-2/uevent': 'PRODUCT=1050/407/543\nBUSNUM=001\nDEVNUM=004\n',
      '/sys/bus/usb/devices/1-2:1.0/uevent': 'INTERFACE=11/0/0\nDRIVER=usbfs\n',
      '/proc/1/fd/0': { link: '/dev/null' },
    });
    expect((await usb.collect(system, passive)).usbHolders.status).toBe('denied');
  });

  test('do not include the kernel\'s threads among the unseen', async () => {
    const system = await machine(
      {
        '/sys/bus/usb/devices/1-2/uevent': 'PRODUCT=1050/407/543\nBUSNUM=001\nDEVNUM=004\n',
        '/sys/bus/usb/devices/1-2:1.0/uevent': 'INTERFACE=11/0/0\nDRIVER=usbfs\n',
        '/proc/2/stat': `2 (kthreadd) S 0 0 0 0 -1 2129984 ${'0 '.repeat(12)}5 0\n`,
        '/proc/88/stat': `88 (somebody) S 1 0 0 0 -1 4194304 ${'0 '.repeat(12)}5 0\n`,
      },
      { stat: { '/proc/2/fd': { kind: 'directory', mode: 0o500 }, '/proc/88/fd': { kind: 'directory', mode: 0o500 } } },
    );
    expect(valueIn((await usb.collect(system, passive)).usbHolders).unseenProcesses).toBe(1);
  });
});

describe('descriptors', () => {
  const configuration = [9, 2, 0, 0, 1, 1, 0, 0x80, 50];
  const vendorInterface = [9, 4, 0, 0, 2, 0xff, 0, 0, 0];
  const ccid = [54, 0x21, ...Array<number>(52).fill(0)];
  const endpoint = [7, 5, 0x81, 2, 64, 0, 0];

  test('tell CCID by the length of the only descriptor before the endpoints', () => {
    const isCcid = (...parts: number[][]) => parseDescriptors(Buffer.from([configuration, vendorInterface, ...parts].flat())).map((one) => one.ccid);
    expect(isCcid(ccid, endpoint)).toEqual([true]);
    expect(isCcid(ccid)).toEqual([true]);
    expect(isCcid(endpoint, ccid)).toEqual([false]);
    expect(isCcid(ccid, [5, 0x24, 0, 0, 0], endpoint)).toEqual([false]);
    expect(isCcid(endpoint)).toEqual([false]);
  });

  test('of a second configuration or setting are not counted', () => {
    const setting = [9, 4, 0, 1, 2, 0x0b, 0, 0, 0];
    expect(parseDescriptors(Buffer.from([configuration, vendorInterface, endpoint, setting, configuration, vendorInterface].flat()))).toHaveLength(1);
  });

  test.each([[[]], [[9]], [[0, 0, 0, 0]], [[9, 4, 0, 0]], [[255, 4, 0, 0, 1, 11]]])('cut off or forged (%j) give none', (bytes) => {
    expect(parseDescriptors(Buffer.from(bytes))).toEqual([]);
  });
});

test('what a reader can do is read from its own descriptor', async () => {
  const ccid = Buffer.alloc(54);
  ccid.set([54, 0x21]);
  ccid.writeUInt32LE(0x2, 6);
  ccid.writeUInt32LE(0x0004_00fe, 40);
  const descriptors = Buffer.concat([Buffer.from([9, 2, 0, 0, 1, 1, 0, 0x80, 50, 9, 4, 0, 0, 2, 0x0b, 0, 0, 0]), ccid]);
  const files = { '/sys/bus/usb/devices/1-2/uevent': 'PRODUCT=1050/407/543\nBUSNUM=001\nDEVNUM=004\n', '/sys/bus/usb/devices/1-2:1.0/uevent': 'INTERFACE=11/0/0\n' };
  const read = async (more: Record<string, Uint8Array>) => valueIn((await usb.collect(await machine({ ...files, ...more }), passive)).usbDevices)[0];
  expect(await read({ '/sys/bus/usb/devices/1-2/descriptors': descriptors })).toMatchObject({ ccidInterfaces: [0], ccid: [{ interface: 0, protocols: 2, features: 0x400fe }] });
  expect(await read({ '/sys/bus/usb/devices/1-2/descriptors': descriptors.subarray(0, 40) })).toMatchObject({ ccidInterfaces: [0], ccid: [] });
  expect(await read({})).toMatchObject({ ccidInterfaces: [0], ccid: [] });
});

test('a token that shows only its HID side is listed, a keyboard is not', async () => {
  const hid = (path: string, product: string) => ({ [`/sys/bus/usb/devices/${path}/uevent`]: `PRODUCT=${product}\nBUSNUM=001\nDEVNUM=004\n`, [`/sys/bus/usb/devices/${path}:1.0/uevent`]: 'INTERFACE=3/1/1\nDRIVER=usbhid\n' });
  const system = await machine({ ...hid('1-2', '1050/403/543'), '/sys/bus/usb/devices/1-2/product': 'YubiKey OTP+FIDO\n', ...hid('1-3', '46d/c31c/6400') });
  const facts = await usb.collect(system, passive);
  expect(valueIn(facts.securityKeys)).toEqual([{ path: '1-2', id: '1050:0403', manufacturer: null, product: 'YubiKey OTP+FIDO' }]);
  expect(valueIn(facts.usbDevices)).toEqual([]);
  expect(valueIn((await collect('debian12-desktop')).securityKeys)).toEqual([]);
});

test.each(rootNames)('the machine %s fills all facts', async (name) => {
  expect(Object.keys(await collect(name)).sort()).toEqual(['securityKeys', 'usbDevices', 'usbHolders']);
});

test('this machine gives a list or a reason', async () => {
  const facts = await usb.collect(realSystem(), passive);
  expect(['ok', 'absent']).toContain(facts.usbDevices.status);
});
