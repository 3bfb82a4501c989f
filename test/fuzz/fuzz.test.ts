import fc from 'fast-check';
import { afterAll, describe, it } from 'vitest';
import { allProperties, cleanUp } from './index.ts';

const RUNS = 300;
/** Of those that start programs, take whole snapshots or wait for deadlines. */
const FEWER: Readonly<Record<string, number>> = { commandLine: 25, examined: 60, redacts: 60, hostileServer: 100 };

afterAll(cleanUp);

describe('whatever is fed to it', () => {
  it.each(Object.entries(allProperties))('%s', async (name, property) => {
    await fc.assert(property, { numRuns: FEWER[name] ?? RUNS });
  });
});
