import { describe, expect, test } from 'vitest';
import { readAgent, readHome } from '../../src/collect/gnupg-home.ts';
import type { Installation } from '../../src/collect/gnupg-installation.ts';
import { absent, ok } from '../../src/snapshot/fact.ts';
import type { FixtureMachine } from '../../src/system/fixture.ts';
import { machine, valueIn } from '../support/root.ts';

const HOME = '/home/alice/.gnupg';
const SOCKET = '/run/user/1000/gnupg/S.gpg-agent';
const alice = { uid: 1000, name: 'alice', home: '/home/alice', throughSudo: false };
const installation: Installation = {
  gnupg: ok({ gpg: null, gpgconf: null, scdaemon: null, expectedScdaemon: null, homeDir: HOME, uid: 1000, homeDirFrom: 'default', sysconfDir: '/etc/gnupg', agentSocket: SOCKET }, 'test'),
  user: alice,
  table: null,
  tested: null,
  obstacles: [],
};

describe('the home directory', () => {
  const look = async (files: Record<string, string>, stat: FixtureMachine['stat'], user = alice, uid = 1000) => valueIn(await readHome(await machine(files, { uid, stat }), installation, user));
  const there = { [`${HOME}/pubring.kbx`]: '' };

  test('of its own user is usable', async () => {
    expect(await look(there, { [HOME]: { kind: 'directory', mode: 0o700, uid: 1000 } })).toMatchObject({ kind: 'directory', uid: 1000, usable: true });
  });
  test('that root took is not', async () => {
    expect(await look(there, { [HOME]: { kind: 'directory', mode: 0o700, uid: 0, gid: 0 } })).toMatchObject({ uid: 0, usable: false });
  });
  test('that is missing can be made where its parent is the user\'s', async () => {
    expect(await look({ '/home/alice/x': '' }, { '/home/alice': { kind: 'directory', mode: 0o700, uid: 1000 } })).toMatchObject({ kind: 'missing', usable: true });
    expect(await look({ '/home/x': '' }, {})).toMatchObject({ kind: 'missing', usable: false });
  });
  test('of who called sudo stays open: what root may do says nothing of them', async () => {
    expect(await look(there, { [HOME]: { kind: 'directory', mode: 0o700, uid: 0 } }, { ...alice, throughSudo: true }, 0)).toMatchObject({ uid: 0, usable: null });
  });
  test('with a FIFO for gpg-agent.conf says what gpg-agent would wait for, and does not say what is in it', async () => {
    const stat: FixtureMachine['stat'] = { [HOME]: { kind: 'directory', mode: 0o700, uid: 1000 }, [`${HOME}/gpg-agent.conf`]: { kind: 'fifo', mode: 0o600, uid: 1000 } };
    expect(await look(there, stat)).toMatchObject({ obstacles: [{ file: `${HOME}/gpg-agent.conf`, endless: true }] });
    expect(valueIn(await readAgent(await machine(there, { uid: 1000, stat }), installation, alice)).sshSupport).toBeNull();
    // One that its user may not open is skipped by gpg-agent.
    expect(await look(there, { ...stat, [`${HOME}/gpg-agent.conf`]: { kind: 'fifo', mode: 0, uid: 1000 } })).toMatchObject({ obstacles: [] });
  });
  test('is of no use beside a FIFO that all users read first', async () => {
    const stat: FixtureMachine['stat'] = { [HOME]: { kind: 'directory', mode: 0o700, uid: 1000 }, '/etc/gnupg/gpg.conf': { kind: 'fifo', mode: 0o644, uid: 0 } };
    expect(await look(there, stat)).toMatchObject({ obstacles: [{ file: '/etc/gnupg/gpg.conf', endless: true }] });
    expect(await look({ '/home/alice/x': '' }, { '/home/alice': { kind: 'directory', mode: 0o700, uid: 1000 }, '/etc/gnupg/gpg.conf': { kind: 'fifo', mode: 0o644, uid: 0 } })).toMatchObject({ kind: 'missing', obstacles: [{ file: '/etc/gnupg/gpg.conf' }] });
  });
  test('without GnuPG is none', async () => {
    expect(await readHome(await machine({}), { ...installation, gnupg: absent('no gpgconf') }, alice)).toEqual(absent('no gpgconf'));
  });
});

describe('the agent\'s socket', () => {
  const unix = (path: string) => `Num RefCount Protocol Flags Type St Inode Path\n0: 00000002 00000000 00010000 0001 01 555 ${path}\n`;
  const process = (pid: number, comm: string, fd: Record<string, { link: string }> = {}) => ({
    [`/proc/${pid}/comm`]: `${comm}\n`,
    [`/proc/${pid}/stat`]: `${pid} (${comm}) S 1 ${pid} ${pid} 0 -1 0 ${'0 '.repeat(12)}5 0\n`,
    [`/proc/${pid}/status`]: 'Uid:\t1000\t1000\t1000\t1000\n',
    [`/proc/${pid}/cmdline`]: `${comm}\0`,
    ...fd,
  });
  const listening = (pid: number) => ({ [`/proc/${pid}/fd/4`]: { link: 'socket:[555]' } });
  const look = async (files: Parameters<typeof machine>[0], description: FixtureMachine = {}, user = alice) => valueIn(await readAgent(await machine(files, description), installation, user));

  test('another program that listens there is named', async () => {
    const { listeners, unseen } = await look({ '/proc/net/unix': unix(SOCKET), ...process(80, 'other-agent', listening(80)), ...process(81, 'bystander') });
    expect(listeners.map(({ pid, comm }) => [pid, comm])).toEqual([[80, 'other-agent']]);
    expect(unseen).toBe(false);
  });
  test('nobody is looked for where the user\'s gpg-agent runs', async () => {
    expect((await look({ '/proc/net/unix': unix(SOCKET), ...process(80, 'other-agent', listening(80)), ...process(82, 'gpg-agent') })).listeners).toEqual([]);
  });
  test('a listener behind closed doors stays unnamed', async () => {
    const closed = { stat: { '/proc/80/fd': { kind: 'directory' as const, mode: 0o500, uid: 0 } } };
    expect(await look({ '/proc/net/unix': unix(SOCKET), ...process(80, 'sshd', listening(80)) }, closed)).toMatchObject({ listeners: [], unseen: true });
  });
  test('systemd, which listens for an agent that sleeps, is named alone', async () => {
    const { listeners } = await look({ '/proc/net/unix': unix(SOCKET), ...process(70, 'systemd', listening(70)), ...process(80, 'heir-of-its-files', listening(80)) });
    expect(listeners.map(({ comm }) => comm)).toEqual(['systemd']);
  });
  test('a socket of another path is another\'s', async () => {
    expect(await look({ '/proc/net/unix': unix('/tmp/S.gpg-agent'), ...process(80, 'other-agent', listening(80)) })).toMatchObject({ listeners: [], unseen: false });
  });
  test('ssh support and SSH_AUTH_SOCK are read, the latter not through sudo', async () => {
    const files = { [`${HOME}/gpg-agent.conf`]: 'default-cache-ttl 60\nenable-ssh-support\n' };
    const env = { SSH_AUTH_SOCK: '/run/user/1000/keyring/ssh' };
    expect(await look(files, { env })).toMatchObject({ sshSupport: true, sshAuthSock: '/run/user/1000/keyring/ssh', sshSocket: `${SOCKET}.ssh` });
    expect(await look({ [`${HOME}/gpg-agent.conf`]: '# enable-ssh-support\n' }, { env }, { ...alice, throughSudo: true })).toMatchObject({ sshSupport: false, sshAuthSock: null });
  });
});
