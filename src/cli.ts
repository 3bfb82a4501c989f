import { Command, CommanderError, type OutputConfiguration } from '@commander-js/extra-typings';
import type { Session } from './commands/command.ts';
import { registerChecks } from './commands/checks.ts';
import { registerDemo } from './commands/demo.ts';
import { registerDiff } from './commands/diff.ts';
import { registerExplain } from './commands/explain.ts';
import { registerHolders } from './commands/holders.ts';
import { registerReport } from './commands/report.ts';
import { registerSchema } from './commands/schema.ts';
import { registerWatch } from './commands/watch.ts';
import { type ExitCode, exitCodes, Failure } from './exit-code.ts';
import { runOptions, withRun } from './options.ts';
import { abortPcsc } from './pcsc/exclusive.ts';
import { renderJsonFailure } from './report/json.ts';
import { run } from './run.ts';
import { visible } from './snapshot/sanitize.ts';
import { tool } from './tool.ts';

const commands = [registerHolders, registerWatch, registerExplain, registerReport, registerDiff, registerDemo, registerChecks, registerSchema];

const examples = `Examples:
  cardcheck                      who holds which reader, and what to do about it
  cardcheck -v                   everything that was asked and seen
  cardcheck --passive --json     for scripts: no connect to any card
  cardcheck explain CC101        the long story of a finding
  cardcheck --save support.json  a redacted snapshot for somebody who helps
  cardcheck --from support.json  the same report from it, on any machine
  cardcheck demo                 a real conflict, on virtual parts
`;

const exitCodeHelp = `
Exit codes: 0 sound, 1 findings, 2 a check could not answer, 64 wrong usage,
65/66 snapshot invalid/unreadable, 69 no demo here, 70 a bug in cardcheck,
73 cannot write, 130 interrupted. The same for every format.`;

function program(session: Session, output: OutputConfiguration): Command {
  const root = new Command('cardcheck')
    .description('Says which process holds your smart card, how, and what to do about it.')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput(output)
    .version(tool.version, '-V, --version')
    .helpOption('-h, --help')
    .addHelpText('before', examples)
    .addHelpText('after', exitCodeHelp);
  withRun(root)
    .allowExcessArguments()
    .action(async (raw, command) => {
      const [word] = command.args;
      if (word !== undefined) throw new Failure(exitCodes.usage, `there is no command ${visible(word)}; cardcheck --help lists them`);
      session.end(await run(runOptions(raw), session));
    });
  for (const register of commands) register(root as unknown as Command, session);
  return root as unknown as Command;
}

/** Whether stdout is owed a JSON document, known even where the options themselves are wrong. */
function wantsJson(argv: readonly string[]): boolean {
  const isFormat = argv.some((word, index) => word === '--format=json' || (word === 'json' && argv[index - 1] === '--format'));
  return argv.includes('--json') || isFormat || process.env.CARDCHECK_FORMAT === 'json';
}

/**
 * Runs one command line to its end: the only place that sets the exit code.
 * @param argv without node and script
 * @param started what runs already, where a run on this machine is to be expected
 */
export async function main(argv: readonly string[], started: Pick<Session, 'addon' | 'ahead'>): Promise<void> {
  const json = wantsJson(argv);
  const undo: (() => void | Promise<void>)[] = [abortPcsc];
  let exitCode: ExitCode = exitCodes.ok;
  const session: Session = {
    ...started,
    print,
    warn: (line) => void process.stderr.write(`cardcheck: ${line}\n`),
    end: (code) => {
      exitCode = code;
    },
    onInterrupt: (step) => void undo.push(step),
  };
  const fail = async (code: ExitCode, message: string) => {
    exitCode = code;
    if (json) await print(renderJsonFailure(code, message));
    if (message !== '') session.warn(message);
  };
  const leave = () => process.exit(exitCode);

  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // A reader such as `head` that has seen enough is no error of ours, and the exit code still tells what was found.
    if (error.code === 'EPIPE') return void setImmediate(leave);
    session.warn(`cannot write the report: ${error.code}`);
    exitCode = exitCodes.cannotCreate;
    leave();
  });
  for (const [signal, code] of [['SIGINT', exitCodes.interrupted], ['SIGTERM', exitCodes.terminated]] as const) {
    // `once`: a second signal ends the process at once, as the user means it.
    process.once(signal, async () => {
      for (const step of undo.reverse()) await step();
      await fail(code, json ? 'interrupted' : '');
      leave();
    });
  }

  let complaint = '';
  const output: OutputConfiguration = { writeErr: (text) => void (complaint += text) };
  try {
    await program(session, output).parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      // exitCode 0: help or version, which commander has printed.
      if (error.exitCode !== 0) await fail(exitCodes.usage, complaintOf(complaint));
      else await print(''); // What was printed has arrived, or is known not to, before the process ends.
    } else if (error instanceof Failure) {
      await fail(error.exitCode, error.message);
    } else {
      await fail(exitCodes.software, bug(error));
      if (argv.includes('-v') || argv.includes('--verbose')) process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    }
  }
  leave();
}

/** commander repeats the words of the command line as they are. */
function complaintOf(text: string): string {
  return text.trim().replace(/^error: /, '').split('\n').map(visible).join('\n');
}

function bug(error: unknown): string {
  const message = visible(error instanceof Error ? error.message : String(error));
  return `this is a bug in cardcheck (${message}); please report it with the output of cardcheck -v and of cardcheck --save`;
}

/** Resolves when it is written, or when nobody reads it; any other failure ends the process. */
function print(text: string): Promise<void> {
  return new Promise((resolve) =>
    process.stdout.write(text, (error) => {
      if (error == null || (error as NodeJS.ErrnoException).code === 'EPIPE') resolve();
    }),
  );
}
