import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import libraries from '../../src/collect/libraries.ts';
import type { System } from '../../src/system/port.ts';
import { realSystem } from '../../src/system/real.ts';
import { machine, passive, root, rootNames, valueIn } from '../support/root.ts';

const collect = async (name: (typeof rootNames)[number]) => valueIn((await libraries.collect(await root(name), passive)).libraries);
const summary = async (name: (typeof rootNames)[number]) => (await collect(name)).map(({ path, kind, version, owner }) => [path.split('/').at(-1), kind, version, owner]);

test('Debian\'s library has its package\'s version and that version\'s protocol', async () => {
  expect((await collect('debian12-desktop'))[0]).toEqual({
    path: '/usr/lib/x86_64-linux-gnu/libpcsclite.so.1',
    realPath: '/usr/lib/x86_64-linux-gnu/libpcsclite.so.1.0.0',
    kind: 'client',
    version: '1.9.9',
    protocol: { major: 4, minor: 4 },
    protocolFrom: 'version',
    adapts: null,
    slots: null,
    owner: 'system',
    users: [],
  });
});

test('a flatpak runtime brings a library of its own', async () => {
  expect((await collect('debian12-desktop'))[1]).toMatchObject({ kind: 'client', version: null, protocol: null, owner: 'flatpak runtime org.freedesktop.Platform 23.08' });
});

test('since 2.1.0 a redirector stands before the client; a hand-built copy is its own', async () => {
  expect(await summary('debian13-pcscd-2.3.3')).toEqual([
    ['libpcsclite.so.1', 'client', '1.9.5', '/usr/local'],
    ['libpcsclite.so.1', 'redirector', '2.3.3', 'system'],
    ['libpcsclite_real.so.1', 'client', '2.3.3', 'system'],
  ]);
});

test('what pcsc-spy left and what a snap brings are named', async () => {
  expect(await summary('fedora-pcscd-2.4.1')).toEqual([
    ['libpcsclite.so.1', 'redirector', '2.4.1', 'system'],
    ['libpcsclite_real.so.1', 'client', '2.4.1', 'system'],
    ['libpcsclite_nospy.so.1', 'client', '2.4.1', 'put aside by pcsc-spy\'s setup_spy.sh'],
    ['libpcsclite.so.1', 'client', null, 'snap chromium'],
  ]);
});

test.each([
  ['container', '2.3.3'],
  ['second-pcscd', '2.4.1'],
] as const)('the package database of %s tells %s', async (name, version) => {
  expect((await collect(name)).map((library) => library.version)).toEqual([version, version]);
});

test('a spy in the library\'s place is called one', async () => {
  const system = await machine({ '/usr/lib64/libpcsclite.so.1': { link: 'libpcscspy.so.0.0.0' }, '/usr/lib64/libpcscspy.so.0.0.0': '', '/usr/lib64/libpcsclite_nospy.so.1': '' });
  expect(valueIn((await libraries.collect(system, passive)).libraries).map(({ kind }) => kind)).toEqual(['spy', 'client']);
});

test('a folder of LD_LIBRARY_PATH and one of the linker\'s configuration are searched, one file is one copy', async () => {
  const system = await machine(
    { '/srv/a/libpcsclite.so.1': '', '/srv/b/libpcsclite.so.1': '', '/etc/ld.so.conf.d/x.conf': '# ours\n/srv/b\n/usr/lib/../lib\n', '/usr/lib/libpcsclite.so.1': { link: '/srv/a/libpcsclite.so.1' } },
    { env: { LD_LIBRARY_PATH: 'relative:/srv/a' } },
  );
  expect(valueIn((await libraries.collect(system, passive)).libraries).map(({ path, owner }) => [path, owner])).toEqual([
    ['/srv/a/libpcsclite.so.1', 'LD_LIBRARY_PATH'],
    ['/srv/b/libpcsclite.so.1', 'ld.so.conf'],
  ]);
});

test('a package deep in a large database is found, also where two steps of reading meet', async () => {
  const paragraph = (name: string) => `Package: ${name}\nStatus: install ok installed\nDescription: ${'x'.repeat(400)}\nVersion: 1.0\n\n`;
  const before = Array.from({ length: 2000 }, (_, index) => paragraph(`lib${index}`)).join('');
  for (const cut of [0, 512 * 1024 - 10, 512 * 1024 - 30]) {
    const filler = cut === 0 ? '' : before.slice(0, cut - 2);
    const status = `${filler}${filler === '' ? '' : '\n\n'}Package: libpcsclite1\nArchitecture: amd64\nVersion: 2:2.3.3-1ubuntu1\n\n${before}`;
    const system = await machine({ '/usr/lib/x86_64-linux-gnu/libpcsclite.so.1': '', '/var/lib/dpkg/status': status });
    expect(valueIn((await libraries.collect(system, passive)).libraries)[0]?.version).toBe('2.3.3');
  }
});

/** The library of this machine, in places where others bring theirs. */
const real = async () => {
  const found = valueIn((await libraries.collect(realSystem(), passive)).libraries).find(({ owner, kind }) => owner === 'system' && kind === 'client');
  if (found === undefined) throw new Error('libpcsclite is not installed');
  return { ...found, bytes: readFileSync(found.realPath) };
};
const of = async (system: System) => valueIn((await libraries.collect(system, passive)).libraries);

test('a version that the file contradicts is not believed', async () => {
  const { bytes, protocol } = await real();
  const liar = protocol?.minor === 3 ? '2.3.3' : '1.8.23';
  const system = await machine({ '/usr/local/lib/libpcsclite.so.1': bytes, '/usr/local/lib/pkgconfig/libpcsclite.pc': `Name: libpcsclite\nVersion: ${liar}\n` });
  expect(await of(system)).toMatchObject([{ version: null, protocol, protocolFrom: 'file' }]);
});

test('flatpak, snap and mounted AppImage: what they bring speaks for itself', async () => {
  const { bytes, protocol } = await real();
  const system = await machine({
    '/var/lib/flatpak/app/com.yubico.yubioath/current/active/files/lib/libpcsclite.so.1': bytes,
    '/var/lib/snapd/snap/yubioath-desktop/current/usr/lib/x86_64-linux-gnu/libpcsclite.so.1': bytes,
    '/tmp/.mount_StatusAbCdEf/usr/lib/libpcsclite.so.1': bytes,
    '/proc/self/mounts': 'proc /proc proc rw 0 0\nStatus.AppImage /tmp/.mount_StatusAbCdEf fuse.Status.AppImage ro,nosuid 0 0\n',
  });
  expect((await of(system)).map(({ owner, protocol }) => [owner, protocol])).toEqual([
    ['flatpak com.yubico.yubioath', protocol],
    ['snap yubioath-desktop', protocol],
    ['AppImage Status', protocol],
  ]);
});

test('root sees the flatpaks of the user who called sudo', async () => {
  const { bytes } = await real();
  const path = '/home/ada/.local/share/flatpak/runtime/org.gnome.Platform/x86_64/47/active/files/lib/x86_64-linux-gnu/libpcsclite.so.1';
  const system = await machine({ [path]: bytes, '/etc/passwd': 'ada:x:1000:1000::/home/ada:/bin/sh\n' }, { uid: 0, env: { HOME: '/root', SUDO_UID: '1000' } });
  expect(await of(system)).toMatchObject([{ path, owner: 'flatpak runtime org.gnome.Platform 47' }]);
});

const status = (pid: number) => ({
  [`/proc/${pid}/stat`]: `${pid} (yubikey-agent) S 1 1 1 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 100 0 0`,
  [`/proc/${pid}/status`]: 'Name:\tyubikey-agent\nUid:\t1000\t1000\t1000\t1000\n',
  [`/proc/${pid}/comm`]: 'yubikey-agent\n',
});

test('a program that has a library of its sandbox loaded is named with it', async () => {
  const { bytes, protocol } = await real();
  const system = await machine(
    { ...status(77), '/proc/77/maps': '7f0000000000-7f0000001000 r-xp 00000000 00:2a 4711 /app/lib/libpcsclite.so.1.0.0\n', '/proc/77/root/app/lib/libpcsclite.so.1.0.0': bytes, '/proc/77/cgroup': '0::/user.slice/app-flatpak-com.yubico.yubioath-77.scope\n' },
    { pid: 1 },
  );
  expect(await of(system)).toMatchObject([
    { path: '/app/lib/libpcsclite.so.1.0.0', kind: 'client', protocol, owner: 'flatpak com.yubico.yubioath', users: [{ pid: 77, uid: 1000, comm: 'yubikey-agent' }] },
  ]);
});

test('a program with the client linked in is found; which protocol it speaks is not guessed', async () => {
  const { bytes, adapts } = await real();
  const system = await machine({ ...status(78), '/proc/78/maps': '400000-401000 r-xp 00000000 00:2a 4712 /usr/bin/yubikey-agent\n', '/proc/78/exe': { link: '/usr/bin/yubikey-agent' }, '/usr/bin/yubikey-agent': Buffer.concat([bytes, Buffer.alloc(4096)]) });
  expect(await of(system)).toMatchObject([{ path: '/usr/bin/yubikey-agent', kind: 'static', protocol: null, adapts, slots: null, users: [{ pid: 78 }] }]);
});

test.each(rootNames)('the machine %s fills the fact', async (name) => {
  expect(await collect(name)).toBeInstanceOf(Array);
});

test('this machine\'s own library is among those found', async () => {
  const found = valueIn((await libraries.collect(realSystem(), passive)).libraries);
  expect(found.find(({ owner }) => owner === 'system')?.protocol).toMatchObject({ major: 4 });
});
