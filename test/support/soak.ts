import { type Rig, startRig } from '../../src/rig/rig.ts';
import { until } from '../../src/rig/until.ts';
import type { Report } from '../../src/report/schema.ts';
import { runCardcheck } from './cardcheck.ts';

/** What many runs did to a card that another program was using, and to pcscd. */
export interface SoakResult {
  runs: number;
  resets: number;
  powerCycles: number;
  /** APDUs the card got that its holder had not sent. */
  foreignApdus: number;
  pinVerified: boolean;
  /** Operations of the holder while the runs went on, and the words of those that failed. */
  operations: number;
  failures: string[];
  threads: { before: number; after: number };
  fds: { before: number; after: number };
  /** Runs that did not end with a report about the held reader, in their own words. */
  badRuns: string[];
}

const workIntervalMs = 3;

/**
 * Runs cardcheck again and again beside a program that has a shared handle, a verified PIN and work to do.
 * @param runs how often
 * @param progress called after each run
 */
export async function soak(runs: number, progress: (done: number) => void = () => undefined): Promise<SoakResult> {
  const rig = await startRig();
  try {
    const [reader = ''] = rig.readers;
    const card = rig.card(0);
    const holder = await rig.hold(reader, 'shared');
    await holder.verifyPin();
    const before = { ...(await card.counts()), ...(await load(rig)) };
    await holder.startWork(workIntervalMs);
    const badRuns: string[] = [];
    for (let run = 0; run < runs; run += 1) {
      const complaint = await examineOnce(rig, reader);
      if (complaint !== null) badRuns.push(`run ${run + 1}: ${complaint}`);
      progress(run + 1);
    }
    await holder.stopWork();
    const done = await holder.report();
    // A connection ends in pcscd a moment after its client has gone.
    await until('pcscd has let go', async () => (await load(rig)).threads <= before.threads, 5000).catch(() => undefined);
    const after = { ...(await card.counts()), ...(await load(rig)) };
    return {
      runs,
      resets: after.reset - before.reset,
      powerCycles: after.powerOn - before.powerOn + after.powerOff - before.powerOff,
      foreignApdus: after.apdu - done.sent,
      pinVerified: after.verified,
      operations: done.operations,
      failures: done.failures,
      threads: { before: before.threads, after: after.threads },
      fds: { before: before.fds, after: after.fds },
      badRuns,
    };
  } finally {
    await rig.stop();
  }
}

/** Everything that must be zero, as sentences; an empty list is a pass. */
export function violations(result: SoakResult): string[] {
  const verdicts: readonly (readonly [boolean, string])[] = [
    [result.resets !== 0, `${result.resets} resets of the card`],
    [result.powerCycles !== 0, `${result.powerCycles} power-ups or power-downs of the card`],
    [result.foreignApdus !== 0, `${result.foreignApdus} APDUs that the holder had not sent`],
    [!result.pinVerified, 'the PIN is no longer verified'],
    [result.failures.length > 0, `${result.failures.length} operations of the holder failed: ${result.failures.slice(0, 3).join('; ')}`],
    [result.operations < result.runs, `the holder worked only ${result.operations} times`],
    [result.threads.after > result.threads.before, `pcscd has ${result.threads.after} threads, not ${result.threads.before}`],
    [result.fds.after > result.fds.before, `pcscd has ${result.fds.after} open files, not ${result.fds.before}`],
    [result.badRuns.length > 0, `${result.badRuns.length} runs without a report: ${result.badRuns.slice(0, 3).join('; ')}`],
  ];
  return verdicts.filter(([violated]) => violated).map(([, sentence]) => sentence);
}

/** Null when the report shows that the reader was looked at and connected to: a run that does nothing harms nothing and proves nothing. */
async function examineOnce(rig: Rig, name: string): Promise<string | null> {
  const { report, words } = await runCardcheck(rig);
  const reader = report?.readers.find((row: Report['readers'][number]) => row.name === name);
  if (reader === undefined) return `no report about the reader: ${words}`;
  const { shared, direct } = reader.probes;
  return shared?.outcome === 'ok' && direct?.outcome === 'ok' ? null : JSON.stringify({ direct, shared });
}

async function load(rig: Rig): Promise<{ threads: number; fds: number }> {
  return { threads: await rig.pcscd.threads(), fds: await rig.pcscd.fds() };
}
