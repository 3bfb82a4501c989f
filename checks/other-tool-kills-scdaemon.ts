import { identifyProgram } from '../src/data/client-programs.ts';
import { defineCheck, notApplicable } from '../src/check.ts';
import { valueOf } from '../src/snapshot/fact.ts';
import { noScdaemon, noService } from './causes.ts';
import { shareReader } from './remedies.ts';
import { connectsExclusive } from './scdaemon.ts';

export default defineCheck({
  code: 'CC108',
  needs: ['gnupg', 'scdaemonConfig', 'holdings'],
  wants: ['cardPrograms'],
  about: ['gnupg', 'scdaemonConfig'],
  after: [...noService, ...noScdaemon],
  check({ gnupg, scdaemonConfig, holdings, cardPrograms }) {
    const programs = valueOf(cardPrograms);
    const { scdaemon } = gnupg;
    if (scdaemon === null) return notApplicable('scdaemon is not installed');
    if (programs === undefined) return notApplicable('programs were not looked for');
    // Their connect fails only where scdaemon does not share; with a scdaemon that shares they leave it alone.
    if (!connectsExclusive(scdaemonConfig) || !holdings.some(({ listed }) => listed)) return [];
    const running = programs.running.filter((process) => ['ykman', 'age-plugin-yubikey'].includes(identifyProgram(process)?.id ?? ''));
    const tools = [...new Set([...programs.installed.map(({ program }) => program), ...running.map((process) => identifyProgram(process)?.label ?? process.comm)])].sort();
    if (tools.length === 0) return [];
    return [
      {
        subject: { kind: 'process', name: 'scdaemon' },
        data: { tools },
        certainty: 'possible',
        evidence: [
          ...programs.installed.map(({ path }) => `${path} is there.`),
          ...running.map(({ pid, comm }) => `${comm} runs as pid ${pid}.`),
          `scdaemon ${scdaemon.version}, as configured, connects EXCLUSIVE (pcsc-shared is not in force).`,
        ],
        remedies: shareReader(gnupg, scdaemon, scdaemonConfig),
      },
    ];
  },
});
