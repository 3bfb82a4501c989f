/**
 * Which PKCS#11 modules p11-kit loads into a program, read from its configuration as p11-kit itself reads it
 * (pkcs11.conf(5); p11-kit/conf.c and p11-kit/modules.c; tried with 0.24.1).
 */
import { basename, dirname, join } from 'node:path/posix';
import { absent } from '../snapshot/fact.ts';
import type { Fact, Pkcs11Registration, Process } from '../snapshot/schema.ts';
import type { Found, Surroundings } from './pkcs11-host.ts';

type P11KitRegistration = Extract<Pkcs11Registration, { kind: 'p11-kit' }>;

const MAX_FILES = 100;
const SUFFIX = '.module';
/** Files of another form are read as well, under their whole name (p11-kit/conf.c, calc_name_from_filename). */
const FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*\.module$/;

/** Settings of a file, by name. The last of a name counts; lines that are none are passed over. */
export function parseP11KitFile(text: string): ReadonlyMap<string, string> {
  const settings = new Map<string, string>();
  for (const line of text.split('\n').map((one) => one.trim())) {
    const colon = line.indexOf(':');
    if (colon > 0 && !line.startsWith('#')) settings.set(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
  }
  return settings;
}

/**
 * The name p11-kit knows a program by in `enable-in` and `disable-in` (p11-kit common/compat.c, getprogname): programs
 * that write their arguments into the first are called by their file.
 */
export function programNameIn({ argv: [name = ''], exe }: Pick<Process, 'argv' | 'exe'>): string {
  return basename(exe !== null && name.startsWith(exe) ? exe : name);
}

/** A name is told from the next by commas and blanks. */
const programsIn = (list: string | undefined): string[] | null => (list === undefined ? null : list.split(/[\s,]+/).filter((name) => name !== ''));

/** Where a build looks that has its library there: the folders follow the prefix it was configured with. */
export function p11KitFolders(library: string): { sysconf: string; shared: string; modules: string } {
  const folder = dirname(library);
  const prefix = /^(.*)\/lib(?:32|64|x32)?(?:\/[^/]+)?$/.exec(folder)?.[1] ?? '/usr';
  const inSystem = prefix === '' || prefix === '/usr';
  return { sysconf: inSystem ? '/etc/pkcs11' : `${prefix}/etc/pkcs11`, shared: `${inSystem ? '/usr' : prefix}/share/p11-kit/modules`, modules: `${folder}/pkcs11` };
}

/** One module by its name in p11-kit: what is not set in one file is taken from the next. */
interface Configured {
  settings: Map<string, string>;
  /** The file that says which module it is. */
  file: string | null;
}

type UserMode = 'none' | 'merge' | 'only';

/** Another word makes p11-kit fail as a whole. */
const userMode = (text: string | undefined, fallback: UserMode): UserMode => (text === 'none' || text === 'merge' || text === 'only' ? text : text === 'override' ? 'only' : fallback);

/** The modules p11-kit is told to load into this program, and what of its configuration stayed closed. @param library p11-kit itself, as the program has loaded it */
export async function p11KitModules(host: Surroundings, library: string): Promise<Found> {
  const { sysconf, shared, modules } = p11KitFolders(library);
  const settingsOf = (text: Fact<string>) => parseP11KitFile(text.status === 'ok' ? text.value : '');
  const system = await host.readText(`${sysconf}/pkcs11.conf`);
  const userFolder = userConfigFolder(host);
  let mode = userFolder === null ? 'none' : userMode(settingsOf(system).get('user-config'), 'merge');
  const user = mode === 'none' ? absent('not read') : await host.readText(`${userFolder}/pkcs11.conf`);
  if (mode !== 'none') mode = userMode(settingsOf(user).get('user-config'), mode);
  const own = mode === 'none' ? null : `${userFolder}/modules`;
  const folders = [...(own === null ? [] : [own]), ...(mode === 'only' ? [] : [`${sysconf}/modules`, shared])];
  const unread: Fact<never>[] = [system, user].filter(isClosed);
  const configured = new Map<string, Configured>();
  for (const folder of folders) unread.push(...(await readFolder(host, folder, configured)));
  const program = programNameIn(host.process);
  const found = [...configured].flatMap(([name, { settings, file }]) => {
    const module = settings.get('module') ?? '';
    const [enableIn, disableIn] = [programsIn(settings.get('enable-in')), programsIn(settings.get('disable-in'))];
    // A remote module runs in another process. With both lists p11-kit looks at the first (p11-kit/modules.c, is_module_enabled_unlocked).
    const applies = enableIn === null ? disableIn?.includes(program) !== true : enableIn.includes(program);
    if (file === null || module === '' || settings.has('remote') || !applies) return [];
    const registration: P11KitRegistration = { kind: 'p11-kit', file, name, program, enableIn, disableIn, override: overrideOf(host, name, { own, system: `${sysconf}/modules` }) };
    return [{ registration, library: module.startsWith('/') ? module : join(modules, module) }];
  });
  return { found, unread };
}

const isClosed = (fact: Fact<unknown>): fact is Fact<never> => fact.status !== 'ok' && fact.status !== 'absent';

/** p11-kit leaves a user's files alone in programs of root, and where a variable says so (p11-kit/conf.c, _p11_conf_load_globals). */
function userConfigFolder({ process, home, env }: Surroundings): string | null {
  if (process.uid === 0 || env.has('P11_KIT_NO_USER_CONFIG')) return null;
  const config = env.get('XDG_CONFIG_HOME') || (home === null ? '' : `${home}/.config`);
  return config === '' ? null : `${config}/pkcs11`;
}

/** Adds what a folder says and was not said before; returns what of it is closed. */
async function readFolder(host: Surroundings, folder: string, configured: Map<string, Configured>): Promise<Fact<never>[]> {
  const names = await host.readNames(folder);
  if (names.status !== 'ok') return [names].filter(isClosed);
  const texts = await Promise.all(names.value.slice(0, MAX_FILES).map(async (name) => ({ name, file: `${folder}/${name}`, text: await host.readText(`${folder}/${name}`) })));
  for (const { name, file, text } of texts) {
    if (text.status !== 'ok') continue;
    const key = FILE_NAME.test(name) ? name.slice(0, -SUFFIX.length) : name;
    const known = configured.get(key) ?? { settings: new Map<string, string>(), file: null };
    configured.set(key, known);
    for (const [setting, value] of parseP11KitFile(text.value)) {
      if (known.settings.has(setting)) continue;
      known.settings.set(setting, value);
      if (setting === 'module') known.file = file;
    }
  }
  return texts.map(({ text }) => text).filter(isClosed);
}

/** The file whose settings come before all others' of this name; null: it lies in a sandbox, whose system cannot be changed. */
function overrideOf({ sandboxed }: Surroundings, name: string, { own, system }: { own: string | null; system: string }): P11KitRegistration['override'] {
  if (own !== null) return { file: `${own}/${name}${SUFFIX}`, ofUser: true };
  return sandboxed ? null : { file: `${system}/${name}${SUFFIX}`, ofUser: false };
}
