/** Which PKCS#11 modules the NSS databases of a program name: its profile's `pkcs11.txt` (NSS lib/util/utilmod.c; modutil(1)). */
import { identifyProgram } from '../data/client-programs.ts';
import { absent, skipped } from '../snapshot/fact.ts';
import type { Fact } from '../snapshot/schema.ts';
import { readOpenFiles } from '../system/process.ts';
import type { Found, Surroundings } from './pkcs11-host.ts';

const MAX_DATABASES = 32;
/** What NSS keeps open of a database as long as it uses it (seen with 3.87); the names of its old format end in 3 and 8. */
const OPEN_FILE = /^(\/.*)\/(?:cert[89]|key[34])\.db(?: \(deleted\))?$/;
/** For all users; applications of theirs use it through libnsssysinit.so. */
const SYSTEM_DATABASE = '/etc/pki/nssdb';

/** Where programs keep profiles, under the home folder and under those that snap and flatpak give them; each profile has a database. */
const PROFILES: Readonly<Record<string, readonly string[]>> = {
  firefox: ['.mozilla/firefox', '.config/mozilla/firefox', '.librewolf', 'snap/firefox/common/.mozilla/firefox', '.var/app/org.mozilla.firefox/.mozilla/firefox'],
  thunderbird: ['.thunderbird', 'snap/thunderbird/common/.thunderbird', '.var/app/org.mozilla.Thunderbird/.thunderbird'],
};
/** The database that programs share which have none of their own, Chromium among them. */
const SHARED = ['.pki/nssdb', '.local/share/pki/nssdb', 'snap/chromium/current/.pki/nssdb'];

/** A module as pkcs11.txt names it. */
interface Entry {
  library: string;
  name: string | null;
}

/** The modules of a pkcs11.txt: paragraphs of `key=value`. NSS's own has no library. */
export function parsePkcs11Txt(text: string): Entry[] {
  return text.split(/\n[ \t\r]*\n/).flatMap((paragraph) => {
    const value = (key: string) => new RegExp(`^[ \\t]*${key}=(.*)$`, 'm').exec(paragraph)?.[1]?.trim().replace(/^"(.*)"$/, '$1');
    const library = value('library') ?? '';
    return library === '' ? [] : [{ library, name: value('name') ?? null }];
  });
}

/** What the databases say that the program has open; where none is seen open, those of its user that it may have used. */
export async function nssModules(host: Surroundings): Promise<Found> {
  const opened = await openDatabases(host);
  const open = opened.length > 0;
  const databases = open ? opened : await possibleDatabases(host);
  const texts = await Promise.all(databases.slice(0, MAX_DATABASES).map(async (folder) => ({ file: `${folder}/pkcs11.txt`, text: await readDatabase(host, folder) })));
  return {
    found: texts.flatMap(({ file, text }) =>
      text.status !== 'ok' ? [] : parsePkcs11Txt(text.value).map(({ library, name }) => ({ registration: { kind: 'nss' as const, file, name, library, open }, library })),
    ),
    unread: texts.map(({ text }) => text).filter((text): text is Fact<never> => text.status !== 'ok' && text.status !== 'absent'),
  };
}

/** Of the program itself, or of the one that started it: a browser may load modules in a process of their own, which has no database. */
async function openDatabases({ system, process: { pid, parents } }: Surroundings): Promise<string[]> {
  for (const one of [pid, ...parents.slice(0, 1).map((parent) => parent.pid)]) {
    const files = (await readOpenFiles(system, one)) ?? [];
    const folders = new Set(files.flatMap(({ target }) => OPEN_FILE.exec(target)?.[1] ?? []));
    if (folders.size > 0) return [...folders].sort();
  }
  return [];
}

async function possibleDatabases(host: Surroundings): Promise<string[]> {
  const { process, homes } = host;
  const inHomes = (folders: readonly string[]) => homes.flatMap((home) => folders.map((folder) => `${home}/${folder}`));
  const roots = PROFILES[identifyProgram(process)?.id ?? ''];
  if (roots === undefined) {
    const flatpak = process.confinement?.kind === 'flatpak' ? [`.var/app/${process.confinement.name}/.pki/nssdb`] : [];
    return [...inHomes([...SHARED, ...flatpak]), SYSTEM_DATABASE];
  }
  const profiles = await Promise.all(inHomes(roots).map(async (root) => ({ root, names: await host.readNames(root) })));
  // A root that is closed stays on the list: reading it tells why.
  return [...profiles.flatMap(({ root, names }) => (names.status === 'ok' ? names.value.map((name) => `${root}/${name}`) : names.status === 'absent' ? [] : [root])), SYSTEM_DATABASE];
}

async function readDatabase(host: Surroundings, folder: string): Promise<Fact<string>> {
  const text = await host.readText(`${folder}/pkcs11.txt`);
  if (text.status !== 'absent') return text;
  const old = `${folder}/secmod.db`;
  const isThere = await host.system.stat(host.place(old)).then(
    () => true,
    () => false,
  );
  return isThere ? skipped(`${old} has NSS's old binary format`) : absent(`${folder} has no list of modules`);
}
