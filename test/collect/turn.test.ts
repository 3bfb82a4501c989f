import { expect, it } from 'vitest';
import { inTurn } from '../../src/collect/turn.ts';

const LONG = 60_000;
/** Work that ends when told. */
function work(): { begun: Promise<void>; end: () => void; run: () => Promise<string> } {
  let begin = () => {};
  let end = () => {};
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const ended = new Promise<void>((resolve) => (end = resolve));
  return { begun, end, run: () => (begin(), ended.then(() => 'done')) };
}
const isPending = (promise: Promise<void>) => Promise.race([promise.then(() => false), new Promise((resolve) => setTimeout(resolve, 50, true))]);

it('one works after the other, also when the first fails', async () => {
  const [one, other] = [work(), work()];
  const first = inTurn(LONG, () => one.run().then(() => Promise.reject(new Error('it failed'))));
  await one.begun;
  const second = inTurn(LONG, other.run);
  expect(await isPending(other.begun)).toBe(true);
  one.end();
  await expect(first).rejects.toThrow('it failed');
  await other.begun;
  other.end();
  expect(await second).toBe('done');
});

it('who has waited long enough begins all the same', async () => {
  const [one, other] = [work(), work()];
  const first = inTurn(LONG, one.run);
  await one.begun;
  const second = inTurn(0, other.run);
  await other.begun;
  for (const { end } of [one, other]) end();
  expect(await Promise.all([first, second])).toEqual(['done', 'done']);
});
