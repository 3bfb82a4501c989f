import { spawnSync } from 'node:child_process';
import { findPart, requireParts } from '../rig/requirements.ts';
import { RigError } from '../rig/rig-error.ts';
import { type Rig, startRig } from '../rig/rig.ts';
import { defaultScdaemonConf } from './scdaemon-conf.ts';
import { type ScenarioName, type Scenario, scenarios } from './scenario.ts';

export interface DemoHost {
  /** Command line of the main job: program and arguments. It runs inside, on this terminal. */
  mainJob: readonly [string, ...string[]];
  /** One line for the user, beside the report. */
  say(line: string): void;
  /** Undoes what a signal must not leave behind. */
  onInterrupt(undo: () => Promise<void>): void;
}

/** Time the main job has, after Ctrl-C, to give the terminal back as it found it. */
const farewellMs = 1500;

/**
 * Makes a conflict with real processes on a virtual reader, in private namespaces, runs the main job on it, and clears all away.
 * @returns the exit status of the main job: null when a signal ended it
 * @throws RigError when it cannot be built here
 */
export async function demo(name: ScenarioName, host: DemoHost): Promise<number | null> {
  const scenario: Scenario = scenarios[name];
  await requireParts(['pcscd', 'vpcd', ...scenario.needs]);
  host.say(`${name}: ${scenario.description}`);
  host.say(`  starting a private ${await pcscdVersion()} with a virtual reader and card; your own pcscd and GnuPG are not touched`);
  const rig = await startRig();
  let mainJob: Promise<number | null> | null = null;
  let interrupted = false;
  host.onInterrupt(async () => {
    interrupted = true;
    await Promise.race([mainJob?.catch(() => null), new Promise((resolve) => setTimeout(resolve, farewellMs))]);
    await rig.stop();
  });
  try {
    const { lines, why } = await defaultScdaemonConf();
    if (why !== null) host.say(`  ${why}`);
    await scenario.make({
      rig,
      reader: rig.readers[0] ?? '',
      gnupg: await rig.gnupg({ scdaemonConf: lines }),
      scdaemonConf: lines,
      tell: (line) => host.say(`  ${line}`),
      quote: (words) => words.split('\n').forEach((line) => host.say(`    ${line}`)),
    });
    host.say('  now cardcheck, in there:\n');
    mainJob = runMainJob(rig, host.mainJob);
    return await mainJob;
  } catch (error) {
    // What was under way when it was cut off fails, and that is no news.
    if (interrupted) return null;
    throw error;
  } finally {
    await rig.stop();
    host.say('\n  the demonstration is over: everything it started has ended, so its pids and paths mean nothing here');
  }
}

/** In the terminal's foreground group, so that it can draw and Ctrl-C reaches it. */
async function runMainJob(rig: Rig, [program, ...args]: readonly [string, ...string[]]): Promise<number | null> {
  const inmate = await rig.spawn(program, args, { stdio: 'inherit', detached: false });
  const { exitCode, signal } = await inmate.exited;
  if (exitCode === 127) throw new RigError(`${program} does not run inside`);
  return signal === null ? exitCode : null;
}

async function pcscdVersion(): Promise<string> {
  const { stdout } = spawnSync((await findPart('pcscd')) ?? 'pcscd', ['--version'], { encoding: 'utf8', timeout: 2000 });
  const version = /^pcsc-lite version ([\d.]*\d)/m.exec(stdout ?? '')?.[1];
  return version === undefined ? 'pcscd' : `pcscd ${version}`;
}
