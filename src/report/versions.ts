import { reasonOf } from '../snapshot/fact.ts';
import type { Fact, Facts, Library } from '../snapshot/schema.ts';

/** One part of the machine with its version, or why that is not known. */
export interface Version {
  part: string;
  words: string;
}

const known = <T>(part: string, fact: Fact<T>, words: (value: T) => string): Version => ({ part, words: fact.status === 'ok' ? words(fact.value) : reasonOf(fact) });

/** What a bug report asks for, from the system up to GnuPG. */
export function versionsOf({ host, pcscdBuild, daemon, driverBundles, libraries, addon, gnupg }: Facts): Version[] {
  return [
    known('Operating system', host, ({ distribution, kernel, arch, container, wsl }) =>
      [distribution?.name ?? 'unknown', `kernel ${kernel}`, arch, ...(container === null ? [] : [`in a container (${container})`]), ...(wsl ? ['under WSL'] : [])].join(', '),
    ),
    known('pcscd', pcscdBuild, ({ version, path }) => `${version} (${path})`),
    known('pcscd protocol', daemon, ({ protocol: { major, minor } }) => `${major}:${minor}`),
    ...parts(driverBundles, 'Drivers', ({ bundles }) => bundles.map(({ name, version, driver }) => ({ part: driver === 'CCIDCLASSDRIVER' ? 'libccid' : name, words: version ?? 'version unknown' }))),
    ...parts(libraries, 'libpcsclite', (all) => all.map((library) => ({ part: library.path, words: libraryWords(library) }))),
    known('pcsclite add-on', addon, ({ version }) => version),
    known('GnuPG', gnupg, ({ gpg }) => gpg?.version ?? 'not installed'),
    known('scdaemon', gnupg, ({ scdaemon }) => (scdaemon === null ? 'not installed' : scdaemon.version)),
  ];
}

/** Many of a kind, or one line that says why there is none. */
function parts<T>(fact: Fact<T>, kind: string, each: (value: T) => Version[]): Version[] {
  const found = fact.status === 'ok' ? each(fact.value) : [];
  return found.length > 0 ? found : [known(kind, fact, () => 'none found')];
}

function libraryWords({ kind, version, protocol, owner }: Library): string {
  return [
    version ?? 'version unknown',
    ...(kind === 'client' || kind === 'unknown' ? [] : [kind]),
    ...(protocol === null ? [] : [`protocol ${protocol.major}:${protocol.minor}`]),
    ...(owner === null || owner === 'system' ? [] : [owner]),
  ].join(', ');
}
