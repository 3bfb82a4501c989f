import fc from 'fast-check';
import { describe, it } from 'vitest';
import { properties } from '../fuzz/explain.ts';

describe('explain', () => {
  it.each(Object.entries(properties))('%s', async (_, property) => {
    await fc.assert(property as fc.IProperty<unknown>, { numRuns: 300 });
  });
});
