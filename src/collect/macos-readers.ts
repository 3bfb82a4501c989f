import { absent, ok, skipped } from '../snapshot/fact.ts';
import type { Fact, FactValue } from '../snapshot/schema.ts';
import type { System } from '../system/port.ts';
import { attempt, defineCollector } from './collector.ts';

type MacosReaders = FactValue<'macosReaders'>;

const DATA_TYPE = 'SPSmartCardsDataType';
const LIMIT = 256 * 1024;
/** Of a step's deadline, so that its own end is reported and not that of the step. */
const SHARE = 0.6;
const MAX_ROWS = 64;

/**
 * The report of system_profiler(8): headings that end with a colon, under them numbered rows. A reader's row ends with
 * what is in it, a driver's with its folder; a driver that is installed and not loaded is called (null):(null).
 */
export function parseProfiler(stdout: string): MacosReaders | null {
  if (!/^SmartCards:/m.test(stdout)) return null;
  const found: MacosReaders = { readers: [], drivers: [], tokens: [] };
  let heading = '';
  for (const line of stdout.split('\n')) {
    const row = /^\s*#\d+: (.*\S)\s*$/.exec(line)?.[1];
    if (row === undefined) heading = /^ {4}(\S.*):\s*$/.exec(line)?.[1] ?? heading;
    if (row !== undefined && heading === 'Readers') found.readers.push(...readerRow(row));
    if (row !== undefined && heading === 'Reader Drivers') found.drivers.push(...driverRow(row));
    const token = /^ {6,}(\S+):\s*$/.exec(line)?.[1];
    if (token !== undefined && heading === 'Available SmartCards (token)') found.tokens.push(token);
  }
  return { readers: found.readers.slice(0, MAX_ROWS), drivers: found.drivers.slice(0, MAX_ROWS), tokens: found.tokens.slice(0, MAX_ROWS) };
}

function readerRow(row: string): MacosReaders['readers'] {
  const [, name, content] = /^(.*\S) \((ATR:<[^>]*>|[^()]*)\)$/.exec(row) ?? [];
  const atr = /^ATR:<([0-9a-f ]+)>$/i.exec(content ?? '')?.[1];
  return [{ name: name ?? row, atr: atr === undefined ? null : atr.replaceAll(' ', '').toUpperCase() }];
}

function driverRow(row: string): MacosReaders['drivers'] {
  const [, id, version, path] = /^(.*):(\S+) \((\/.*)\)$/.exec(row) ?? [];
  const known = (text: string | undefined) => (text === undefined || text === '(null)' ? null : text);
  return path === undefined ? [] : [{ id: known(id), version: known(version), path }];
}

async function read(system: System, timeoutMs: number): Promise<Fact<MacosReaders>> {
  const { stdout } = await system.run('system_profiler', [DATA_TYPE], { timeoutMs, limit: LIMIT });
  const found = parseProfiler(stdout);
  return found === null ? absent(`system_profiler has no report ${DATA_TYPE}`) : ok(found, `system_profiler ${DATA_TYPE}`);
}

/** Readers and drivers as macOS reports them. It asks the token extensions for what is on their cards, so it is no passive look. */
export const macosReaders = defineCollector({
  name: 'macOS readers',
  facts: ['macosReaders'],
  collect: async (system, { passive, timeoutMs }) => {
    if (system.platform !== 'darwin') return { macosReaders: absent('this is not macOS') };
    if (passive) return { macosReaders: skipped('--passive: system_profiler makes token extensions open their cards') };
    return { macosReaders: await attempt(() => read(system, Math.round(timeoutMs * SHARE))) };
  },
});
