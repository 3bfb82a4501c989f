import { describe, expect, test } from 'vitest';
import drivers from '../../src/collect/drivers.ts';
import { parsePlist } from '../../src/collect/plist.ts';
import { realSystem } from '../../src/system/real.ts';
import { machine, passive, root, rootNames, valueIn } from '../support/root.ts';

const collect = async (name: (typeof rootNames)[number]) => valueIn((await drivers.collect(await root(name), passive)).driverBundles);

test('libccid is read through the link to its file in /etc', async () => {
  const { dropDir, bundles } = await collect('debian12-desktop');
  expect(dropDir).toBe('/usr/lib/pcsc/drivers');
  expect(bundles).toHaveLength(1);
  expect(bundles[0]).toMatchObject({
    name: 'ifd-ccid.bundle',
    driver: 'CCIDCLASSDRIVER',
    version: '1.5.2',
    executable: { path: '/usr/lib/pcsc/drivers/ifd-ccid.bundle/Contents/Linux/libccid.so', exists: true },
    error: null,
  });
  expect(bundles[0]?.devices).toContain('1050:0407');
  expect(bundles[0]?.devices).not.toContain('0bad:0bad');
});

test('Fedora\'s folder is found', async () => {
  expect((await collect('fedora-pcscd-2.4.1')).dropDir).toBe('/usr/lib64/pcsc/drivers');
});

test('a driver of another maker stands beside libccid, and its missing library shows', async () => {
  const { bundles } = await collect('debian13-pcscd-2.3.3');
  expect(bundles.map(({ name, version, executable }) => [name, version, executable?.exists])).toEqual([
    ['ifd-acsccid.bundle', '1.1.11', false],
    ['ifd-ccid.bundle', '1.6.2', true],
  ]);
});

test('no folder is a reason', async () => {
  expect((await drivers.collect(await root('container'), passive)).driverBundles).toEqual({ status: 'absent', reason: 'no folder for drivers of pcscd exists' });
});

test('a folder that PCSCLITE_HP_DROPDIR names comes first, and is missed when it is not there', async () => {
  const environment = { '/etc/default/pcscd': 'PCSCLITE_HP_DROPDIR=/opt/drivers\n', '/usr/lib/pcsc/drivers/serial/x': '' };
  expect((await drivers.collect(await machine(environment), passive)).driverBundles).toMatchObject({ status: 'absent', reason: expect.stringContaining('/opt/drivers') });
  const present = await machine({ ...environment, '/opt/drivers/serial/x': '' });
  expect(valueIn((await drivers.collect(present, passive)).driverBundles)).toEqual({ dropDir: '/opt/drivers', bundles: [] });
});

describe('a broken bundle', () => {
  const bundle = async (plist: string) => {
    const system = await machine({ '/usr/lib/pcsc/drivers/x.bundle/Contents/Info.plist': plist });
    return valueIn((await drivers.collect(system, passive)).driverBundles).bundles[0];
  };

  test('with more vendors than products says so and keeps the pairs', async () => {
    const read = await bundle('<plist><dict><key>ifdVendorID</key><array><string>0x1</string><string>0x2</string></array><key>ifdProductID</key><array><string>0xA</string></array></dict></plist>');
    expect(read).toMatchObject({ devices: ['0001:000a'], error: '2 ifdVendorID, but 1 ifdProductID' });
  });

  test('with a number that is none says so', async () => {
    const read = await bundle('<plist><key>ifdVendorID</key><array><string>1050</string></array><key>ifdProductID</key><array><string>0x1</string></array></plist>');
    expect(read).toMatchObject({ devices: [], error: '1 of 1 devices are not given as hexadecimal numbers' });
  });

  test('larger than any real one is read to the limit and marked', async () => {
    const read = await bundle(`<plist><dict><key>CFBundleName</key><string>BIG</string>${'<string>0x1</string>'.repeat(100_000)}</dict></plist>`);
    expect(read?.driver).toBe('BIG');
    expect(read?.error).toMatch(/cut off or larger/);
  });

  test('of every kind in a hostile folder has an error and harms no other', async () => {
    const { bundles } = await collect('hostile');
    expect(bundles.map(({ name, error }) => [name, error === null])).toEqual([
      ['a.bundle', true],
      ['b.bundle', false],
      ['c.bundle', false],
      ['d.bundle', false],
      ['e.bundle', false],
      ['f.bundle', false],
    ]);
  });
});

describe('a property list', () => {
  test('keeps comments out and the five entities in', () => {
    expect(parsePlist('<key>a</key><!-- <string>no</string> --><string>R&amp;D &lt;1&gt;</string>')).toEqual(new Map([['a', 'R&D <1>']]));
  });

  test('does not expand entities of its own', () => {
    expect(parsePlist('<!DOCTYPE x [<!ENTITY b "aaaa">]><key>v</key><string>&b;&b;</string>')).toEqual(new Map([['v', '&b;&b;']]));
  });

  test.each(['<!--', '<key>', '<string>', '<array>', '<key>a</key><string>', '&amp;<'])('of nothing but %j, a megabyte of it, is read in time', (piece) => {
    parsePlist(piece.repeat(1_000_000 / piece.length));
  });
});

test.each(rootNames)('the machine %s fills the fact', async (name) => {
  expect((await drivers.collect(await root(name), passive)).driverBundles.status).toMatch(/^(ok|absent)$/);
});

test('this machine\'s libccid knows the YubiKey', async () => {
  const { bundles } = valueIn((await drivers.collect(realSystem(), passive)).driverBundles);
  expect(bundles.find(({ driver }) => driver === 'CCIDCLASSDRIVER')).toMatchObject({ error: null, devices: expect.arrayContaining(['1050:0407']) });
});
