/** What each run of cardcheck in the lab (test/lab/scenarios.ts) has to find, by SCENARIO-N. */
import type { Id } from '../../checks/codes.ts';

interface Expected {
  live: Id | null;
  logsShow?: { id: Id | null; because: string };
}

export const labScenarios: Readonly<Record<string, Expected>> = {
  'healthy-1': { live: null },
  'internal-ccid-first-1': { live: 'ccid-vs-pcscd' },
  'internal-ccid-first-seen-by-a-user-1': { live: 'ccid-vs-pcscd' },
  'pcscd-first-1': { live: 'ccid-vs-pcscd' },
  'pcscd-first-with-fallback-1': { live: 'scdaemon-holds-card', logsShow: { id: null, because: 'scdaemon works; whom it keeps out is in no log' } },
  'other-program-first-with-fallback-1': { live: 'other-client-blocks-scdaemon' },
  'shared-gpg-first-1': { live: null },
  'shared-other-program-first-1': { live: null },
  'pcsc-shared-alone-1': { live: 'ccid-vs-pcscd' },
  'disable-ccid-alone-1': { live: 'other-client-blocks-scdaemon' },
  'second-pcscd-1': { live: 'second-pcscd', logsShow: { id: null, because: 'the lines do not tell who has the interface' } },
  'first-reader-wins-1': { live: 'wrong-reader-chosen' },
  'two-readers-on-2.4-1': { live: null },
  'reader-without-t1-1': { live: 'internal-ccid-driver-limited' },
  'polkit-refuses-1': { live: null },
  'polkit-refuses-2': { live: 'polkit-denied' },
  'polkit-without-policy-1': { live: 'polkit-denied' },
  'polkit-unreachable-1': { live: 'polkit-unreachable' },
  'kernel-driver-bound-1': { live: 'kernel-driver-claims-reader' },
};
