import { defineCheck } from '../src/check.ts';
import { valueOf } from '../src/snapshot/fact.ts';
import type { Facts } from '../src/snapshot/schema.ts';
import { restartPcscd } from './remedies.ts';

export default defineCheck({
  code: 'CC413',
  needs: ['pcscdSocket'],
  wants: ['daemon', 'readers', 'probes', 'host'],
  about: ['pcscdSocket'],
  after: ['pcscd-not-running', 'protocol-mismatch', 'polkit-unreachable', 'polkit-error-hidepid', 'polkit-denied'],
  check({ pcscdSocket, daemon, readers, probes, host }) {
    const says = silence({ daemon, readers, probes });
    if (says === null) return [];
    return [
      {
        subject: { kind: 'service', name: 'pcscd' },
        data: { socket: pcscdSocket.path, says },
        certainty: 'proven',
        evidence: [`Asked over ${pcscdSocket.path}: ${says}.`],
        remedies: [restartPcscd(host)],
      },
    ];
  },
});

/** What the socket adapter calls a failure that is pcscd's and nobody else's (src/pcsc/connection.ts). */
const BROKEN = /^(connection-dropped|connection-closed|not-pcscd|unreachable): /;

function silence({ daemon, readers, probes }: Pick<Facts, 'daemon' | 'readers' | 'probes'>): string | null {
  for (const [fact, what] of [
    [daemon, 'no greeting came'],
    [readers, 'the list of readers did not come; a reader may still be starting'],
  ] as const) {
    if (fact.status === 'timeout') return `${what} within ${fact.afterMs} ms`;
    if (fact.status === 'failed' && BROKEN.test(fact.error)) return fact.error.replace(BROKEN, '');
  }
  // A connect that ended without any PC/SC code: pcscd went away under it.
  const died = (valueOf(probes) ?? []).find(({ outcome, hex }) => (outcome === 'error' || outcome === 'no-service') && hex === null);
  return died === undefined ? null : `a ${died.mode} connect to ${died.reader} ended with: ${died.reason ?? 'no reason'}`;
}
