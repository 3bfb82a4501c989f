import type { SnapshotDiff } from '../diff/diff.ts';
import { exitCodes, Failure } from '../exit-code.ts';
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
    .option('--width <columns>', 'where prose is wrapped', Number)
    .addHelpText('after', '\n- only in A, + only in B, ~ changed, ? cannot be compared.\nPids, times and numbers that differ between any two runs are left out.\nExit codes: 0 no difference, 1 differences.')
    .action(async (a, b, given, command) => {
      const { json } = command.optsWithGlobals() as { json?: boolean };
      if (a === '-' && b === '-') throw new Failure(exitCodes.usage, 'only one of the two snapshots can come from standard input');
      const [{ examine, load }, { diffSnapshots }] = await Promise.all([import('../run.ts'), import('../diff/diff.ts')]);
      const diff = diffSnapshots(await load(a), await load(b), examine);
      await session.print(json === true ? `${JSON.stringify(diff, null, 2)}\n` : await text(diff, { a: visible(a), b: visible(b) }, given.width ?? null));
      session.end(exitCodeOf[diff.same ? 'same' : 'differs']);
    });
};

async function text(diff: SnapshotDiff, names: { a: string; b: string }, width: number | null): Promise<string> {
  const [{ diffDocument }, { renderBlocks }, { styleFor }] = await Promise.all([import('../diff/document.ts'), import('../report/text.ts'), import('../report/style.ts')]);
  const { isTTY, columns } = process.stdout;
  return renderBlocks(diffDocument(diff, names), styleFor({ color: null, width, isTTY, columns, env: process.env }));
}
