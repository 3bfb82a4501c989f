/** Snapshots of one situation each: fixtures/snapshots/base.json, a sound machine, with what is different there. */
import { readdirSync, readFileSync } from 'node:fs';
import { type JudgedFacts } from '../../src/check.ts';
import { deriveHoldings } from '../../src/derive/holdings.ts';
import { type Snapshot, snapshotSchema } from '../../src/snapshot/schema.ts';

const folder = new URL('../../fixtures/snapshots/', import.meta.url);
const read = (name: string) => JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8'));

/** Where a situation comes from: recorded of real programs in the rig or the lab, or constructed. */
export const originOf = (name: string): string => (name === 'base' ? 'constructed' : read(name).origin);

/** Every situation there is, `base` included. */
export const situations: readonly string[] = readdirSync(folder)
  .map((file) => file.replace(/\.json$/, ''))
  .sort();

/** The snapshot of a situation, checked against the schema. */
export function situation(name: string): Snapshot {
  const base = read('base');
  if (name === 'base') return snapshotSchema.parse(base);
  const { facts } = read(name) as { situation: string; origin: string; facts: Record<string, Json> };
  const patched = Object.entries(facts).map(([fact, difference]) => [fact, patch(base.facts[fact], difference)]);
  return snapshotSchema.parse({ ...base, facts: { ...base.facts, ...Object.fromEntries(patched) } });
}

export const factsOf = ({ facts }: Snapshot): JudgedFacts => ({ ...facts, holdings: deriveHoldings(facts) });

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A fact that names a status is given in full; of any other, and of objects in it, only what differs. Lists are given in full. */
function patch(base: Json, difference: Json): Json {
  if (!isObject(base) || !isObject(difference) || 'status' in difference) return difference;
  const merged = { ...base };
  for (const [key, value] of Object.entries(difference)) merged[key] = patch(base[key] ?? null, value);
  return merged;
}

const isObject = (value: Json): value is { [key: string]: Json } => typeof value === 'object' && value !== null && !Array.isArray(value);
