import type { Code } from '../../checks/codes.ts';
import { exitCodes, Failure } from '../exit-code.ts';
import { codesNamed } from '../options.ts';
import { visible } from '../snapshot/sanitize.ts';
import type { Register } from './command.ts';

export const registerExplain: Register = (program, session) => {
  program
    .command('explain')
    .description('the long text of a finding: what, why, price, wrong cures, sources')
    .argument('<code...>', 'codes or ids, as the report names them')
    .option('--width <columns>', 'where prose is wrapped', Number)
    .action(async (words, { width }) => {
      const named = words.map((word) => ({ word, codes: codesNamed(word) }));
      const stranger = named.find((entry) => entry.codes.length === 0);
      if (stranger !== undefined) throw new Failure(exitCodes.usage, `no finding is called ${visible(stranger.word)}; cardcheck checks lists them`);
      await session.print(await prose([...new Set(named.flatMap((entry) => entry.codes))], width ?? null));
    });
};

async function prose(codes: readonly Code[], width: number | null): Promise<string> {
  const [{ codeDocument }, { styleFor }, { renderBlocks }] = await Promise.all([import('../report/code-document.ts'), import('../report/style.ts'), import('../report/text.ts')]);
  const { isTTY, columns } = process.stdout;
  const style = styleFor({ color: null, width, isTTY, columns, env: process.env });
  return codes.map((code) => renderBlocks(codeDocument(code), style)).join('\n');
}
