import { basename, dirname, join } from 'node:path/posix';
import { absent, ok, skipped } from '../snapshot/fact.ts';
import type { Fact, FactValue, Pkcs11Host, Pkcs11Registration, Process } from '../snapshot/schema.ts';
import { type MappedFile, mappedFiles } from '../system/mapped-files.ts';
import type { System } from '../system/port.ts';
import { policyModules } from './browser-policies.ts';
import { pkcs11Modules, readClients } from './clients.ts';
import { attempt, defineCollector } from './collector.ts';
import { nssModules } from './nss-databases.ts';
import { p11KitModules } from './p11-kit.ts';
import { type Found, type Surroundings, surroundingsOf } from './pkcs11-host.ts';

type Hosts = FactValue<'pkcs11Hosts'>;

const MAX_HOSTS = 32;
/** What shows that p11-kit is at work in a program: its library, which the proxy module is a link to (p11-kit p11-kit/meson_post_install.sh). */
const P11_KIT = /\/(?:libp11-kit\.so(?:\.[\d.]+)?|p11-kit-proxy\.so)$/;
/** Debian's once had a version behind its name. */
const NSS = /\/libnss3\.so(?:\.\w+)?$/;

/**
 * Who made the clients of pcscd load their PKCS#11 modules. Where none has one, which is the usual case, nothing is
 * read but what the list of clients has cost anyway.
 */
export const pkcs11 = defineCollector({ name: 'PKCS#11 modules', facts: ['pkcs11Hosts'], collect: async (system) => ({ pkcs11Hosts: await attempt(() => ofClients(system)) }) });

/** The same of these processes alone. */
export const pkcs11Of = (processes: readonly Process[]) =>
  defineCollector({ name: 'PKCS#11 modules', facts: ['pkcs11Hosts'], collect: async (system) => ({ pkcs11Hosts: await attempt(async () => ok(await readHosts(system, processes), '/proc')) }) });

async function ofClients(system: System): Promise<Fact<Hosts>> {
  if (system.platform === 'darwin') return absent('loaded modules are looked at on Linux only');
  const clients = await readClients(system);
  if (clients.status !== 'ok') return skipped('which programs are connected to pcscd is not known');
  const { clients: connected, suspects = [] } = clients.value;
  return ok(await readHosts(system, [...connected.flatMap(({ process }) => process ?? []), ...suspects]), '/proc');
}

async function readHosts(system: System, processes: readonly Process[]): Promise<Hosts> {
  const modules = await Promise.all(processes.map(async (process) => ({ process, modules: await pkcs11Modules(system, process.pid) })));
  const hosts = modules.filter((host) => host.modules.length > 0).slice(0, MAX_HOSTS);
  return Promise.all(hosts.map((host) => readHost(system, host.process, host.modules)));
}

async function readHost(system: System, process: Process, modules: readonly string[]): Promise<Pkcs11Host> {
  const [host, mapped] = await Promise.all([surroundingsOf(system, process), mappedFiles(system, process.pid)]);
  const files = mapped ?? [];
  const p11Kit = files.find(({ path }) => P11_KIT.test(path));
  const nss = files.some(({ path }) => NSS.test(path));
  const places = await Promise.all([...(p11Kit === undefined ? [] : [p11KitModules(host, p11Kit.path)]), ...(nss ? [nssModules(host), policyModules(host)] : [])]);
  const loaders: Pkcs11Host['loaders'] = [...(p11Kit === undefined ? [] : (['p11-kit'] as const)), ...(nss ? (['nss'] as const) : [])];
  const registered = modules.map(async (file) => ({ file, registrations: await registrationsOf(host, files.find(({ path }) => path === file) ?? { path: file, inode: 0 }, places) }));
  return { pid: process.pid, loaders, modules: await Promise.all(registered) };
}

/** What was found counts although something else stayed closed; that nothing was found is said only where all was seen. */
async function registrationsOf(host: Surroundings, module: MappedFile, places: readonly Found[]): Promise<Fact<Pkcs11Registration[]>> {
  const all = places.flatMap(({ found }) => found);
  const names = await Promise.all(all.map(({ library }) => isSameFile(host, library, module)));
  const registrations = all.filter((_, index) => names[index]).map(({ registration }) => registration);
  const [closed] = places.flatMap(({ unread }) => unread);
  return registrations.length > 0 || closed === undefined ? ok(registrations, 'configuration of p11-kit, NSS databases, policies') : closed;
}

/** Whether the file a configuration names is the loaded one, whatever links lead there. A name without a folder is the dynamic linker's to find (dlopen(3)). */
async function isSameFile({ system, sandboxed, place }: Surroundings, named: string, { path, inode }: MappedFile): Promise<boolean> {
  const candidate = named.startsWith('/') ? named : join(dirname(path), basename(named));
  if (candidate === path) return true;
  // The links of a sandbox cannot be resolved from outside; the kernel can open what they lead to.
  if (sandboxed) return inode !== 0 && (await system.stat(place(candidate)).then((stat) => stat.inode === inode, () => false));
  const [one, other] = await Promise.all([candidate, path].map((file) => system.realPath(file).catch(() => null)));
  return one !== null && one === other;
}
