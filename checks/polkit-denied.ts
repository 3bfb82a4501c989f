import { defineCheck } from '../src/check.ts';
import type { Remedy } from '../src/report/schema.ts';
import { valueOf } from '../src/snapshot/fact.ts';
import type { Fact, Facts, Host } from '../src/snapshot/schema.ts';
import { packageCommands } from './packages.ts';
import { asRoot, quote } from './shell.ts';

type Action = 'access_pcsc' | 'access_card';
type Refusal = { action: Action | null; certainty: 'proven' | 'likely' | 'possible'; evidence: string[] };

export default defineCheck({
  code: 'CC404',
  needs: [],
  wants: ['polkit', 'libraryContext', 'daemon', 'probes', 'host'],
  after: ['pcscd-not-running', 'protocol-mismatch', 'polkit-unreachable', 'polkit-error-hidepid'],
  check({ polkit, libraryContext, daemon, probes, host }) {
    const refusal = refusedAtTheDoor({ polkit, libraryContext, daemon }) ?? refusedAtTheCard({ polkit, probes });
    if (refusal === null) return [];
    const user = valueOf(host)?.user.name ?? 'this user';
    const session = valueOf(host)?.session;
    return [
      {
        subject: { kind: 'user', name: user },
        data: { user, action: refusal.action },
        certainty: refusal.certainty,
        evidence: [...refusal.evidence, ...(session === undefined || session.place === 'local' ? [] : [session.evidence])],
        remedies: [valueOf(polkit)?.registered === false ? installPolicy(host) : allow(user, host)],
      },
    ];
  },
});

/**
 * SECURITY_VIOLATION here is a connection that pcscd closed unread (pcsc-lite 1.9.9 winscard_msg.c). polkit's refusal is the
 * usual reason; a pcscd that dies at that moment or has no room for another client gives the same.
 */
function refusedAtTheDoor({ polkit, libraryContext, daemon }: Pick<Facts, 'polkit' | 'libraryContext' | 'daemon'>): Refusal | null {
  const throughLibrary = valueOf(libraryContext)?.code === 'SCARD_W_SECURITY_VIOLATION';
  const dropped = daemon.status === 'failed' && daemon.error.startsWith('connection-dropped:');
  if (!throughLibrary && !dropped) return null;
  const policy = valueOf(polkit);
  if (policy?.enforced === false || policy?.accessPcsc === 'yes') return null;
  const seen = throughLibrary ? 'SCardEstablishContext returned SCARD_W_SECURITY_VIOLATION (0x8010006A).' : 'pcscd closed our connection without an answer.';
  const says = policy !== undefined && policy.accessPcsc !== 'unknown';
  return { action: says ? 'access_pcsc' : null, certainty: says ? 'proven' : throughLibrary ? 'likely' : 'possible', evidence: [seen, ...(policy?.evidence ?? [])] };
}

function refusedAtTheCard({ polkit, probes }: Pick<Facts, 'polkit' | 'probes'>): Refusal | null {
  const denied = (valueOf(probes) ?? []).find(({ outcome, hex }) => outcome === 'access-denied' && hex !== null);
  if (denied === undefined) return null;
  const policy = valueOf(polkit);
  const says = policy?.accessCard === 'no' || policy?.accessCard === 'auth';
  return {
    action: 'access_card',
    certainty: says ? 'proven' : 'likely',
    evidence: [`A ${denied.mode} connect to ${denied.reader} returned ${denied.code ?? 'SCARD_W_SECURITY_VIOLATION'} (${denied.hex ?? '0x8010006A'}).`, ...(policy?.evidence ?? [])],
  };
}

/** No rule helps: an action that polkit does not know is refused before any rule is asked (polkit polkitbackendinteractiveauthority.c). */
function installPolicy(host: Fact<Host>): Remedy {
  return {
    title: 'Put back pcsc-lite\'s policy, /usr/share/polkit-1/actions/org.debian.pcsc-lite.policy, which came with pcscd',
    kind: 'lasting',
    commands: packageCommands(host, 'reinstall', 'pcscd'),
    edits: [],
    price: 'A pcscd that was built by hand brings its own policy: copy that file there instead.',
  };
}

/** Both actions, after pcsc-lite doc/README.polkit: one to be let in, one per card. */
function allow(user: string, host: Fact<Host>): Remedy {
  const file = '/etc/polkit-1/rules.d/40-pcscd-user.rules';
  const rule = [
    'polkit.addRule(function(action, subject) {',
    `  if (action.id.indexOf("org.debian.pcsc-lite.access_") == 0 && subject.user == ${JSON.stringify(user)}) return polkit.Result.YES;`,
    '});',
  ];
  return {
    title: `Allow ${user} to use smart cards from any session`,
    kind: 'lasting',
    commands: [`printf '%s\\n' ${rule.map(quote).join(' ')} | ${asRoot(host, `tee ${file}`)}`],
    edits: [{ file, add: rule, remove: [] }],
    price: `${user} can use any card in any reader, also from afar; so can every program that runs as ${user}.`,
  };
}
