import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Rig, startRig } from '../../src/rig/rig.ts';

describe('a run that is ended while it waits for a transaction', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await startRig();
    await rig.hold(rig.readers[0] ?? '', 'transaction');
  });
  afterAll(() => rig.stop());

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s: %i, one JSON document, nothing left running', async (signal, exitCode) => {
    const inmate = await rig.spawn(rig.node, [`${rig.app}/bin/cardcheck.js`, '--json', '--timeout', '20'], { cwd: '/' });
    let stdout = '';
    inmate.child.stdout?.on('data', (text) => (stdout += String(text)));
    // Long enough to be inside the probe, which would wait for 20 s; earlier it must end no differently.
    await sleep(1000);
    inmate.kill(signal);
    expect((await inmate.exited).exitCode).toBe(exitCode);
    expect(JSON.parse(stdout)).toMatchObject({ error: { exitCode, message: 'interrupted' } });
    const { stdout: left } = await rig.run('ps', ['-eo', 'args']);
    expect(left).not.toMatch(/cardcheck\.js|addon-child/);
  });
});
