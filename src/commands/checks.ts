import { type Code, codes } from '../../checks/codes.ts';
import { checks } from '../../checks/index.ts';
import type { CodeRow } from '../check.ts';
import type { Register } from './command.ts';

export const registerChecks: Register = (program, session) => {
  program
    .command('checks')
    .description('every check and what it looks for')
    .option('--json', 'as JSON')
    .action(async (_, command) => {
      const { json } = command.optsWithGlobals() as { json?: boolean };
      const list = listed();
      await session.print(json === true ? `${JSON.stringify({ schemaVersion: 1, checks: list }, null, 2)}\n` : table(list));
    });
};

/** All checks with a code, whether this version looks for them on a live machine or only recognises them in text. */
function listed() {
  const live = new Set(checks.map((check) => check.code));
  return (Object.keys(codes) as Code[]).sort().map((code) => {
    const { id, layer, severity, title, explainOnly }: CodeRow<never> = codes[code];
    return { code, id, layer, severity, title, live: live.has(code), ...(explainOnly === undefined ? {} : { explainOnly }) };
  });
}

function table(list: ReturnType<typeof listed>): string {
  const idWidth = Math.max(...list.map(({ id }) => id.length));
  return list.map(({ code, id, severity, title, live }) => `${code}  ${id.padEnd(idWidth)}  ${(live ? 'live' : 'explain-only').padEnd(12)}  ${severity.padEnd(7)}  ${title}\n`).join('');
}
