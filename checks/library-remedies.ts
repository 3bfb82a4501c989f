/** How a copy of libpcsclite that does not fit is replaced, by who brought it along. */
import type { Remedy } from '../src/report/schema.ts';
import type { Fact, Host, Library } from '../src/snapshot/schema.ts';
import { packageCommands } from './packages.ts';
import { asRoot, quote } from './shell.ts';

/** What there is to tell about one owner; the pattern's first group is its name. */
interface Bringer {
  owner: RegExp;
  title: (name: string) => string;
  commands: (name: string, copy: Library, host: Fact<Host>) => string[];
  price: string;
}

const RESTART_IT = 'It has to be restarted. Where it has no newer library yet, only its maker, or another pcscd, helps.';

const bringers: readonly Bringer[] = [
  {
    owner: /^flatpak runtime (\S+ \S+)$/,
    title: (name) => `Update the flatpak runtime ${name}`,
    commands: (name, copy) => [`flatpak update ${installation(copy)}${quote(name.replace(' ', '//'))}`],
    price: `Every flatpak on this runtime gets the new one. ${RESTART_IT}`,
  },
  { owner: /^flatpak (\S+)/, title: (name) => `Update the flatpak ${name}`, commands: (name, copy) => [`flatpak update ${installation(copy)}${quote(name)}`], price: RESTART_IT },
  { owner: /^snap (\S+)/, title: (name) => `Update the snap ${name}`, commands: (name, _, host) => [asRoot(host, `snap refresh ${quote(name)}`)], price: RESTART_IT },
  { owner: /^AppImage (.+)/, title: (name) => `Get a newer AppImage of ${name}`, commands: () => [], price: RESTART_IT },
  { owner: /^Homebrew$/, title: () => 'Update Homebrew\'s pcsc-lite', commands: () => ['brew upgrade pcsc-lite'], price: RESTART_IT },
  { owner: /^system$/, title: () => 'Upgrade the PC/SC library', commands: (_, __, host) => packageCommands(host, 'upgrade', 'libpcsclite'), price: 'Programs that run keep the old one until they are restarted.' },
];

/** A flatpak of the user's own is another installation than the system's. */
const installation = ({ path }: Library): string => (path.includes('/.local/share/flatpak/') ? '--user ' : '');

/** @param fitting copies that pcscd takes in */
export function updateOwner(copy: Library, host: Fact<Host>, fitting: readonly Library[]): Remedy[] {
  const owner = copy.owner ?? '';
  for (const bringer of bringers) {
    const name = bringer.owner.exec(owner);
    if (name !== null) return [{ title: bringer.title(name[1] ?? ''), kind: 'lasting', commands: bringer.commands(name[1] ?? '', copy, host), edits: [], price: bringer.price }];
  }
  if (copy.kind === 'static') return [{ title: `Get a newer build of ${owner}: it has libpcsclite linked in`, kind: 'lasting', commands: [], edits: [], price: RESTART_IT }];
  return [fitting.some((other) => other.owner === 'system' && other.kind === 'client') && owner === '/usr/local' ? setAside(copy, host) : rebuild(copy)];
}

const setAside = ({ path }: Library, host: Fact<Host>): Remedy => ({
  title: 'Put the hand-built library aside, so that programs find the system\'s',
  kind: 'lasting',
  commands: [asRoot(host, `mv ${quote(path)} ${quote(`${path}.aside`)}`), asRoot(host, 'ldconfig')],
  edits: [],
  price: 'Programs that were built for this very copy get the system\'s; moving it back undoes it.',
});

const rebuild = ({ path }: Library): Remedy => ({ title: `Replace ${path} by a version that fits`, kind: 'lasting', commands: [], edits: [], price: null });
