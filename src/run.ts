import { hostname } from 'node:os';
import { checks } from '../checks/index.ts';
import { codes } from '../checks/codes.ts';
import type { AnyCheck } from './check.ts';
import { collect } from './collect/index.ts';
import type { CollectOptions } from './collect/collector.ts';
import type { OnProgress } from './collect/progress.ts';
import type { Session } from './commands/command.ts';
import { deriveHoldings } from './derive/holdings.ts';
import { type ExitCode, exitCodeOf } from './exit-code.ts';
import { matchesGlob } from './glob.ts';
import { judge } from './judge.ts';
import type { Options, Suppression } from './options.ts';
import { startAddon } from './pcsc/addon.ts';
import { chooseReaders } from './reader-choice.ts';
import { buildReport } from './report/build.ts';
import { rendererFor } from './report/renderer.ts';
import type { Finding, Report } from './report/schema.ts';
import { valueOf, watchNotAsked } from './snapshot/fact.ts';
import { redact } from './snapshot/redact.ts';
import { visible } from './snapshot/sanitize.ts';
import { saveSnapshot } from './snapshot/save.ts';
import type { Snapshot } from './snapshot/schema.ts';
import { realSystem } from './system/real.ts';

/** What is left out of a report, and how. */
export interface Selection {
  checks?: readonly AnyCheck[];
  suppress?: readonly Suppression[];
  /** Glob over the names of readers; null: those the snapshot was taken for. */
  reader?: string | null;
}

/** From a snapshot, taken a moment ago or loaded from a file, to the report: pure, the same bytes everywhere. */
export function examine(snapshot: Snapshot, { checks: selected = checks, suppress = [], reader = null }: Selection = {}): Report {
  const { facts: watched, lookedAt } = watchNotAsked(snapshot.facts);
  const holdings = deriveHoldings(watched);
  const choice = chooseReaders(valueOf(holdings) ?? [], reader ?? snapshot.options.reader);
  const judgement = judge(selected, { ...snapshot.facts, holdings }, { concerns: choice.concerns, holdingsLack: lookedAt() });
  const facts = { ...snapshot.facts, holdings: holdings.status === 'ok' ? { ...holdings, value: choice.readers } : holdings };
  const findings = judgement.findings.filter((finding) => !suppress.some((suppression) => isSuppressed(finding, suppression)));
  return { ...buildReport(snapshot, facts, { ...judgement, findings }), suppressed: judgement.findings.length - findings.length };
}

/** The main job: load or collect, save, judge, render. */
export async function run(options: Options, session: Session): Promise<ExitCode> {
  for (const { check } of options.suppress) if (!isKnown(check)) session.warn(`--suppress names ${check}, which is no code; it suppresses nothing`);
  const renderer = await rendererFor(options, session);
  const taken = await obtain(options, session, renderer.progress);
  const snapshot = options.redact === true ? redacted(taken, options) : taken;
  if (options.save !== null) await saveSnapshot(options.save, options.redact === false ? snapshot : redacted(snapshot, options));
  const report = examine(snapshot, { checks: selectChecks(options), suppress: options.suppress, reader: options.collect.reader });
  const { reader } = options.collect;
  if (reader !== null && report.readers.length === 0) session.warn(`no reader is called ${visible(reader)}`);
  await renderer.show(report);
  return exitCodeOf(report, options);
}

/** The checks that --only and --skip leave. */
export function selectChecks({ only, skip }: Pick<Options, 'only' | 'skip'>): AnyCheck[] {
  return checks.filter(({ code }) => (only === null || only.includes(code)) && !skip.includes(code));
}

function isSuppressed({ code, id, subject }: Finding, { check, subject: glob }: Suppression): boolean {
  return (check.toUpperCase() === code || check.toLowerCase() === id) && matchesGlob(glob, subject.name);
}

function isKnown(check: string): boolean {
  return Object.entries(codes).some(([code, { id }]) => code === check.toUpperCase() || id === check.toLowerCase());
}

/** Where a snapshot comes from: a file, or this machine. */
export type Origin = Pick<Options, 'from' | 'collect'>;

/** @throws Failure 65 or 66 where the file is no snapshot or cannot be read */
export function obtain({ from, collect: collectOptions }: Origin, session: Session, progress: OnProgress): Promise<Snapshot> {
  return from === null ? take(collectOptions, session, progress) : load(from);
}

/** This machine's name is replaced in this machine's snapshots only: in those of others it is a word like any other. */
export function redacted(snapshot: Snapshot, { from }: Pick<Origin, 'from'>): Snapshot {
  return redact(snapshot, { hostname: from === null ? hostname() : null });
}

function take(collectOptions: CollectOptions, session: Session, progress: OnProgress): Promise<Snapshot> {
  const addon = collectOptions.passive ? null : (session.addon ?? startAddon());
  return collect(realSystem(session.ahead), collectOptions, { addon }, progress);
}

/** The schema, and with it zod, is loaded only for what comes from outside. */
export async function load(file: string): Promise<Snapshot> {
  const { loadSnapshot } = await import('./snapshot/load.ts');
  return loadSnapshot(file);
}
