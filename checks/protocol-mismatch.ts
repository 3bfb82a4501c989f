import { defineCheck, type Draft } from '../src/check.ts';
import type { Remedy } from '../src/report/schema.ts';
import { valueOf } from '../src/snapshot/fact.ts';
import type { Fact, Host, Library } from '../src/snapshot/schema.ts';
import { accepts, isLoadable, speaks } from './libraries.ts';
import { packageCommands } from './packages.ts';
import { asRoot } from './shell.ts';

export default defineCheck({
  code: 'CC403',
  needs: [],
  wants: ['libraryContext', 'daemon', 'probes', 'libraries', 'pcscdBuild', 'host'],
  after: ['pcscd-not-running'],
  check({ libraryContext, daemon, probes, libraries, pcscdBuild, host }) {
    const version = valueOf(pcscdBuild)?.version;
    const spoken = valueOf(daemon)?.protocol;
    const daemonName = `pcscd${version === undefined ? '' : ` ${version}`}${spoken === undefined ? '' : ` (protocol ${spoken.major}:${spoken.minor})`}`;
    const copies = valueOf(libraries) ?? [];
    const loadable = copies.filter((copy) => copy.kind === 'client' && isLoadable(copy));
    const used = loadable.find((copy) => version !== undefined && !accepts(version, copy)) ?? loadable[0];

    const refused =
      valueOf(libraryContext)?.code === 'SCARD_E_SERVICE_STOPPED' ||
      (valueOf(probes) ?? []).some(({ outcome, backend }) => outcome === 'protocol-mismatch' && backend === 'library');
    const ownClientRefused = daemon.status === 'failed' && daemon.error.startsWith('protocol-mismatch:');

    const observed: Draft<'CC403'>[] =
      refused || ownClientRefused
        ? [
            {
              subject: used === undefined ? { kind: 'service', name: 'pcscd' } : { kind: 'file', name: used.path },
              data: { library: refused ? (used?.path ?? 'The PC/SC library') : 'Our own client', speaks: speaks(used), daemon: daemonName },
              certainty: 'proven',
              evidence: [refused ? 'SCardEstablishContext through the library returned SCARD_E_SERVICE_STOPPED (0x8010001E).' : 'pcscd refused every protocol version we offered.'],
              remedies: [
                {
                  title: 'Bring pcscd and the library to versions that fit',
                  kind: 'lasting',
                  commands: [...packageCommands(host, 'upgrade', 'pcscd'), ...packageCommands(host, 'upgrade', 'libpcsclite')],
                  edits: [],
                  price: 'pcscd restarts: every PC/SC program loses its connection.',
                },
              ],
            },
          ]
        : [];

    const foreign: Draft<'CC403'>[] =
      version === undefined
        ? []
        : copies
            .filter((copy) => !(copy === used && refused) && !accepts(version, copy))
            .map((copy) => ({
              severity: 'warning',
              subject: { kind: 'file', name: copy.path },
              data: { library: `${copy.path}${copy.owner === null ? '' : ` (${copy.owner})`}`, speaks: speaks(copy), daemon: daemonName },
              certainty: 'likely',
              evidence: [`${copy.path} is there and speaks protocol ${speaks(copy) ?? '?'}; whether a program uses it was not seen.`],
              remedies: updateOwner(copy, host),
            }));
    return [...observed, ...foreign];
  },
});

function updateOwner({ owner, path }: Library, host: Fact<Host>): Remedy[] {
  const updates: Record<string, string> = { flatpak: 'flatpak update', snap: asRoot(host, 'snap refresh') };
  const bringer = Object.keys(updates).find((name) => path.includes(`/${name}/`) || owner?.includes(name));
  const command = bringer === undefined ? undefined : updates[bringer];
  return [{ title: 'Update what brought this library along', kind: 'lasting', commands: command === undefined ? [] : [command], edits: [], price: null }];
}
