/** How a PKCS#11 module is kept out of the program that uses a card through it, by who registered it there. */
import type { Holder, LoadedModule, Remedy } from '../src/report/schema.ts';
import type { Fact, Host, Pkcs11Registration } from '../src/snapshot/schema.ts';
import { packageCommands } from './packages.ts';
import { asRoot, asUser, isShellOf, quote } from './shell.ts';

type Of<K extends Pkcs11Registration['kind']> = Extract<Pkcs11Registration, { kind: K }>;

const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));
/** "Firefox" of "opensc-pkcs11 in Firefox (snap)". */
const programOf = ({ command }: Holder): string => command.slice(command.lastIndexOf(' in ') + 1).replace(/^in /, '');

/** For good: one remedy for each place that names one of its modules. All of them are needed where there are several. */
export function unregister(holder: Holder, host: Fact<Host>): Remedy[] {
  return holder.modules.flatMap((module) => {
    const places = module.registeredBy.length;
    const remedies = module.registeredBy.flatMap((registration) => remedyFor(module, registration, holder, host) ?? []);
    return places < 2 ? remedies : remedies.map((remedy) => ({ ...remedy, price: `${remedy.price} ${baseName(module.file)} is registered in ${places} places, and loaded as long as one of them is left.` }));
  });
}

function remedyFor({ file }: LoadedModule, registration: Pkcs11Registration, holder: Holder, host: Fact<Host>): Remedy | null {
  switch (registration.kind) {
    case 'p11-kit':
      return disableInP11Kit(file, registration, holder, host);
    case 'nss':
      return deleteFromNss(file, registration, holder, host);
    case 'policy':
      return takeFromPolicy(file, registration, holder);
  }
}

/** What another user's shell would run as that user; null: who that is, is not known. */
const asHolder = (host: Fact<Host>, { uid, user }: Holder, command: string): string | null => (isShellOf(host, uid) ? command : user === null ? null : asUser(host, user, command));

/** A file of the same name that p11-kit reads earlier wins, setting by setting; within a file the last line does (pkcs11.conf(5); tried with 0.24.1). */
function disableInP11Kit(module: string, { override, program, enableIn, disableIn }: Of<'p11-kit'>, holder: Holder, host: Fact<Host>): Remedy | null {
  if (override === null || program === '') return null;
  const line = enableIn === null ? `disable-in: ${[...(disableIn ?? []), program].join(', ')}` : `enable-in: ${enableIn.filter((name) => name !== program).join(', ')}`.trim();
  const { file, ofUser } = override;
  const as = (command: string) => (ofUser ? asHolder(host, holder, command) : asRoot(host, command));
  const [makeFolder, append] = [as(`mkdir -p ${quote(folderOf(file))}`), as(`tee -a ${quote(file)}`)];
  if (makeFolder === null || append === null) return null;
  return {
    title: `Keep p11-kit from loading ${baseName(module)} into ${program}`,
    kind: 'lasting',
    // A file may lack its final newline.
    commands: [makeFolder, `printf '\\n%s\\n' ${quote(line)} | ${append}`],
    edits: [{ file, add: [line], remove: [] }],
    price: `From its next start ${programOf(holder)} finds no keys or certificates of cards; nor does any other program called ${program}${ofUser ? ' of this user' : ', whoever runs it'}.`,
  };
}

/** The name under which OpenSC's pkcs11-register, which many desktops run at login, adds the module (OpenSC src/tools/pkcs11-register.c; tried with 0.23). */
const BY_PKCS11_REGISTER = /^OpenSC smartcard framework/;
const AUTOSTART = '"$HOME/.config/autostart"';

/** Two programs that write one database may spoil it, so the one that has it open is closed first (modutil of NSS 3.87 warns of it). */
function deleteFromNss(module: string, { file, name }: Of<'nss'>, holder: Holder, host: Fact<Host>): Remedy | null {
  if (name === null) return null;
  const database = folderOf(file);
  const modutil = `modutil -force -dbdir ${quote(`sql:${database}`)} -delete ${quote(name)}`;
  const command = database.startsWith('/etc/') ? asRoot(host, modutil) : asHolder(host, holder, modutil);
  if (command === null) return null;
  const comesBack = BY_PKCS11_REGISTER.test(name);
  const own = isShellOf(host, holder.uid);
  const hide = [`mkdir -p ${AUTOSTART}`, `printf '[Desktop Entry]\\nHidden=true\\n' > ${AUTOSTART}/pkcs11-register.desktop`];
  const [install] = packageCommands(host, 'install', 'modutil');
  return {
    title: `Close ${programOf(holder)}, then take ${baseName(module)} out of its NSS database`,
    kind: 'lasting',
    commands: [...(install === undefined ? [] : [`command -v modutil || ${install}`]), command, ...(comesBack && own ? hide : [])],
    edits: [],
    price: `${programOf(holder)} offers no keys or certificates of cards.${comesBack ? ` OpenSC's pkcs11-register adds the module again at the next login${own ? '; the last two commands switch that off, for every program that uses NSS.' : ', unless its autostart is switched off.'}` : ''}`,
  };
}

const takeFromPolicy = (module: string, { file, name, library }: Of<'policy'>, holder: Holder): Remedy => ({
  title: `Take ${baseName(module)} out of SecurityDevices in the policies of ${programOf(holder)}`,
  kind: 'lasting',
  commands: [],
  edits: [{ file, add: [], remove: [`${JSON.stringify(name)}: ${JSON.stringify(library)}`] }],
  price: `${programOf(holder)} offers no keys or certificates of cards, to any user of this machine. Its profiles may name the module by themselves by then.`,
});
