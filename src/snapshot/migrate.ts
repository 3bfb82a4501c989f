/** What lets snapshots travel in time: a file of another cardcheck is brought to this one's schema, or refused with the reason. */
import { tool } from '../tool.ts';
import { absent, notAsked } from './fact.ts';
import { factSchemas } from './schema.ts';

/**
 * Every schema version a released cardcheck ever wrote, the last is what this one writes. Fields are added within a
 * version (with a default in the schema); a new number comes with a step here that makes its predecessor into it.
 */
export const schemaVersions: readonly number[] = [1];

type Table = { [key: string]: unknown };
const isTable = (value: unknown): value is Table => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Why a parsed file cannot be read by this cardcheck, for whatever its other contents are; null: its version is known. */
export function unknownVersion(json: unknown): string | null {
  if (!isTable(json) || !('schemaVersion' in json)) return null;
  const { schemaVersion: version } = json;
  if (typeof version !== 'number' || schemaVersions.includes(version)) return null;
  const last = schemaVersions.at(-1) as number;
  const ours = `this cardcheck (${tool.version}) reads ${schemaVersions.length === 1 ? 'version' : 'versions'} ${schemaVersions.join(', ')}`;
  return version > last
    ? `it has schema version ${version} and ${ours}; a newer cardcheck wrote it${writer(json)}: read it with that one, or update this one`
    : `it has schema version ${version}, which no released cardcheck wrote, and ${ours}; take it again with cardcheck --save`;
}

function writer({ tool: by }: Table): string {
  return isTable(by) && typeof by.version === 'string' ? ` (${by.version})` : '';
}

/**
 * The same with every question of today: one that the cardcheck which took the snapshot did not ask yet has that as
 * its reason for having no answer.
 */
export function withTodaysFacts(json: unknown): unknown {
  if (!isTable(json) || !isTable(json.facts)) return json;
  const why = notAsked(writer(json));
  const missing = Object.keys(factSchemas).filter((name) => !(name in (json.facts as Table)));
  // What only a Mac has was not missed on Linux.
  const reason = (name: string) => (name.startsWith('macos') && isOfLinux(json.facts as Table) ? absent('this is not macOS') : why);
  return { ...json, facts: { ...json.facts, ...Object.fromEntries(missing.map((name) => [name, reason(name)])) } };
}

const isOfLinux = ({ host }: Table): boolean => isTable(host) && isTable(host.value) && host.value.platform === 'linux';
