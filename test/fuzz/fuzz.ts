/** npm run fuzz [-- MINUTES]: every property for an equal share of the time (default 30 minutes in all); exits 1 with the smallest counterexample. */
import fc from 'fast-check';
import * as explain from './explain.ts';

const [minutes = '30'] = process.argv.slice(2);
const all = Object.entries(explain.properties);
const shareMs = (Number(minutes) * 60_000) / all.length;
for (const [name, property] of all) {
  const result = await fc.check(property as fc.IProperty<unknown>, { numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit: shareMs, markInterruptAsFailure: false });
  process.stdout.write(`${name}: ${result.numRuns} runs${result.failed ? ', FAILED' : ''}\n`);
  if (!result.failed) continue;
  process.stdout.write(`${fc.defaultReportMessage(result)}\n`);
  process.exitCode = 1;
}
