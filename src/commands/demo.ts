import { fileURLToPath } from 'node:url';
import { type ExitCode, exitCodes, Failure } from '../exit-code.ts';
import { visible } from '../snapshot/sanitize.ts';
import type { Register } from './command.ts';

const DEFAULT = 'gpg-blocked';

export const registerDemo: Register = (program, session) => {
  program
    .command('demo')
    .description('a real conflict on virtual parts, and the report of it')
    .usage('[scenario] [options of the main job]')
    .argument('[scenario]', 'gpg-blocked, gpg-holds, transaction, exclusive or free', DEFAULT)
    .allowUnknownOption()
    .allowExcessArguments()
    .action(async (_, __, command) => {
      const [first, ...rest] = command.args;
      const isScenario = first !== undefined && !first.startsWith('-');
      session.end(await show(isScenario ? first : DEFAULT, isScenario ? rest : command.args));
    });

  async function show(name: string, options: readonly string[]): Promise<ExitCode> {
    const [{ demo }, { scenarios }, { RigError }, wrapped] = await Promise.all([import('../demo/demo.ts'), import('../demo/scenario.ts'), import('../rig/rig-error.ts'), wrapper()]);
    if (!Object.hasOwn(scenarios, name)) throw new Failure(exitCodes.usage, `there is no scenario ${visible(name)}; there are ${Object.keys(scenarios).join(', ')}`);
    try {
      const exitCode = await demo(name as keyof typeof scenarios, {
        mainJob: [process.execPath, process.argv[1] ?? fileURLToPath(import.meta.url), ...options],
        // stdout is the report's.
        say: (text) => void process.stderr.write(wrapped(text)),
        onInterrupt: (undo) => session.onInterrupt(undo),
      });
      return shown(exitCode);
    } catch (error) {
      if (error instanceof RigError) throw new Failure(exitCodes.unavailable, [error.message, ...error.help].join('\n'));
      throw error;
    }
  }
};

/** Lines for stderr, on a terminal no wider than that. */
async function wrapper(): Promise<(text: string) => string> {
  const { stderr, env } = process;
  if (stderr.isTTY !== true) return (text) => `${text}\n`;
  const [{ blank, prose }, { styleFor }, { renderBlocks }] = await Promise.all([import('../report/layout.ts'), import('../report/style.ts'), import('../report/text.ts')]);
  const style = styleFor({ color: null, width: null, isTTY: true, columns: stderr.columns, env });
  const blockOf = (line: string) => (line.trim() === '' ? blank : prose(line.search(/\S/), [line.trim()]));
  return (text) => renderBlocks(text.split('\n').map(blockOf), style);
}

/** A conflict was to be shown: that the main job found one, or could not see everything, is success. */
function shown(exitCode: number | null): ExitCode {
  if (exitCode === null) return exitCodes.interrupted;
  const known = Object.values(exitCodes).find((code) => code === exitCode) ?? exitCodes.software;
  return known === exitCodes.findings || known === exitCodes.unknown ? exitCodes.ok : known;
}
