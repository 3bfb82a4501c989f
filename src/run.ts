import { hostname } from 'node:os';
import { checks } from '../checks/index.ts';
import { codes } from '../checks/codes.ts';
import type { AnyCheck } from './check.ts';
import { collect } from './collect/index.ts';
import type { OnProgress } from './collect/progress.ts';
import type { Session } from './commands/command.ts';
import { deriveHoldings } from './derive/holdings.ts';
import { type ExitCode, exitCodeOf } from './exit-code.ts';
import { matchesGlob } from './glob.ts';
import { judge } from './judge.ts';
import type { Options, Suppression } from './options.ts';
import { startAddon } from './pcsc/addon.ts';
import { buildReport } from './report/build.ts';
import { rendererFor } from './report/renderer.ts';
import type { Finding, Report } from './report/schema.ts';
import type { Snapshot } from './snapshot/schema.ts';
import { realSystem } from './system/real.ts';

/** From a snapshot, taken a moment ago or loaded from a file, to the report: pure, the same bytes everywhere. */
export function examine(snapshot: Snapshot, selected: readonly AnyCheck[] = checks, suppress: readonly Suppression[] = []): Report {
  const facts = { ...snapshot.facts, holdings: deriveHoldings(snapshot.facts) };
  const judgement = judge(selected, facts);
  const findings = judgement.findings.filter((finding) => !suppress.some((suppression) => isSuppressed(finding, suppression)));
  return { ...buildReport(snapshot, facts, { ...judgement, findings }), suppressed: judgement.findings.length - findings.length };
}

/** The main job: load or collect, save, judge, render. */
export async function run(options: Options, session: Session): Promise<ExitCode> {
  for (const { check } of options.suppress) if (!isKnown(check)) session.warn(`--suppress names ${check}, which is no code; it suppresses nothing`);
  const renderer = await rendererFor(options, session);
  const taken = options.from === null ? await take(options, session, renderer.progress) : await load(options.from);
  const snapshot = options.redact === true ? await redacted(taken) : taken;
  if (options.save !== null) await save(options.save, options.redact === false ? snapshot : await redacted(snapshot));
  const report = examine(snapshot, selectChecks(options), options.suppress);
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

function take({ collect: collectOptions }: Options, session: Session, progress: OnProgress): Promise<Snapshot> {
  const addon = collectOptions.passive ? null : (session.addon ?? startAddon());
  return collect(realSystem(), collectOptions, { addon }, progress);
}

async function load(file: string): Promise<Snapshot> {
  const { loadSnapshot } = await import('./snapshot/load.ts');
  return loadSnapshot(file);
}

async function save(file: string, snapshot: Snapshot): Promise<void> {
  const { saveSnapshot } = await import('./snapshot/save.ts');
  return saveSnapshot(file, snapshot);
}

async function redacted(snapshot: Snapshot): Promise<Snapshot> {
  const { redact } = await import('./snapshot/redact.ts');
  return redact(snapshot, { hostname: hostname() });
}
