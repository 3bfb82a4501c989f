import { collectHolders } from '../collect/holders.ts';
import { inTurn } from '../collect/turn.ts';
import { deriveHoldings } from '../derive/holdings.ts';
import { matchesGlob } from '../glob.ts';
import { holdersReport, renderHoldersJson, renderHoldersText, type Verdict } from '../report/holders.ts';
import { realSystem } from '../system/real.ts';
import type { Register } from './command.ts';

/** For each answer of pcscd's, and before that for other cardchecks to let go of the readers. */
const TIMEOUT_MS = 1500;

/** Not those of the main job: a script asks this command whether somebody holds a reader. */
const exitCodeOf = { held: 0, free: 1, unknown: 2 } as const satisfies Record<Verdict, number>;

export const registerHolders: Register = (program, session) => {
  program
    .command('holders')
    .argument('[reader]', 'only readers whose name matches this glob')
    .description('which process holds which reader, without a connect to any')
    .option('--json', 'as JSON: the readers as in the report')
    .addHelpText('after', '\nExit codes: 0 somebody holds a reader, 1 nobody does, 2 that could not be told.')
    .action(async (glob, _, command) => {
      const { json } = command.optsWithGlobals() as { json?: boolean };
      const facts = await inTurn(TIMEOUT_MS, () => collectHolders(realSystem(), { passive: true, wake: false, exclusive: false, timeoutMs: TIMEOUT_MS, reader: glob ?? null }));
      const report = holdersReport(deriveHoldings(facts), facts, (name) => glob === undefined || matchesGlob(glob, name));
      if (json === true && report.obstacle !== null) session.warn(report.obstacle);
      await session.print(json === true ? renderHoldersJson(report) : renderHoldersText(report));
      session.end(exitCodeOf[report.verdict]);
    });
};
