import { access } from 'node:fs/promises';
import { type Code, codes } from '../../checks/codes.ts';
import { exitCodes, Failure } from '../exit-code.ts';
import type { Explanation } from '../explain/explanation.ts';
import { codesNamed, columns } from '../options.ts';
import { codeDocument } from '../report/code-document.ts';
import { type Style, styleFor } from '../report/style.ts';
import { renderBlocks } from '../report/text.ts';
import { sanitize, visible } from '../snapshot/sanitize.ts';
import { openPipe } from '../system/pipe.ts';
import type { Register } from './command.ts';

interface Wanted {
  json: boolean;
  apdu: boolean;
  width: number | null;
}

export const registerExplain: Register = (program, session) => {
  program
    .command('explain')
    .description('the long text of a finding, or what a log, a message or an error code says')
    .argument('[what...]', 'codes or ids of findings; or a file, - for standard input, a message, an error code')
    .option('--json', 'as JSON')
    .option('--apdu', 'of a pcsc-spy log also the headers of the commands sent (never their data)')
    .option('--width <columns>', 'where prose is wrapped', columns)
    .action(async (words, given, command) => {
      const { json } = command.optsWithGlobals() as { json?: boolean };
      const wanted: Wanted = { json: json === true, apdu: given.apdu === true, width: given.width ?? null };
      const findings = words.map(codesNamed);
      const named = words.length > 0 && findings.every((codes) => codes.length > 0) ? [...new Set(findings.flat())] : null;
      await session.print(named === null ? await explanationOf(words, wanted) : proseOf(named, wanted));
    });
};

function proseOf(named: readonly Code[], { json, width }: Wanted): string {
  if (json) return `${JSON.stringify({ schemaVersion: 1, checks: named.map((code) => ({ code, ...codes[code] })) }, null, 2)}\n`;
  const style = terminalStyle(width);
  return named.map((code) => renderBlocks(codeDocument(code), style)).join('\n');
}

async function explanationOf(words: readonly string[], { json, apdu, width }: Wanted): Promise<string> {
  const explanation = await explain(words, apdu);
  if (json) return `${JSON.stringify(explanation, null, 2)}\n`;
  const { explanationDocument } = await import('../explain/document.ts');
  return renderBlocks(explanationDocument(explanation), terminalStyle(width));
}

function terminalStyle(width: number | null): Style {
  const { stdout, env } = process;
  return styleFor({ color: null, width, isTTY: stdout.isTTY, columns: stdout.columns, env });
}

/** A word of this form can only be meant as a finding, or as a file. */
const CODE = /^CC\d+$/i;
const PATH = /^\S*(?:\/\S*|\.(?:log|txt|json))$/;

/** A file if there is one of this name, standard input for `-` or nothing, else the words themselves. */
async function explain(words: readonly string[], apdus: boolean): Promise<Explanation> {
  const [{ Explainer }, { feedFile, feedStream }, { asMessage }] = await Promise.all([import('../explain/explain.ts'), import('../explain/source.ts'), import('../explain/argument.ts')]);
  const explainer = new Explainer({ apdus });
  const [first] = words;
  if (first === undefined && process.stdin.isTTY) throw new Failure(exitCodes.usage, 'say what to explain: a file, a message, a code, or - for standard input');
  if (first === undefined || (first === '-' && words.length === 1)) await feedStream(process.stdin, explainer);
  else if (words.length === 1 && CODE.test(first)) throw new Failure(exitCodes.usage, `no finding is called ${visible(first)}; cardcheck checks lists them`);
  else if (words.length === 1 && (PATH.test(first) || (await exists(first)))) await feedNamed(first).catch((error: NodeJS.ErrnoException) => unreadable(first, error));
  else explainer.push(Buffer.from(words.map(asMessage).join('\n')));
  return sanitize(explainer.finish());

  async function feedNamed(path: string): Promise<void> {
    const pipe = openPipe(path);
    await (pipe === null ? feedFile(path, explainer) : feedStream(pipe, explainer));
  }
}

const exists = (path: string): Promise<boolean> => access(path).then(() => true, () => false);

function unreadable(path: string, error: NodeJS.ErrnoException): never {
  if (error.code === undefined) throw error;
  throw new Failure(exitCodes.noInput, `cannot read ${visible(path)}: ${error.code}`);
}
