/** `cardcheck holders`: the readers of a report, as a table for eyes or as JSON. */
import { reasonOf } from '../snapshot/fact.ts';
import type { Fact, Facts } from '../snapshot/schema.ts';
import { tool } from '../tool.ts';
import { cells } from './layout.ts';
import type { Holder, ReaderReport } from './schema.ts';

export type Verdict = 'held' | 'free' | 'unknown';

/** What is said of the readers, and what could not be seen. */
export interface HoldersReport {
  readers: ReaderReport[];
  unseen: { what: string; need: string }[];
  /** Why there is nothing to show; null: there is. */
  obstacle: string | null;
  verdict: Verdict;
}

export function holdersReport(holdings: Fact<ReaderReport[]>, facts: Pick<Facts, 'handles' | 'readers' | 'usbHolders'>, isWanted: (name: string) => boolean): HoldersReport {
  const readers = holdings.status === 'ok' ? holdings.value.filter(({ name }) => isWanted(name)) : [];
  const { handles } = facts;
  const hidden = handles.status === 'denied' && readers.some(({ sharing }) => sharing.mode !== 'free');
  return {
    readers,
    unseen: hidden ? [{ what: 'which process owns each open handle', need: handles.need }] : [],
    obstacle: obstacleTo(holdings, readers, facts),
    verdict: verdictOn(readers, facts),
  };
}

/** Devices on the bus may be told of without pcscd; with nothing to tell, the reason is. */
function obstacleTo(holdings: Fact<ReaderReport[]>, readers: readonly ReaderReport[], { readers: table }: Pick<Facts, 'readers'>): string | null {
  if (holdings.status !== 'ok') return reasonOf(holdings);
  return readers.length === 0 && table.status !== 'ok' ? reasonOf(table) : null;
}

/** Where no pcscd runs, nobody holds a reader through PC/SC; over USB somebody still may, if there is a bus. */
function verdictOn(readers: readonly ReaderReport[], { readers: table, usbHolders }: Pick<Facts, 'readers' | 'usbHolders'>): Verdict {
  if (readers.some(({ sharing, holders }) => (sharing.mode !== 'free' && sharing.mode !== 'unknown') || holders.length > 0)) return 'held';
  const isTold = table.status === 'ok' ? readers.length > 0 || table.value.length === 0 : table.status === 'absent' && (usbHolders.status === 'ok' || usbHolders.status === 'absent');
  return isTold && readers.every(({ sharing }) => sharing.mode === 'free') ? 'free' : 'unknown';
}

export function renderHoldersJson({ readers, unseen }: HoldersReport): string {
  return `${JSON.stringify({ schemaVersion: 1, tool, readers, unseen }, null, 2)}\n`;
}

const columns = ['READER', 'MODE', 'PID', 'USER', 'COMMAND', 'SINCE', 'CERTAINTY'];

export function renderHoldersText({ readers, unseen, obstacle }: HoldersReport): string {
  if (obstacle !== null) return `${obstacle}\n`;
  const rows = readers.flatMap(readerRows);
  const hints = unseen.map(({ what, need }) => (need === 'root' ? `sudo cardcheck holders shows ${what}.\n` : `${need} would show ${what}.\n`));
  if (rows.length === 0) return 'no reader\n';
  return table([columns, ...rows]) + (hints.length === 0 ? '' : `\n${hints.join('')}`);
}

/** One row for each holder, and one for those who could not be seen. */
function readerRows(reader: ReaderReport): string[][] {
  const { name, holders, sharing, unattributed } = reader;
  if (sharing.mode === 'free' && holders.length === 0) return [[name, 'free', '-', '-', '-', '-', '-']];
  const rows = holders.map((holder) => [name, modeOf(holder, reader), String(holder.pid), holder.user ?? String(holder.uid), holder.command, since(holder), holder.certainty]);
  return unattributed === 0 && rows.length > 0 ? rows : [...rows, [name, sharing.mode, '?', '?', unseenWords(unattributed), '-', '-']];
}

const modeOf = ({ access }: Holder, { sharing }: ReaderReport): string => (access === 'unknown' ? sharing.mode : access);

const unseenWords = (count: number): string => (count === 0 ? 'could not be told' : `${count} not visible for you`);

/** Local time to the minute. */
function since({ since: iso }: Holder): string {
  if (iso === null) return '-';
  const at = new Date(iso);
  const two = (number: number) => String(number).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}`;
}

function table(rows: readonly string[][]): string {
  const widths = columns.map((_, column) => Math.max(...rows.map((row) => cells(row[column] ?? ''))));
  const line = (row: readonly string[]) => row.map((text, column) => text + ' '.repeat((widths[column] ?? 0) - cells(text))).join('  ').trimEnd();
  return rows.map((row) => `${line(row)}\n`).join('');
}
