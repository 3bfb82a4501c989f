import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BuiltCardcheck, buildCardcheck } from '../support/built.ts';

let cardcheck: BuiltCardcheck;
beforeAll(async () => {
  cardcheck = await buildCardcheck();
});
afterAll(() => cardcheck.remove());

describe('wrong words of a command line', () => {
  test.each([['--\x1b]0;owned\x07'], ['--width', '\x1b[2J'], ['\x1b[2J'], ['--only', '\x1b[2J']])('are repeated without what a terminal obeys: %j %j', async (...argv) => {
    const { exitCode, stderr } = await cardcheck.run(argv);
    expect(exitCode).toBe(64);
    expect(stderr).toContain('␛');
    expect(stderr).not.toMatch(/[\x00-\x09\x0b-\x1f]/);
  });

  test.each([['explain', 'CC101', '--width', 'wide'], ['diff', 'a', 'b', '--width', '-5'], ['--width', '0']])('are refused where no width is one: %s %s', async (...argv) => {
    expect(await cardcheck.run(argv)).toMatchObject({ exitCode: 64, stderr: expect.stringContaining('number of columns') });
  });
});
