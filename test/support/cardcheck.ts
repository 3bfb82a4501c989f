import type { As } from '../../src/rig/namespace.ts';
import type { Rig } from '../../src/rig/rig.ts';
import type { Report } from '../../src/report/schema.ts';

/** A hang guard only: no run may take this long. */
const hangMs = 20_000;

/** One run of the built program inside a rig. */
export interface CardcheckRun {
  /** What `--json` printed, or null when that was no JSON. */
  report: Report | null;
  exitCode: number | null;
  /** The beginning of both outputs, for a message. */
  words: string;
}

export interface CardcheckOptions {
  as?: As;
  args?: readonly string[];
  env?: NodeJS.ProcessEnv;
  /** A command that runs the one that follows it. */
  through?: readonly string[];
}

/** Runs `cardcheck --json` inside, as root or as an ordinary user. */
export async function runCardcheck(rig: Rig, options: CardcheckOptions = {}): Promise<CardcheckRun> {
  const [program = rig.node, ...args] = [...(options.through ?? []), rig.node, `${rig.app}/bin/cardcheck.js`, '--json', ...(options.args ?? [])];
  const { exitCode, signal, stdout, stderr } = await rig.run(program, args, {
    as: options.as ?? 'root',
    cwd: '/',
    env: options.env ?? {},
    timeoutMs: hangMs,
  });
  const words = `exit ${exitCode ?? signal}: ${stderr.slice(0, 500)} ${stdout.slice(0, 500)}`;
  try {
    return { report: JSON.parse(stdout) as Report, exitCode, words };
  } catch {
    return { report: null, exitCode, words };
  }
}
