/** `npm run soak [RUNS]`: many full runs beside a program that works with the card all the time; exits 1 when any of them disturbed it. */
import { soak, violations } from '../support/soak.ts';

const runs = Number(process.argv[2] ?? 500);
if (!Number.isInteger(runs) || runs < 1) {
  process.stderr.write('usage: npm run soak [RUNS]\n');
  process.exit(64);
}
const result = await soak(runs, (done) => {
  if (done % 50 === 0) process.stderr.write(`${done} of ${runs}\n`);
});
const rows: readonly (readonly [string, string | number])[] = [
  ['full runs of cardcheck', result.runs],
  ['resets of the card', result.resets],
  ['power-ups and power-downs', result.powerCycles],
  ["APDUs that were not the holder's", result.foreignApdus],
  ['PIN still verified', result.pinVerified ? 'yes' : 'no'],
  ['operations of the holder', result.operations],
  ['of them failed', result.failures.length],
  ["pcscd's threads before and after", `${result.threads.before}, ${result.threads.after}`],
  ["pcscd's open files before and after", `${result.fds.before}, ${result.fds.after}`],
];
for (const [name, value] of rows) process.stdout.write(`${name.padEnd(38)}${value}\n`);
const broken = violations(result);
for (const sentence of broken) process.stdout.write(`VIOLATED: ${sentence}\n`);
process.exit(broken.length === 0 ? 0 : 1);
