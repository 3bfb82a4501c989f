import { defineCheck } from '../src/check.ts';
import { refusal, wasNotAsked } from './refusals.ts';
import { asRoot } from './shell.ts';

export default defineCheck({
  code: 'CC406',
  needs: ['polkit'],
  wants: ['daemon', 'libraryContext', 'host'],
  about: ['polkit'],
  after: ['pcscd-not-running', 'protocol-mismatch', 'polkit-unreachable'],
  check({ polkit, daemon, libraryContext, host }) {
    const refused = refusal({ daemon, libraryContext });
    if (polkit.enforced !== true || polkit.hidepid === null || (refused === null && !wasNotAsked({ daemon }))) return [];
    return [
      {
        severity: refused === null ? 'warning' : 'error',
        subject: { kind: 'file', name: '/proc' },
        data: { hidepid: polkit.hidepid },
        certainty: refused === null ? 'possible' : 'likely',
        evidence: [...(refused === null ? [] : [refused]), `/proc/mounts says hidepid=${polkit.hidepid}.`, ...polkit.evidence.slice(0, 1)],
        remedies: [
          {
            title: 'Show processes in /proc until the next start',
            kind: 'now',
            commands: [asRoot(host, 'mount -o remount,hidepid=0 /proc')],
            edits: [],
            price: 'Every user sees the processes of all others. For good, the option goes from /etc/fstab, or a group with pcscd\'s and polkit\'s users is exempted with gid=.',
          },
        ],
      },
    ];
  },
});
