/** Clients in a sandbox as flatpak 1.14 makes it of bubblewrap, with `--socket=pcsc`; flatpak itself would need a runtime of its own. */
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { afterEach, describe, expect, test } from 'vitest';
import type { ReaderReport } from '../../src/report/schema.ts';
import { type As, rigFolder } from '../../src/rig/namespace.ts';
import { type Rig, startRig } from '../../src/rig/rig.ts';
import { until } from '../../src/rig/until.ts';

const hasBubblewrap = spawnSync('bwrap', ['--ro-bind', '/', '/', 'true']).status === 0;
/** An ordinary user exists inside only where root runs the tests. */
const identities: readonly As[] = process.getuid?.() === 0 ? ['root', 'user'] : ['root'];

let rig: Rig;
afterEach(() => rig.stop());

const app = 'org.example.Signer';
const info = `[Application]\nname=${app}\nruntime=runtime/org.example.Platform/x86_64/1\n\n[Instance]\ninstance-id=1\nflatpak-version=1.14.10\n\n[Context]\nsockets=pcsc;\n`;
const socket = '/run/pcscd/pcscd.comm';

/** A program that connects SHARED and waits, in a sandbox whose runtime is the machine's /usr. */
async function runSandboxed(as: As, network: 'own' | 'shared'): Promise<number> {
  const path = `${rigFolder}/flatpak-info`;
  await writeFile(rig.namespace.path(path), info);
  const links = ['bin', 'sbin', 'lib', 'lib64'].flatMap((name) => ['--symlink', `usr/${name}`, `/${name}`]);
  const sandbox = ['--ro-bind', '/usr', '/usr', ...links, '--ro-bind-data', '3', '/.flatpak-info', '--proc', '/proc', '--dev', '/dev', '--ro-bind', socket, socket];
  const walls = ['--unshare-user-try', '--unshare-pid', '--unshare-ipc', ...(network === 'own' ? ['--unshare-net'] : []), '--die-with-parent'];
  await rig.spawn('sh', ['-c', `exec bwrap "$@" 3<${path}`, 'sh', ...sandbox, ...walls, '--setenv', 'PCSCLITE_CSOCK_NAME', socket, '--', 'scriptor'], { as, cwd: '/', stdio: ['pipe', 'ignore', 'ignore'] });
  await until('it holds the reader', async () => (await rig.pcscd.readers()).some(({ sharing }) => sharing === 1));
  return Number((await rig.run('pgrep', ['--exact', 'scriptor'])).stdout);
}

async function ask(as: As): Promise<ReaderReport['holders']> {
  const { stdout } = await rig.run(rig.node, [`${rig.app}/bin/cardcheck.js`, 'holders', '--json'], { as, cwd: '/', timeoutMs: 20_000 });
  return (JSON.parse(stdout).readers as ReaderReport[])[0]?.holders ?? [];
}

describe.runIf(hasBubblewrap).each(identities)('a flatpak of %s', (as) => {
  test.each(['own', 'shared'] as const)('is proven and named to root; %s network', async (network) => {
    rig = await startRig();
    const pid = await runSandboxed(as, network);
    expect(await ask('root')).toMatchObject([{ pid, command: `scriptor (flatpak ${app})`, access: 'shared', certainty: 'proven' }]);
  });

  test.runIf(as === 'user').each(['own', 'shared'] as const)('is named to its user; %s network', async (network) => {
    rig = await startRig();
    const pid = await runSandboxed(as, network);
    expect(await ask('user')).toMatchObject([{ pid, command: `scriptor (flatpak ${app})`, access: 'shared', certainty: 'likely' }]);
  });
});
