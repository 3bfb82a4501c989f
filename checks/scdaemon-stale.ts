import { defineCheck, notApplicable } from '../src/check.ts';
import { valueOf } from '../src/snapshot/fact.ts';
import { noService } from './causes.ts';
import { endScdaemon } from './remedies.ts';

export default defineCheck({
  code: 'CC110',
  needs: ['scdaemons'],
  wants: ['readers', 'pcscdProcesses', 'host'],
  after: [...noService, 'second-pcscd'],
  check({ scdaemons, readers, pcscdProcesses, host }) {
    const [pcscd, ...others] = valueOf(pcscdProcesses) ?? [];
    // With several pcscds a card that is not in this one's table may be in another's.
    if (readers.status !== 'ok' || pcscd === undefined || others.length > 0) return notApplicable('there is not one pcscd whose table was read');
    if (readers.value.some(({ sharing }) => sharing !== 0)) return [];
    const pcscdStart = pcscd.process.startedAt;
    return scdaemons
      .filter(({ cardOpen, usesInternalCcid, process }) => valueOf(cardOpen) === true && usesInternalCcid === false && isOlder(process.startedAt, pcscdStart))
      .map((scdaemon) => ({
        subject: { kind: 'process' as const, name: 'scdaemon' },
        data: { pid: scdaemon.process.pid, user: scdaemon.process.user },
        certainty: 'possible' as const,
        evidence: [
          'It says that it has a card open (SCD GETINFO card_list), and its threads show that it uses no USB driver of its own.',
          'pcscd counts no open handle on any reader.',
          `scdaemon started at ${scdaemon.process.startedAt}, pcscd later, at ${pcscdStart}.`,
          'A scdaemon that is not stuck notices that within two seconds.',
        ],
        remedies: [endScdaemon(scdaemon, host)],
      }));
  },
});

const isOlder = (one: string | null, other: string | null): boolean => one !== null && other !== null && Date.parse(one) < Date.parse(other);
