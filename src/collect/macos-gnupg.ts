import { absent, ok } from '../snapshot/fact.ts';
import type { Fact, FactValue } from '../snapshot/schema.ts';
import type { System } from '../system/port.ts';
import { attempt, defineCollector } from './collector.ts';

type MacosGnupg = FactValue<'macosGnupg'>[number];

const CONFIG_LIMIT = 64 * 1024;

/** Where the makers of GnuPG for macOS install it: Homebrew on Apple and on Intel processors, GPGTools, MacPorts. */
const INSTALLATIONS: readonly Pick<MacosGnupg, 'kind' | 'prefix'>[] = [
  { kind: 'homebrew', prefix: '/opt/homebrew' },
  { kind: 'homebrew', prefix: '/usr/local' },
  { kind: 'gpg-suite', prefix: '/usr/local/MacGPG2' },
  { kind: 'macports', prefix: '/opt/local' },
];
/** /usr/local/bin/gpg is a link of Homebrew's, of GPGTools', or somebody's own program. */
const OWN_FILES: Partial<Record<MacosGnupg['kind'], RegExp>> = { homebrew: /\/Cellar\// };

async function readInstallation(system: System, { kind, prefix }: Pick<MacosGnupg, 'kind' | 'prefix'>): Promise<MacosGnupg[]> {
  const gpg = `${prefix}/bin/gpg`;
  const real = await system.realPath(gpg).catch(() => null);
  if (real === null || OWN_FILES[kind]?.test(real) === false) return [];
  return [{ kind, prefix, gpg, globalConfig: await readGlobalConfig(system, `${prefix}/etc/gnupg/scdaemon.conf`) }];
}

/** Homebrew's has `disable-ccid` (its formula writes it since GnuPG 2.3.1); nobody finds that in ~/.gnupg. */
async function readGlobalConfig(system: System, path: string): Promise<MacosGnupg['globalConfig']> {
  const text = await system.readFile(path, CONFIG_LIMIT).catch(() => null);
  return text === null ? null : { path, disableCcid: /^[ \t]*(?:--)?disable-ccid[ \t]*$/m.test(text) };
}

async function read(system: System): Promise<Fact<MacosGnupg[]>> {
  return ok((await Promise.all(INSTALLATIONS.map((one) => readInstallation(system, one)))).flat(), INSTALLATIONS.map(({ prefix }) => prefix).join(', '));
}

/** Every GnuPG of a Mac, each with a scdaemon and a global configuration of its own. */
export const macosGnupg = defineCollector({
  name: 'macOS GnuPG',
  facts: ['macosGnupg'],
  collect: async (system) => ({ macosGnupg: system.platform === 'darwin' ? await attempt(() => read(system)) : absent('this is not macOS') }),
});
