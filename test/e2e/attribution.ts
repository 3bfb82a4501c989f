/**
 * `npm run attribution [ROUNDS]`: ten programs at once on the pcscd of each Debian generation, and who holds what is
 * asked as root and as a user; exits 1 when root did not get all of it right, or anything wrong was called proven.
 * The pcscds that are not installed are fetched with apt into the user's cache (test/support/pcscd-generations.ts).
 */
import { attributionRounds } from '../support/attribution.ts';
import { generations } from '../support/pcscd-generations.ts';

const rounds = Number(process.argv[2] ?? 100);
if (!Number.isInteger(rounds) || rounds < 1) {
  process.stderr.write('usage: npm run attribution [ROUNDS]\n');
  process.exit(64);
}
let broken = 0;
for (const generation of generations) {
  const tally = await attributionRounds(generation, rounds, (done) => {
    if (done % 10 === 0) process.stderr.write(`${generation}: ${done} of ${rounds}\n`);
  });
  const { held, proven, provenForUser, namedForUser, wrong } = tally;
  process.stdout.write(`${generation.padEnd(10)} ${rounds} rounds: root proved ${proven} of ${held}; a user proved ${provenForUser} and named ${namedForUser}; wrong: ${wrong.length}\n`);
  for (const sentence of wrong.slice(0, 10)) process.stdout.write(`  WRONG: ${sentence}\n`);
  broken += wrong.length;
}
process.exit(broken === 0 ? 0 : 1);
