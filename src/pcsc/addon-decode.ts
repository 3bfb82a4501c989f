/** The child shares its process with a foreign library, so what comes from it is looked at before it is believed. */
import type { AddonAnswer, AddonLoaded, AddonMessage, AddonNotLoaded, LibraryState, LoadFailure, LoadFailureKind } from './addon-messages.ts';

type Test = (value: unknown) => boolean;
type Form<T> = { [K in keyof Required<T>]: Test };

const text: Test = (value) => typeof value === 'string';
const number: Test = (value) => typeof value === 'number';
const integer: Test = Number.isSafeInteger;
const only = (wanted: unknown): Test => (value) => value === wanted;
const orNull = (test: Test): Test => (value) => value === null || test(value);
const optional = (test: Test): Test => (value) => value === undefined || test(value);
const listOf = (test: Test): Test => (value) => Array.isArray(value) && value.every(test);
const formed = <T>(form: Form<T>): Test => (value) =>
  typeof value === 'object' && value !== null && Object.entries(form).every(([name, test]) => (test as Test)((value as Record<string, unknown>)[name]));

const kinds: readonly LoadFailureKind[] = ['not-installed', 'not-built', 'wrong-abi', 'library-missing', 'failed'];

const messages: readonly Test[] = [
  formed<AddonLoaded>({ loaded: only(true), version: text, path: orNull(text), library: optional(text) }),
  formed<AddonNotLoaded>({ loaded: only(false), failure: formed<LoadFailure>({ kind: (value) => kinds.includes(value as LoadFailureKind), text }) }),
  formed<AddonAnswer>({
    id: integer, rv: orNull(integer), call: orNull(text), text: orNull(text), ms: optional(number), names: optional(listOf(text)), library: optional(text),
    states: optional(listOf(formed<LibraryState>({ name: text, state: orNull(integer), atr: orNull(text) }))),
  }),
];

/** @returns null for what is no message of the child's */
export function decodeMessage(line: string): AddonMessage | null {
  try {
    const value: unknown = JSON.parse(line);
    return messages.some((fits) => fits(value)) ? (value as AddonMessage) : null;
  } catch {
    return null;
  }
}
