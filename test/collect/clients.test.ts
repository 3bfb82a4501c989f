import { mkdtempSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clients } from '../../src/collect/clients.ts';
import { noteOwnPid } from '../../src/collect/own-pids.ts';
import { parseSs } from '../../src/collect/unix-sockets.ts';
import { commandOf } from '../../src/derive/process-name.ts';
import { fixtureSystem } from '../../src/system/fixture.ts';
import { type System, SystemError } from '../../src/system/port.ts';
import { realSystem } from '../../src/system/real.ts';
import { clientScript, runScript, serverScript, stopAll } from './processes.ts';

const options = { passive: false, wake: true, exclusive: true, timeoutMs: 1000, reader: null };
let folder: string;
let socket: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'clients-'));
  socket = join(folder, 'pcscd.comm');
});
afterEach(async () => {
  await stopAll();
  rmSync(folder, { recursive: true });
});

/** The machine, with pcscd's socket at a place of ours. */
function machineOf(changes: Partial<System>): System {
  const system = realSystem();
  return { ...system, env: (name) => (name === 'PCSCLITE_CSOCK_NAME' ? socket : system.env(name)), ...changes };
}
/** The same without the shorter way that root has. */
const withoutPerl = (run: System['run']): System['run'] => (program, ...rest) => (program === 'perl' ? Promise.reject(new SystemError('ENOENT', program)) : run(program, ...rest));

describe.each(['asked of the kernel', 'found by ss'])('clients of pcscd, %s', (way) => {
  /** The machine, with only the way in question. */
  function machine(changes: Partial<System> = {}): System {
    const system = machineOf(changes);
    return way === 'found by ss' ? { ...system, run: withoutPerl(system.run) } : system;
  }
  const look = async (system = machine()) => (await clients.collect(system, options)).clients;

  it('names each process with the number of its connections', async () => {
    await runScript(serverScript(socket));
    const one = await runScript(clientScript(socket));
    const three = await runScript(clientScript(socket, 3));
    const fact = await look();
    expect(fact).toMatchObject({ status: 'ok', value: { unattributed: 0, hiddenByNamespace: 0, complete: true } });
    const found = fact.status === 'ok' ? fact.value.clients.map(({ process, connections, inodes }) => [process?.pid, connections, inodes.length]) : [];
    expect(found.sort()).toEqual([[one.pid, 1, 1], [three.pid, 3, 3]].sort());
  });

  it('says that nobody is connected, and surely so when pcscd\'s descriptors were seen', async () => {
    await runScript(serverScript(socket));
    expect(await look()).toMatchObject({ status: 'ok', value: { clients: [], unattributed: 0, complete: true } });
  });

  it('leaves connections of cardcheck itself and of its children out', async () => {
    await runScript(serverScript(socket));
    const child = await runScript(clientScript(socket));
    const own = connect(socket);
    await once(own, 'data');
    noteOwnPid(child.pid);
    expect(await look()).toMatchObject({ status: 'ok', value: { clients: [], unattributed: 0 } });
    own.destroy();
  });

  it('counts a connection whose process is closed to this user', async () => {
    await runScript(serverScript(socket));
    const stranger = await runScript(clientScript(socket));
    const system = realSystem();
    const closed = (path: string) => /^\/proc\/(\d+)\/fd/.exec(path)?.[1] === String(stranger.pid);
    const fact = await look(machine({ readLink: (path) => (closed(path) ? Promise.reject(new Error('EACCES')) : system.readLink(path)) }));
    expect(fact).toMatchObject({ status: 'ok', value: { clients: [], unattributed: 1 } });
  });

  it('names the programs that might own a connection nobody was found for, and else none', async () => {
    await runScript(serverScript(socket));
    const agent = await runScript(`process.title = 'yubikey-agent'; console.log('ready'); setInterval(() => {}, 1000);`);
    const seen = await runScript(clientScript(socket));
    const open = await runScript(`process.title = 'yubikey-agent'; console.log('ready'); setInterval(() => {}, 1000);`);
    // Other tests run programs of that kind on this machine at the same time.
    const ours = new Set([agent, seen, open].map(({ pid }) => pid));
    const suspectsIn = (fact: Awaited<ReturnType<typeof look>>) => (fact.status === 'ok' ? fact.value.suspects?.map(({ pid }) => pid).filter((pid) => ours.has(pid)) : undefined);
    expect(suspectsIn(await look())).toBeUndefined();
    const system = realSystem();
    const closed = (path: string) => [agent, seen].some(({ pid }) => path.startsWith(`/proc/${pid}/fd`));
    const unless = <T>(path: string, work: () => Promise<T>) => (closed(path) ? Promise.reject(new Error('EACCES')) : work());
    const others = machine({ live: false, readLink: (path) => unless(path, () => system.readLink(path)), readDir: (path) => unless(path, () => system.readDir(path)) });
    expect(suspectsIn(await look(others))).toEqual([agent.pid]);
  });

  it('finds a client in another network namespace', async () => {
    await runScript(serverScript(socket));
    const near = await runScript(clientScript(socket));
    const far = await runScript(clientScript(socket, 2), 'unshare', '-n');
    const fact = await look();
    expect(fact).toMatchObject({ status: 'ok', value: { unattributed: 0, hiddenByNamespace: 0, complete: true } });
    const found = fact.status === 'ok' ? fact.value.clients : [];
    expect(found.map(({ process, connections }) => [process?.pid, connections]).sort()).toEqual([[near.pid, 1], [far.pid, 2]].sort());
    expect(found.find(({ process }) => process?.pid === far.pid)?.process?.confinement?.kind).toBe('namespace');
  });

  it('counts such a client where it may not look from there', async () => {
    await runScript(serverScript(socket));
    await runScript(clientScript(socket), 'unshare', '-n');
    const system = realSystem();
    const run: System['run'] = (program, ...rest) => (program === 'nsenter' ? Promise.reject(new Error('EPERM')) : system.run(program, ...rest));
    expect(await look(machine({ run: withoutPerl(run) }))).toMatchObject({ status: 'ok', value: { clients: [], hiddenByNamespace: 1, complete: true } });
  });

  it('counts a client in a sandbox of this user\'s that the kernel does not let into', async () => {
    const server = await runScript(serverScript(socket));
    await runScript(clientScript(socket), 'unshare', '-n');
    const system = realSystem();
    // As for an ordinary user: pcscd is another's.
    const readDir = (path: string) => (path === `/proc/${server.pid}/fd` ? Promise.reject(new SystemError('EACCES', path)) : system.readDir(path));
    expect(await look(machine({ uid: 1000, readDir }))).toMatchObject({ status: 'ok', value: { clients: [], unattributed: 1, hiddenByNamespace: 0, complete: false } });
  });

  it('counts a connection for both processes that inherited it', async () => {
    await runScript(serverScript(socket));
    const parent = await runScript(`
      const s = require('node:net').connect(${JSON.stringify(socket)}).once('data', () => {
        const child = require('node:child_process').spawn('sleep', ['60'], { stdio: ['ignore', 'ignore', 'ignore', s] });
        process.on('exit', () => child.kill('SIGKILL'));
        console.log(child.pid);
        process.stdin.on('end', () => process.exit()).resume();
      });`);
    const fact = await look();
    const found = fact.status === 'ok' ? fact.value.clients : [];
    expect(found).toHaveLength(2);
    expect(found.map(({ process }) => process && commandOf(process)).sort()).toEqual(['node', 'sleep']);
    expect(new Set(found.map(({ inodes }) => inodes.join()))).toHaveLength(1);
    parent.stdin?.end();
    await once(parent, 'exit');
  });

  it('is not fooled by a process that calls itself like another\'s entry', async () => {
    await runScript(serverScript(socket));
    const liar = await runScript(`process.title = '",pid=1,fd=3)';${clientScript(socket)}`);
    const fact = await look();
    expect(fact.status === 'ok' ? fact.value.clients.map(({ process }) => process?.pid) : fact).toEqual([liar.pid]);
  });

  it('names no client and says why where ss is missing', async () => {
    await runScript(serverScript(socket));
    await runScript(clientScript(socket));
    const run: System['run'] = (program) => Promise.reject(new SystemError('ENOENT', program));
    expect(await look(machine({ run }))).toMatchObject({ status: 'absent', reason: expect.stringContaining('1 connection') });
  });
});

it('leaves out clients of a pcscd in a container that listens under the same name', async () => {
  await runScript(serverScript(socket), 'unshare', '-m', '-p', '-f', '--kill-child');
  await runScript(clientScript(socket));
  const system = machineOf({});
  const fact = (await clients.collect({ ...system, run: withoutPerl(system.run) }, options)).clients;
  expect(fact).toMatchObject({ status: 'ok', value: { clients: [], unattributed: 0, complete: false } });
});

it('takes a recorded machine without sockets for one without clients', async () => {
  const root = join(folder, 'root');
  mkdirSync(join(root, 'proc/net'), { recursive: true });
  writeFileSync(join(root, 'proc/net/unix'), 'Num       RefCount Protocol Flags    Type St Inode Path\n');
  expect((await clients.collect(await fixtureSystem(root), options)).clients).toMatchObject({ status: 'ok', value: { clients: [] } });
});

it('reads what ss prints, and skips the rest', () => {
  const text = [
    'u_str ESTAB 0      0      /run/pcscd/pcscd.comm 305409 * 305410 users:(("pcscd",pid=41,fd=12))',
    'u_str ESTAB 0      0                          * 305410 * 305409 users:(("a b",pid=7,fd=3),("c",pid=8,fd=3))',
    'u_str LISTEN 0     128    /run/a b/x y 77 * 0',
    'u_seq ESTAB 0 0 @abstract 5 * 6 ',
    'garbage',
    '',
  ].join('\n');
  expect(parseSs(text)).toEqual([
    { state: 'ESTAB', path: '/run/pcscd/pcscd.comm', inode: '305409', peer: '305410', users: [{ pid: 41, fd: 12 }] },
    { state: 'ESTAB', path: null, inode: '305410', peer: '305409', users: [{ pid: 7, fd: 3 }, { pid: 8, fd: 3 }] },
    { state: 'LISTEN', path: '/run/a b/x y', inode: '77', peer: '0', users: [] },
    { state: 'ESTAB', path: '@abstract', inode: '5', peer: '6', users: [] },
  ]);
});

it('comes to an end with a line of ss that can be shared out in a million ways', () => {
  expect(parseSs(`u_str ESTAB 0 0 ${'1 '.repeat(20_000)}x`)).toEqual([]);
});
