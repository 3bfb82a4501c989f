import { defineCheck, type Draft } from '../src/check.ts';
import type { Refusal } from '../src/pcsc/compatibility.ts';
import type { Remedy } from '../src/report/schema.ts';
import { valueOf } from '../src/snapshot/fact.ts';
import type { Fact, Facts, Host, Library } from '../src/snapshot/schema.ts';
import { agreement, askedFile, askedLibrary, isClient, isLoadable, libraryName, serverName, serverSide, speaks } from './libraries.ts';
import { updateOwner } from './library-remedies.ts';
import { packageCommands } from './packages.ts';

const CODES: Record<Refusal, string> = { SCARD_E_NO_SERVICE: 'SCARD_E_NO_SERVICE (0x8010001D)', SCARD_E_SERVICE_STOPPED: 'SCARD_E_SERVICE_STOPPED (0x8010001E)' };

export default defineCheck({
  code: 'CC403',
  needs: [],
  wants: ['libraryContext', 'addon', 'daemon', 'probes', 'libraries', 'pcscdBuild', 'host'],
  after: ['pcscd-not-running'],
  check({ libraryContext, addon, daemon, probes, libraries, pcscdBuild, host }) {
    const server = serverSide(daemon, pcscdBuild);
    const copies = valueOf(libraries) ?? [];
    const refuses = (copy: Library) => agreement(copy, server)?.works === false;
    const finding = (library: string, copy: Library | undefined, refusal: Refusal | null, rest: Pick<Draft<'CC403'>, 'severity' | 'subject' | 'certainty' | 'evidence' | 'remedies'>): Draft<'CC403'> => ({
      ...rest,
      data: { library, speaks: speaks(copy), daemon: serverName(server), answer: refusal === null ? null : CODES[refusal] },
    });

    const asked = askedLibrary({ libraryContext, addon }, copies);
    const candidates = copies.filter((copy) => isClient(copy) && isLoadable(copy));
    const file = asked?.path ?? askedFile({ libraryContext, addon });
    const isElsewhere = file !== undefined && !copies.some(({ path, realPath }) => path === file || realPath === file);
    const used = isElsewhere ? undefined : (asked ?? candidates.find(refuses) ?? candidates[0]);
    const named = used?.path ?? file;
    const refusal = observedRefusal({ libraryContext, daemon, probes }, asked !== null && refuses(asked));
    const ours: Draft<'CC403'>[] =
      refusal === null
        ? []
        : [
            finding(used === undefined ? (file ?? 'The PC/SC library') : libraryName(used), used, refusal, {
              subject: named === undefined ? { kind: 'service', name: 'pcscd' } : { kind: 'file', name: named },
              certainty: 'proven',
              evidence: [`SCardEstablishContext through ${file ?? 'the library'} returned ${CODES[refusal]}.`, ...whereSpoken(used)],
              remedies: [...(used === undefined || used.owner === 'system' ? [] : updateOwner(used, host, copies.filter((copy) => !refuses(copy)))), upgradeBoth(host)],
            }),
          ];
    const refusedUs: Draft<'CC403'>[] =
      daemon.status === 'failed' && daemon.error.startsWith('protocol-mismatch:')
        ? [
            finding('Our own client', undefined, 'SCARD_E_SERVICE_STOPPED', {
              subject: { kind: 'service', name: 'pcscd' },
              certainty: 'proven',
              evidence: ['pcscd refused every protocol version we offered.'],
              remedies: [upgradeBoth(host)],
            }),
          ]
        : [];
    const others = copies
      .filter((copy) => isClient(copy) && !(copy === used && refusal !== null) && refuses(copy))
      .map((copy) => {
        const verdict = agreement(copy, server);
        return finding(libraryName(copy), copy, verdict?.works === false ? verdict.refusal : null, {
          severity: 'warning',
          subject: { kind: 'file', name: copy.path },
          certainty: 'likely',
          evidence: [...whereSpoken(copy), ...inUse(copy)],
          remedies: updateOwner(copy, host, copies.filter((other) => !refuses(other))),
        });
      });
    return [...ours, ...refusedUs, ...others];
  },
});

/** What the library was refused with while pcscd itself answers; the second code has other causes, and needs a pair that is known to fail. */
function observedRefusal({ libraryContext, daemon, probes }: Pick<Facts, 'libraryContext' | 'daemon' | 'probes'>, pairFails: boolean): Refusal | null {
  const code = valueOf(libraryContext)?.code;
  const probed = (valueOf(probes) ?? []).some(({ outcome, backend }) => outcome === 'protocol-mismatch' && backend === 'library');
  if (code === 'SCARD_E_SERVICE_STOPPED' || probed) return 'SCARD_E_SERVICE_STOPPED';
  return code === 'SCARD_E_NO_SERVICE' && daemon.status === 'ok' && pairFails ? code : null;
}

function whereSpoken(copy: Library | undefined): string[] {
  const spoken = speaks(copy);
  if (copy === undefined || spoken === null) return [];
  return [copy.protocolFrom === 'file' ? `The code of ${copy.path} announces protocol ${spoken}.` : `${copy.path} is of pcsc-lite ${copy.version ?? '?'}, which announces protocol ${spoken}.`];
}

function inUse({ path, users }: Library): string[] {
  if (users.length === 0) return [`Whether a program uses ${path} was not seen.`];
  return users.map(({ comm, pid, user }) => `${comm} (pid ${pid}${user === null ? '' : `, ${user}`}) has it loaded.`);
}

const upgradeBoth = (host: Fact<Host>): Remedy => ({
  title: 'Bring pcscd and the library to versions that fit: pcscd 2.4.1 and later takes in every library since 1.8.24',
  kind: 'lasting',
  commands: [...packageCommands(host, 'upgrade', 'pcscd'), ...packageCommands(host, 'upgrade', 'libpcsclite')],
  edits: [],
  price: 'pcscd restarts: every PC/SC program loses its connection. It helps where the distribution has such versions.',
});
