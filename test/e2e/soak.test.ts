import { expect, it } from 'vitest';
import { soak, violations } from '../support/soak.ts';

it('ten full runs beside a working program leave card, PIN and pcscd as they were', { timeout: 120_000 }, async () => {
  expect(violations(await soak(10))).toEqual([]);
});
