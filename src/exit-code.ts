import type { Report, Severity } from './report/schema.ts';

/** Exit codes, the same for every format. From 64 on they are those of BSD's sysexits.h. */
export const exitCodes = {
  /** Nothing at or above `--fail-on`, and every check answered. */
  ok: 0,
  /** A finding at or above `--fail-on`. */
  findings: 1,
  /** No such finding, but a check could not answer: a script must not read silence as health. */
  unknown: 2,
  usage: 64,
  /** `--from`: not a valid snapshot. */
  badData: 65,
  /** `--from`: not readable. */
  noInput: 66,
  /** `demo`: this machine lacks a part or forbids what it needs. */
  unavailable: 69,
  /** A bug in cardcheck. */
  software: 70,
  /** `-o` or `--save`: cannot be written. */
  cannotCreate: 73,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export type FailOn = Severity | 'never';

/** What still counts as a failure under each threshold. */
const failing: Record<FailOn, readonly Severity[]> = {
  never: [],
  error: ['error'],
  warning: ['error', 'warning'],
  info: ['error', 'warning', 'info'],
};

/** The exit code of a report: findings weigh more than silence. */
export function exitCodeOf(report: Pick<Report, 'findings' | 'checks'>, options: { failOn: FailOn; allowUnknown: boolean }): ExitCode {
  if (report.findings.some((finding) => failing[options.failOn].includes(finding.severity))) return exitCodes.findings;
  const unanswered = report.checks.some((check) => check.outcome === 'unknown' || check.outcome === 'crashed');
  return unanswered && !options.allowUnknown ? exitCodes.unknown : exitCodes.ok;
}

/** The end of a run that has an exit code and one sentence for the user; anything else that is thrown is a bug in cardcheck. */
export class Failure extends Error {
  /** By name: parts that are bundled apart carry a copy of this class. */
  static override [Symbol.hasInstance](error: unknown): boolean {
    return error instanceof Error && error.name === 'Failure';
  }

  readonly exitCode: ExitCode;
  constructor(exitCode: ExitCode, message: string) {
    super(message);
    this.name = 'Failure';
    this.exitCode = exitCode;
  }
}
