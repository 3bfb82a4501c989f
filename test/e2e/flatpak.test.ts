/** Clients in flatpak's sandbox, with `--socket=pcsc`. */
import { spawnSync } from 'node:child_process';
import { afterEach, describe, expect, test } from 'vitest';
import type { ReaderReport } from '../../src/report/schema.ts';
import type { As } from '../../src/rig/namespace.ts';
import { type Rig, startRig } from '../../src/rig/rig.ts';
import { until } from '../../src/rig/until.ts';
import { flatpak, flatpakApp } from '../support/flatpak-sandbox.ts';

const hasBubblewrap = spawnSync('bwrap', ['--ro-bind', '/', '/', 'true']).status === 0;
/** An ordinary user exists inside only where root runs the tests. */
const identities: readonly As[] = process.getuid?.() === 0 ? ['root', 'user'] : ['root'];

let rig: Rig;
afterEach(() => rig.stop());

/** A program that connects SHARED and waits, in a sandbox whose runtime is the machine's /usr. */
async function runSandboxed(as: As, network: 'own' | 'shared'): Promise<number> {
  const [program, ...args] = await flatpak(rig, { network: network === 'shared' });
  await rig.spawn(program, [...args, 'scriptor'], { as, cwd: '/', stdio: ['pipe', 'ignore', 'ignore'] });
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
    expect(await ask('root')).toMatchObject([{ pid, command: `scriptor (flatpak ${flatpakApp})`, access: 'shared', certainty: 'proven' }]);
  });

  test.runIf(as === 'user').each(['own', 'shared'] as const)('is named to its user; %s network', async (network) => {
    rig = await startRig();
    const pid = await runSandboxed(as, network);
    expect(await ask('user')).toMatchObject([{ pid, command: `scriptor (flatpak ${flatpakApp})`, access: 'shared', certainty: 'likely' }]);
  });
});
