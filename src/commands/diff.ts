import { diffSnapshots, type SnapshotDiff } from '../diff/diff.ts';
import { diffDocument } from '../diff/document.ts';
import { exitCodes, Failure } from '../exit-code.ts';
import { styleFor } from '../report/style.ts';
import { renderBlocks } from '../report/text.ts';
import { examine, load } from '../run.ts';
import { columns } from '../options.ts';
import { visible } from '../snapshot/sanitize.ts';
import type { Register } from './command.ts';

/** As diff(1) has them. */
const exitCodeOf = { same: 0, differs: 1 } as const;

export const registerDiff: Register = (program, session) => {
  program
    .command('diff')
    .argument('<a>', 'a snapshot that --save wrote, e.g. from before a cure; - is stdin')
    .argument('<b>', 'the other, e.g. from after it, or of a machine that works')
    .description('what changed between two snapshots')
    .option('--json', 'as JSON')
    .option('--width <columns>', 'where prose is wrapped', columns)
    .addHelpText('after', '\n- only in A, + only in B, ~ changed, ? cannot be compared.\nPids, times and numbers that differ between any two runs are left out.\nExit codes: 0 no difference, 1 differences.')
    .action(async (a, b, given, command) => {
      const { json } = command.optsWithGlobals() as { json?: boolean };
      if (a === '-' && b === '-') throw new Failure(exitCodes.usage, 'only one of the two snapshots can come from standard input');
      const diff = diffSnapshots(await load(a), await load(b), examine);
      await session.print(json === true ? `${JSON.stringify(diff, null, 2)}\n` : text(diff, { a: visible(a), b: visible(b) }, given.width ?? null));
      session.end(exitCodeOf[diff.same ? 'same' : 'differs']);
    });
};

function text(diff: SnapshotDiff, names: { a: string; b: string }, width: number | null): string {
  const { stdout, env } = process;
  return renderBlocks(diffDocument(diff, names), styleFor({ color: null, width, isTTY: stdout.isTTY, columns: stdout.columns, env }));
}
