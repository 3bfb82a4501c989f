import type { ExitCode } from '../exit-code.ts';
import { tool } from '../tool.ts';
import type { FailureReport, Report } from './schema.ts';

/** The report as one JSON document; keys in the order of the schema, because that is how the report is built. */
export function renderJson(report: Report): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}

/** What stdout carries in JSON mode when there is no report: the same envelope, with the reason. */
export function renderJsonFailure(exitCode: ExitCode, message: string): string {
  const failure: FailureReport = { schemaVersion: 1, tool, error: { exitCode, message } };
  return `${JSON.stringify(failure, null, 2)}\n`;
}
