import { describe, expect, test } from 'vitest';
import pcscd, { parseBuild } from '../../src/collect/pcscd.ts';
import { parseReaderConf } from '../../src/collect/reader-conf.ts';
import { realSystem } from '../../src/system/real.ts';
import type { System } from '../../src/system/port.ts';
import { machine, passive, root, rootNames, valueIn } from '../support/root.ts';

const collect = async (name: (typeof rootNames)[number]) => pcscd.collect(await root(name), passive);
const on = (system: System) => pcscd.collect(system, passive);

describe('processes', () => {
  test('of the system and of a container are told apart by their namespaces', async () => {
    const found = valueIn((await collect('second-pcscd')).pcscdProcesses);
    expect(found.map(({ process, ...rest }) => ({ pid: process.pid, ...rest }))).toEqual([
      { pid: 640, sameMountNamespace: true, sameNetworkNamespace: true, listensOn: ['/run/pcscd/pcscd.comm'] },
      { pid: 2000, sameMountNamespace: false, sameNetworkNamespace: false, listensOn: ['/run/pcscd/pcscd.comm'] },
    ]);
  });

  test.each([
    ['the sandbox of pcscd.service', '0::/system.slice/pcscd.service\n', true],
    ['another mount namespace', '0::/user.slice\n', false],
  ])('run on our files or not: %s', async (_, cgroup, expected) => {
    const system = await machine({
      '/proc/1/ns/mnt': { link: 'mnt:[4026531841]' },
      '/proc/1/ns/net': { link: 'net:[4026531840]' },
      '/proc/88/ns/mnt': { link: 'mnt:[4026532299]' },
      '/proc/88/ns/net': { link: 'net:[4026531840]' },
      '/proc/88/comm': 'pcscd\n',
      '/proc/88/status': 'Name:\tpcscd\nPid:\t88\nPPid:\t1\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\n',
      '/proc/88/stat': `88 (pcscd) S 1 88 88 0 -1 4194560 ${'0 '.repeat(12)}90200 0\n`,
      '/proc/88/cgroup': cgroup,
    });
    expect(valueIn((await on(system)).pcscdProcesses)).toMatchObject([{ process: { pid: 88 }, sameMountNamespace: expected }]);
  });

  test('of another user keep their namespaces to themselves', async () => {
    const [daemon] = valueIn((await collect('debian12-desktop')).pcscdProcesses);
    expect(daemon).toMatchObject({ process: { pid: 640, unit: 'pcscd.service' }, sameMountNamespace: null, sameNetworkNamespace: null });
  });

  test('cannot be denied where /proc hides them', async () => {
    const system = await machine({ '/proc/500/comm': 'bash\n', '/proc/500/stat': '' });
    expect((await on(system)).pcscdProcesses.status).toBe('denied');
  });
});

describe('build', () => {
  test('of autotools before 2.0.0 tells nothing of polkit, but the program\'s libraries do', async () => {
    expect(valueIn((await collect('debian12-desktop')).pcscdBuild)).toMatchObject({
      path: '/usr/sbin/pcscd',
      version: '1.9.9',
      polkit: false,
      ipcDir: '/run/pcscd',
      usbDropDir: '/usr/lib/pcsc/drivers',
    });
  });

  test('linked with polkit before 2.0.0 has it', async () => {
    const system = await machine(
      { '/usr/sbin/pcscd': '\x7fELF libpolkit-gobject-1.so.0\0' },
      { commands: { '/usr/sbin/pcscd -v': { stdout: 'pcsc-lite version 1.8.26.\nEnabled features: Linux x86_64-pc-linux-gnu serial usb libudev usbdropdir=/usr/lib/pcsc/drivers ipcdir=/var/run/pcscd configdir=/etc/reader.conf.d\n' } } },
    );
    expect(valueIn((await on(system)).pcscdBuild)).toMatchObject({ version: '1.8.26', polkit: true, ipcDir: '/var/run/pcscd' });
  });

  test('that cannot be read leaves polkit unknown', async () => {
    const system = await machine({ '/usr/sbin/pcscd': 'not an ELF file' }, { commands: { '/usr/sbin/pcscd -v': { stdout: 'pcsc-lite version 1.9.9.\nEnabled features: Linux\n' } } });
    expect(valueIn((await on(system)).pcscdBuild).polkit).toBeNull();
  });

  test('of meson has its own spelling', async () => {
    expect(valueIn((await collect('debian13-pcscd-2.3.3')).pcscdBuild)).toMatchObject({ version: '2.3.3', polkit: true, ipcDir: '/run/pcscd' });
    // As printed by a 2.2.3 built without polkit.
    const without = 'pcsc-lite version 2.2.3\nEnabled features: USB serial libudev Linux x86_64 ipcdir=/run/pcscd usbdropdir=/usr/lib/pcsc/drivers serialconfdir=/etc/reader.conf.d\n';
    expect(parseBuild(without)).toMatchObject({ version: '2.2.3', polkit: false, usbDropDir: '/usr/lib/pcsc/drivers' });
  });

  test('has a reason where there is none to ask', async () => {
    expect((await collect('container')).pcscdBuild).toMatchObject({ status: 'absent', reason: expect.stringMatching(/^pcscd is not installed/) });
    expect((await collect('hostile')).pcscdBuild).toEqual({ status: 'failed', error: '/usr/sbin/pcscd -v prints no version' });
  });
});

describe('socket', () => {
  test('of a running daemon listens', async () => {
    expect(valueIn((await collect('debian12-desktop')).pcscdSocket)).toEqual({ path: '/run/pcscd/pcscd.comm', from: 'default', kind: 'socket', mode: 0o666, uid: 0, writable: true, listening: true });
  });

  test('that is missing listens not', async () => {
    expect(valueIn((await collect('wsl-no-usb')).pcscdSocket)).toMatchObject({ path: '/run/pcscd/pcscd.comm', kind: 'missing', writable: null, listening: false });
  });

  test.each(['', '/no/such/place', `/${'x'.repeat(5000)}`])('that the variable names is the one looked at, and %j leads nowhere', async (path) => {
    const system = { ...realSystem(), env: (name: string) => (name === 'PCSCLITE_CSOCK_NAME' ? path : undefined) };
    expect(valueIn((await on(system)).pcscdSocket)).toMatchObject({ path, from: 'PCSCLITE_CSOCK_NAME', kind: 'missing' });
  });

  const mounted = (mountinfo: string) =>
    machine({ '/proc/net/unix': 'Num\n', '/proc/self/mountinfo': mountinfo }, { stat: { '/run/pcscd/pcscd.comm': { kind: 'socket', mode: 0o666 } } });
  test('left behind by a daemon that died listens not', async () => {
    const system = await mounted('22 1 259:2 / / rw - ext4 /dev/sda rw\n25 22 0:23 / /run rw - tmpfs tmpfs rw\n');
    expect(valueIn((await on(system)).pcscdSocket)).toMatchObject({ kind: 'socket', listening: false });
  });

  test('mounted into a container may listen elsewhere', async () => {
    const system = await mounted('22 1 0:50 / / rw - overlay overlay rw\n25 22 0:23 /pcscd /run/pcscd rw - tmpfs tmpfs rw\n');
    expect(valueIn((await on(system)).pcscdSocket)).toMatchObject({ kind: 'socket', listening: null });
    expect(valueIn((await collect('container')).pcscdSocket)).toMatchObject({ path: '/host/pcscd.comm', from: 'PCSCLITE_CSOCK_NAME', listening: null });
  });

  test('that is no socket, or closed to this user, is told', async () => {
    expect(valueIn((await collect('hostile')).pcscdSocket)).toMatchObject({ path: '/etc/passwd', kind: 'other' });
    const closed = await machine({ '/proc/net/unix': '' }, { stat: { '/run/pcscd/pcscd.comm': { kind: 'socket', mode: 0o600 } } });
    expect(valueIn((await on(closed)).pcscdSocket).writable).toBe(false);
  });

  test('of a pcscd built for another folder is looked for there', async () => {
    const system = await machine({ '/usr/sbin/pcscd': '' }, { commands: { '/usr/sbin/pcscd -v': { stdout: 'pcsc-lite version 2.3.3\nEnabled features: ipcdir=/srv/pcscd\n' } }, stat: { '/srv/pcscd/pcscd.comm': { kind: 'socket', mode: 0o666 } } });
    expect(valueIn((await on(system)).pcscdSocket)).toMatchObject({ path: '/srv/pcscd/pcscd.comm', kind: 'socket' });
  });
});

describe('units', () => {
  test('come with their drop-ins', async () => {
    expect(valueIn((await collect('debian13-pcscd-2.3.3')).pcscdUnits)).toEqual([
      { name: 'pcscd.socket', load: 'loaded', active: 'active', sub: 'listening', fileState: 'enabled', fragment: '/usr/lib/systemd/system/pcscd.socket', dropIns: [] },
      {
        name: 'pcscd.service',
        load: 'loaded',
        active: 'inactive',
        sub: 'dead',
        fileState: 'indirect',
        fragment: '/usr/lib/systemd/system/pcscd.service',
        dropIns: ['/etc/systemd/system/pcscd.service.d/debug.conf'],
      },
    ]);
  });

  test('are absent without systemd and failed when it does not answer', async () => {
    expect((await collect('wsl-no-usb')).pcscdUnits).toEqual({ status: 'absent', reason: 'systemd does not run here' });
    const command = 'systemctl show pcscd.socket pcscd.service --property=Id,LoadState,ActiveState,SubState,UnitFileState,FragmentPath,DropInPaths,ExecStart';
    const refused = await machine({ '/run/systemd/system/x': '' }, { commands: { [command]: { exitCode: 1, stderr: 'Failed to connect to bus: Host is down\n' } } });
    expect((await on(refused)).pcscdUnits).toEqual({ status: 'failed', error: 'systemctl show: Failed to connect to bus: Host is down' });
  });
});

describe('configuration', () => {
  test('is read as systemd reads it', async () => {
    const { environment, ignoredReaders } = valueIn((await collect('debian13-pcscd-2.3.3')).pcscdConfig);
    expect(environment).toEqual({ PCSCD_ARGS: '--disable-polkit', PCSCLITE_FILTER_IGNORE_READER_NAMES: 'ACS ACR122U:Windows Hello' });
    expect(ignoredReaders).toEqual(['ACS ACR122U', 'Windows Hello']);
  });

  test('leaves out links and files with a dot, as pcscd does', async () => {
    const reader = 'FRIENDLYNAME "Virtual PCD"\nDEVICENAME /dev/null:0x8C7B\nLIBPATH /usr/lib/x.so\nCHANNELID 0x8C7B\n';
    const system = await machine({ '/usr/lib/x.so': '', '/etc/reader.conf.d/vpcd': reader, '/etc/reader.conf.d/.hidden': 'x', '/etc/reader.conf.d/link': { link: 'vpcd' } });
    expect(valueIn((await on(system)).pcscdConfig).readerConf).toEqual([{ file: '/etc/reader.conf.d/vpcd', readers: ['Virtual PCD'], error: null }]);
  });

  test('names the driver that is missing and keeps pcscd from starting', async () => {
    const system = await machine({ '/etc/reader.conf.d/old': 'FRIENDLYNAME a\nDEVICENAME /dev/null:1\nLIBPATH /usr/lib/gone.so\nCHANNELID 1\n' });
    expect(valueIn((await on(system)).pcscdConfig).readerConf[0]?.error).toBe('line 3: /usr/lib/gone.so does not exist');
  });

  test.each([
    ['FRIENDLYNAME\nDEVICENAME a:1\n', 'line 1: FRIENDLYNAME has no value'],
    ['COLOUR red\n', 'line 1: unknown key COLOUR'],
    ['# note\nCHANNELID 1\nCHANNELID 2\n', 'line 3: CHANNELID is given twice'],
    ['LIBPATH /a;b\n', 'line 1: unexpected ";"'],
    ['# nothing; at (all)\n\n', null],
  ])('%j has the error %j', (text, error) => {
    expect(parseReaderConf(text).error).toBe(error);
  });

  test('of one line of a megabyte is read in time', () => {
    expect(parseReaderConf(`"${'a'.repeat(1_000_000)}`).error).toMatch(/unknown key/);
    expect(parseReaderConf('"'.repeat(1_000_000)).error).toMatch(/unknown key/);
  });
});

test.each(rootNames)('the machine %s fills all five facts', async (name) => {
  expect(Object.keys(await collect(name)).sort()).toEqual(['pcscdBuild', 'pcscdConfig', 'pcscdProcesses', 'pcscdSocket', 'pcscdUnits']);
});

test('this machine\'s pcscd tells its version', async () => {
  expect(valueIn((await on(realSystem())).pcscdBuild).version).toMatch(/^\d+\.\d+\.\d+/);
});
