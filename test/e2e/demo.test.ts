import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { scenarios } from '../../src/demo/scenario.ts';
import { type Rig, startRig } from '../../src/rig/rig.ts';

const script = fileURLToPath(new URL('../../bin/cardcheck.js', import.meta.url));

/** Runs the demonstration on this machine, as its user would. */
async function demo(args: readonly string[], through: readonly string[] = []): Promise<{ exitCode: number | null; stdout: string; stderr: string }> {
  const [program = '', ...rest] = [...through, process.execPath, script, 'demo', ...args];
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'], cwd: '/' });
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (text) => (said.stdout += text));
  child.stderr.on('data', (text) => (said.stderr += text));
  const [exitCode] = (await once(child, 'close')) as [number | null];
  return { exitCode, ...said };
}

describe('cardcheck demo', () => {
  it('shows by default who keeps gpg out, with the pid of a real process', async () => {
    const { exitCode, stdout, stderr } = await demo([]);
    expect(exitCode, stderr).toBe(0);
    expect(stderr).toContain('gpg: selecting card failed: No such device');
    const pid = /other-program \(pid (\d+)\)/.exec(stderr)?.[1];
    expect(stdout).toMatch(new RegExp(`other-program \\(pid ${pid}, root\\)`));
    expect(stdout).toContain('CC102');
  });

  const findings: Record<keyof typeof scenarios, readonly string[]> = {
    'gpg-blocked': ['other-client-blocks-scdaemon'],
    'gpg-holds': ['scdaemon-holds-card'],
    transaction: ['other-client-holds-transaction'],
    exclusive: ['other-client-holds-card'],
    free: [],
  };
  it.each(Object.entries(findings))('%s, and hands its options to the main job', async (name, ids) => {
    const { exitCode, stdout, stderr } = await demo([name, '--json']);
    expect(exitCode, stderr).toBe(0);
    const report = JSON.parse(stdout) as { findings: { id: string; severity: string }[] };
    expect(report.findings.filter(({ severity }) => severity === 'error').map(({ id }) => id)).toEqual(ids);
  });

  it('breaks no line in the middle of a word on a narrow terminal', async () => {
    const { stdout } = spawnSync('script', ['--quiet', '--return', '--command', `stty cols 50; exec '${process.execPath}' '${script}' demo free`, '/dev/null'], { cwd: '/', encoding: 'utf8' });
    const beside = stripVTControlCharacters(stdout).replaceAll('\r', '').split('Readers')[0] ?? '';
    expect(beside).toContain('free: ');
    expect(beside.split('\n').filter((line) => line.length > 50)).toEqual([]);
  });

  it('knows no other scenario', async () => {
    expect(await demo(['earthquake'])).toMatchObject({ exitCode: 64 });
  });

  it.runIf(process.getuid?.() === 0)('works for an ordinary user, or says what forbids it', async () => {
    const asUser = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    const { exitCode, stdout, stderr } = await demo(['exclusive'], asUser);
    if (exitCode === 0) expect(stdout).toContain('CC103');
    else expect({ exitCode, stderr }).toMatchObject({ exitCode: 69, stderr: expect.stringMatching(/forbids private namespaces[^]*sudo/) });
  });
});

describe.runIf(process.getuid?.() === 0)('where the demonstration cannot be built', () => {
  /** On a machine of its own, so that a part can be taken away; commands before it run as root. */
  async function demoAfter(preparation: string, prefix = ''): Promise<Awaited<ReturnType<Rig['run']>>> {
    const rig = await startRig({ pcscd: false });
    try {
      return await rig.run('sh', ['-c', `${preparation}; exec ${prefix} ${rig.node} ${rig.app}/bin/cardcheck.js demo`], { cwd: '/' });
    } finally {
      await rig.stop();
    }
  }

  it('names the command that installs what is missing', async () => {
    const folder = '/usr/lib/pcsc/drivers/serial';
    expect(existsSync(folder)).toBe(true);
    const { exitCode, stderr } = await demoAfter(`mount -t tmpfs tmpfs ${folder}`);
    expect(exitCode).toBe(69);
    expect(stderr).toContain('apt-get install vsmartcard-vpcd');
  });

  it('says that namespaces are forbidden, and what helps', async () => {
    // The kernel makes no user namespace for a process whose root is not that of its mount namespace (user_namespaces(7)).
    const { exitCode, stderr } = await demoAfter('mkdir /run/elsewhere; mount --rbind / /run/elsewhere', 'chroot --userspec=65534:65534 /run/elsewhere');
    expect(exitCode).toBe(69);
    expect(stderr).toMatch(/forbids private namespaces[^]*sudo cardcheck demo/);
  });
});
