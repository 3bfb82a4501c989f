import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { until } from '../../src/rig/until.ts';
import { listPids, parseStat, pidsNamed, readOpenFiles, readProcess, ttyName } from '../../src/system/process.ts';
import { realSystem } from '../../src/system/real.ts';
import { machine, root } from '../support/root.ts';

describe('a process of a described machine', () => {
  test('has its user, start, unit and chain of parents', async () => {
    const scdaemon = await readProcess(await root('debian12-desktop'), 2101);
    expect(scdaemon).toMatchObject({
      ppid: 1604,
      uid: 1000,
      user: 'alex',
      comm: 'scdaemon',
      argv: ['scdaemon', '--multi-server'],
      // 88000 ticks of 10 ms after the boot at 1772440000.
      startedAt: new Date((1772440000 + 880) * 1000).toISOString(),
      tty: null,
      unit: 'gpg-agent.service',
      parents: [
        { pid: 1604, comm: 'gpg-agent' },
        { pid: 1402, comm: 'systemd' },
        { pid: 1, comm: 'systemd' },
      ],
    });
  });

  test('is hidden when its files belong to root though its folder does not', async () => {
    const system = await root('debian12-desktop');
    expect((await readProcess(system, 2101))?.hidden).toBe(true);
    expect((await readProcess(system, 1510))?.hidden).toBe(false);
    expect((await readProcess(system, 640))?.hidden).toBe(false);
  });

  test.each([
    ['a flatpak', 'debian12-desktop', 2207, { kind: 'flatpak', name: 'org.mozilla.firefox' }],
    ['a snap', 'debian12-desktop', 2307, { kind: 'snap', name: 'chromium' }],
    ['a podman container', 'second-pcscd', 2000, { kind: 'container', name: 'podman 3f2a9c0de1b2' }],
    ['podman\'s monitor, which is not in the container', 'second-pcscd', 1990, null],
    ['a service', 'second-pcscd', 640, null],
  ] as const)('in %s is named as its user knows it', async (_, name, pid, confinement) => {
    expect((await readProcess(await root(name), pid))?.confinement).toEqual(confinement);
  });

  const inGroup = async (cgroup: string, namespace = 'net:[1]', files: Parameters<typeof machine>[0] = {}) => {
    const system = await machine(
      {
        ...files,
        '/proc/9/stat': `9 (x) S 0 9 9 0 -1 0 ${'0 '.repeat(12)}5 0\n`,
        '/proc/9/status': 'Uid:\t0\t0\t0\t0\n',
        '/proc/9/cgroup': cgroup,
        '/proc/9/ns/net': { link: namespace },
        '/proc/1/ns/net': { link: 'net:[1]' },
      },
      { pid: 1 },
    );
    return readProcess(system, 9);
  };
  const id = '0123456789ab'.padEnd(64, 'c');
  test.each([
    [`0::/system.slice/docker-${id}.scope\n`, { kind: 'container', name: 'docker 0123456789ab' }],
    [`12:pids:/docker/${id}\n1:name=systemd:/docker/${id}\n`, { kind: 'container', name: 'docker 0123456789ab' }],
    ['0::/lxc.payload.web/system.slice/pcscd.service\n', { kind: 'container', name: 'lxc web' }],
    ['0::/machine.slice/machine-build\\x2dbox.scope\n', { kind: 'container', name: 'machine build-box' }],
    ['0::/machine.slice/machine-qemu\\x2d1\\x2dwin10.scope/libvirt/emulator\n', null],
    ['0::/user.slice/user@1.service/app.slice/app-flatpak-org.gnome.Maps\\x2dbeta-77.scope\n', { kind: 'flatpak', name: 'org.gnome.Maps-beta' }],
    ['', null],
  ])('of control group %j is confined in %j', async (cgroup, confinement) => {
    expect((await inGroup(cgroup))?.confinement).toEqual(confinement);
  });

  // As flatpak 1.14 writes it where there is no user manager of systemd to ask for a control group.
  test.each([
    ['[Application]\nname=org.example.Signer\nruntime=runtime/org.example.Platform/x86_64/1\n\n[Instance]\nname=other\n', { kind: 'flatpak', name: 'org.example.Signer' }],
    ['[Runtime]\nruntime=runtime/org.example.Platform/x86_64/1\nname=org.example.Platform\n', { kind: 'flatpak', name: 'org.example.Platform' }],
    ['[Application]\nruntime=none\n\n[Instance]\nname=other\n', { kind: 'namespace', name: 'net:[2]' }],
  ] as const)('with %j at its root is in that flatpak', async (info, confinement) => {
    const files = { '/proc/9/root/.flatpak-info': info, '/proc/1/ns/mnt': { link: 'mnt:[1]' } };
    expect((await inGroup('0::/', 'net:[2]', { ...files, '/proc/9/ns/mnt': { link: 'mnt:[2]' } }))?.confinement).toEqual(confinement);
    expect((await inGroup('0::/', 'net:[1]', { ...files, '/proc/9/ns/mnt': { link: 'mnt:[1]' } }))?.confinement).toBeNull();
  });

  test('in a network namespace that nothing explains is told by the namespace', async () => {
    expect((await inGroup('0::/', 'net:[2]'))?.confinement).toEqual({ kind: 'namespace', name: 'net:[2]' });
  });

  test('is null when it has gone, and when its lines are garbage', async () => {
    const hostile = await root('hostile');
    expect(await readProcess(await root('debian12-desktop'), 4000)).toBeNull();
    expect(await readProcess(hostile, 60)).toBeNull();
    expect(await readProcess(hostile, 61)).toBeNull();
  });

  test('has parents that end even where they form a ring', async () => {
    const process = await readProcess(await root('hostile'), 50);
    expect(process?.parents).toEqual([
      { pid: 51, comm: ') S 1 (x' },
      { pid: 50, comm: 'node' },
    ]);
    expect(process?.startedAt).toBeNull();
  });
});

test('open files of another user\'s process are null, not none', async () => {
  const system = await root('debian12-desktop');
  expect(await readOpenFiles(system, 640)).toBeNull();
  expect(await readOpenFiles(system, 2207)).toEqual([
    { fd: 0, target: '/dev/null' },
    { fd: 9, target: 'socket:[41002]' },
  ]);
});

test('a name with brackets and blanks does not shift the numbers behind it', () => {
  expect(parseStat(`7 (a) S 99 (b)) S 3 7 7 34816 -1 0 ${'0 '.repeat(12)}42 0\n`)).toEqual({ comm: 'a) S 99 (b)', ppid: 3, ttyNumber: 34816, startTicks: 42, kernelThread: false });
});

test.each([
  [0, null],
  [(136 << 8) | 3, 'pts/3'],
  [(137 << 8) | 1, 'pts/257'],
  [(4 << 8) | 2, 'tty2'],
  [(4 << 8) | 65, 'ttyS1'],
])('terminal number %d is %s', (number, name) => {
  expect(ttyName(number)).toBe(name);
});

describe('on this machine', () => {
  test('a process is found by its name and seen with its parent', async () => {
    const child = spawn('sleep', ['60'], { stdio: ['pipe', 'ignore', 'ignore'] });
    onTestFinished(() => void child.kill());
    await once(child, 'spawn');
    const system = realSystem();
    expect(await pidsNamed(system, 'sleep')).toContain(child.pid);
    const seen = await readProcess(system, child.pid as number);
    expect(seen).toMatchObject({ comm: 'sleep', argv: ['sleep', '60'], ppid: process.pid, uid: process.geteuid?.(), hidden: false });
    expect(Math.abs(Date.parse(seen?.startedAt ?? '') - Date.now())).toBeLessThan(30_000);
    expect((await readOpenFiles(system, child.pid as number))?.some(({ target }) => target === '/dev/null')).toBe(true);
  });

  test('a process whose parent has not noticed its end is null', async () => {
    // Ends with its input; a shell might notice, sleep does not.
    const parent = spawn('sh', ['-c', 'exec 3<&0; cat <&3 & echo $!; exec sleep 60'], { stdio: ['pipe', 'pipe', 'ignore'] });
    onTestFinished(() => void parent.kill());
    const [pid] = await once(parent.stdout, 'data');
    await until('the shell is sleep', async () => readFileSync(`/proc/${parent.pid}/comm`, 'utf8') === 'sleep\n');
    parent.stdin.end();
    await until('it has ended', async () => / Z /.test(readFileSync(`/proc/${Number(pid)}/stat`, 'utf8')));
    expect(await readProcess(realSystem(), Number(pid))).toBeNull();
  });

  test('a process that ended is null', async () => {
    const child = spawn('true');
    await once(child, 'exit');
    expect(await readProcess(realSystem(), child.pid as number)).toBeNull();
  });

  test('all processes can be read without an exception', async () => {
    const system = realSystem();
    const pids = await listPids(system);
    expect(pids).toContain(process.pid);
    expect((await Promise.all(pids.map((pid) => readProcess(system, pid)))).filter((one) => one !== null).length).toBeGreaterThan(0);
  });
});
