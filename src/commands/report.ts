import { collectOptions, withSafety } from '../options.ts';
import { renderMarkdown } from '../report/markdown.ts';
import { examine, obtain, redacted } from '../run.ts';
import { writeWhole } from '../snapshot/save.ts';
import type { Register } from './command.ts';

/** Permission bits: it is made to be handed on. */
const MODE = 0o644;

export const registerReport: Register = (program, session) => {
  const command = program
    .command('report')
    .description('Markdown for a bug tracker: verdict, readers, findings, versions')
    .option('--from <file>', 'of a saved snapshot in place of this machine; - is stdin')
    .option('--full', 'also every check and the snapshot itself, folded')
    .option('-o, --output <file>', 'write it there')
    .option('--no-redact', 'no pseudonyms for users, hosts and serials');
  withSafety(command)
    .addHelpText('after', '\nExit code 0: the report was written, whatever it says.')
    .action(async (given) => {
      const origin = { from: given.from ?? null, collect: collectOptions(given, null) };
      const taken = await obtain(origin, session, () => {});
      const snapshot = given.redact ? redacted(taken, origin) : taken;
      const text = renderMarkdown(examine(snapshot), snapshot, given.full === true);
      if (given.output === undefined) return session.print(text);
      await writeWhole(given.output, text, MODE);
    });
};
