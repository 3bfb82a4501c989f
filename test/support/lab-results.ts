/** What the lab's machines left behind (test/lab): for each run of cardcheck a snapshot and the logs of that moment. */
import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export const labFolder = (suite: string): string => join(homedir(), '.cache/cardcheck/lab', `out-${suite}`);

export interface LabRun {
  suite: string;
  /** SCENARIO-N */
  name: string;
  snapshot: string;
  log: string;
}

/** Runs that left both; none where the lab was never used. */
export function labRuns(): LabRun[] {
  const lab = join(homedir(), '.cache/cardcheck/lab');
  const suites = existsSync(lab) ? readdirSync(lab).flatMap((name) => /^out-(.+)$/.exec(name)?.[1] ?? []) : [];
  return suites.flatMap((suite) =>
    readdirSync(labFolder(suite))
      .flatMap((file) => /^(.+-\d+)\.log$/.exec(file)?.[1] ?? [])
      .map((name) => ({ suite, name, snapshot: join(labFolder(suite), `${name}.json`), log: join(labFolder(suite), `${name}.log`) }))
      .filter(({ snapshot }) => existsSync(snapshot)),
  );
}
