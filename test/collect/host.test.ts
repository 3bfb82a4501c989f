import { expect, test } from 'vitest';
import host from '../../src/collect/host.ts';
import { realSystem } from '../../src/system/real.ts';
import { machine, passive, root, rootNames, valueIn } from '../support/root.ts';

const collect = async (name: (typeof rootNames)[number]) => valueIn((await host.collect(await root(name), passive)).host);

test('a desktop session started by the user\'s service manager is local and active', async () => {
  expect(await collect('debian12-desktop')).toMatchObject({
    distribution: { id: 'debian', version: '12', name: 'Debian GNU/Linux 12 (bookworm)' },
    kernel: '6.1.0-31-amd64',
    arch: 'x86_64',
    user: { uid: 1000, name: 'alex', groups: ['alex', 'sudo', 'plugdev'] },
    root: false,
    session: { place: 'local', active: true, seat: 'seat0' },
    container: null,
    wsl: false,
  });
});

test('a session over SSH is remote, though it is active', async () => {
  expect((await collect('debian13-pcscd-2.3.3')).session).toMatchObject({ place: 'remote', active: true, seat: null });
});

test('a session in the background is inactive', async () => {
  expect((await collect('fedora-pcscd-2.4.1')).session).toMatchObject({ place: 'local', active: false });
});

test('sudo in a console keeps the session of the user', async () => {
  const { root: isRoot, session } = await collect('second-pcscd');
  expect(isRoot).toBe(true);
  expect(session).toMatchObject({ place: 'local', active: true });
});

test('WSL and containers are told', async () => {
  expect((await collect('wsl-no-usb')).wsl).toBe(true);
  expect(await collect('container')).toMatchObject({ container: 'docker', wsl: false });
});

test('a process of no session has none where logind runs, and an unknown one where it does not', async () => {
  const withLogind = await machine({ '/run/systemd/sessions/9': 'UID=5\n' });
  const without = await machine({});
  expect(valueIn((await host.collect(withLogind, passive)).host).session).toMatchObject({ place: 'none', active: null });
  expect(valueIn((await host.collect(without, passive)).host).session).toMatchObject({ place: 'unknown', active: null });
});

test('SSH_CONNECTION makes a session remote where logind cannot be read', async () => {
  const system = await machine({}, { env: { SSH_CONNECTION: '192.0.2.7 50122 192.0.2.10 22' } });
  expect(valueIn((await host.collect(system, passive)).host).session).toMatchObject({ place: 'remote', active: null, evidence: 'SSH_CONNECTION is set' });
});

test('an identifier of a session that is a path is not followed', async () => {
  const system = await machine({ '/run/systemd/users/1000': 'DISPLAY=../../../etc/secret\n', '/etc/secret': 'REMOTE=0\nACTIVE=1\n' });
  expect(valueIn((await host.collect(system, passive)).host).session.place).toBe('unknown');
});

test.each([
  ['/run/.containerenv', '', 'podman'],
  ['/.flatpak-info', '', 'flatpak'],
  ['/run/systemd/container', 'lxc\n', 'lxc'],
  ['/proc/1/environ', 'PATH=/bin\0container=systemd-nspawn\0', 'systemd-nspawn'],
])('%s marks a container', async (path, text, name) => {
  expect(valueIn((await host.collect(await machine({ [path]: text }), passive)).host).container).toBe(name);
});

test.each([
  ['sockets=x11;pcsc;', true],
  ['sockets=x11;', false],
  ['shared=network;', false],
])('a flatpak with %s has pcscd\'s socket: %s', async (context, pcsc) => {
  const info = `[Application]\nname=org.example.Signer\nruntime=runtime/org.example.Platform/x86_64/1\n\n[Instance]\ninstance-id=1\n\n[Context]\n${context}\n`;
  expect(valueIn((await host.collect(await machine({ '/.flatpak-info': info }), passive)).host).flatpak).toEqual({ app: 'org.example.Signer', pcsc });
});

test.each(rootNames)('the machine %s has a host', async (name) => {
  expect((await collect(name)).platform).toBe('linux');
});

test('this machine has a kernel and a user', async () => {
  const value = valueIn((await host.collect(realSystem(), passive)).host);
  expect(value.kernel).not.toBe('unknown');
  expect(value.user.uid).toBe(process.geteuid?.());
});
