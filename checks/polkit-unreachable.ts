import { defineCheck } from '../src/check.ts';
import type { Remedy } from '../src/report/schema.ts';
import { valueOf } from '../src/snapshot/fact.ts';
import type { Fact, Host } from '../src/snapshot/schema.ts';
import { refusal, wasNotAsked } from './refusals.ts';
import { restartPcscd } from './remedies.ts';
import { asRoot } from './shell.ts';

export default defineCheck({
  code: 'CC405',
  needs: ['polkit'],
  wants: ['daemon', 'libraryContext', 'host'],
  about: ['polkit'],
  after: ['pcscd-not-running', 'protocol-mismatch'],
  check({ polkit, daemon, libraryContext, host }) {
    if (polkit.enforced !== true) return [];
    const missing = polkit.bus === false ? 'there is no system bus' : polkit.authority === 'missing' ? 'polkit is not installed' : null;
    const refused = refusal({ daemon, libraryContext });
    // A pcscd that let us in has been told to do without polkit, whatever its build says.
    if (missing === null || (refused === null && !wasNotAsked({ daemon }))) return [];
    return [
      {
        severity: refused === null ? 'warning' : 'error',
        subject: { kind: 'service', name: 'polkit' },
        data: { missing },
        certainty: 'likely',
        evidence: [...(refused === null ? [] : [refused]), ...polkit.evidence.slice(0, 1), `${missing[0]?.toUpperCase()}${missing.slice(1)}.`],
        remedies: [
          { title: 'Install and start polkit and D-Bus', kind: 'lasting', commands: [], edits: [], price: null },
          withoutPolkit(host),
          restartPcscd(host),
        ],
      },
    ];
  },
});

/** pcscd knows the option from 2.0.0 on; Debian's unit reads its arguments from this file, others take a drop-in. */
function withoutPolkit(host: Fact<Host>): Remedy {
  const distribution = valueOf(host)?.distribution;
  const isDebian = [distribution?.id, ...(distribution?.like ?? [])].includes('debian');
  const file = '/etc/default/pcscd';
  const line = 'PCSCD_ARGS=--disable-polkit';
  return {
    title: 'Let pcscd do without polkit (2.0.0 and later)',
    kind: 'lasting',
    commands: isDebian ? [`printf '\\n%s\\n' ${line} | ${asRoot(host, `tee -a ${file}`)}`] : [],
    edits: isDebian ? [{ file, add: [line], remove: [] }] : [],
    price: 'Every user who reaches the socket may use the cards.',
  };
}
