/** PKCS#11 modules: which program has which loaded, who made it do so, and how that is said. */
import type { LoadedModule } from '../report/schema.ts';
import { reasonOf, valueOf } from '../snapshot/fact.ts';
import type { Facts, Pkcs11Host, Pkcs11Registration } from '../snapshot/schema.ts';

/** By the pid of the program. Where nobody asked who registered a module, that is the reason for not knowing it. */
export function loadedModules({ clients, pkcs11Hosts }: Facts): ReadonlyMap<number, readonly LoadedModule[]> {
  const unknown = pkcs11Hosts.status === 'ok' ? 'not looked for' : reasonOf(pkcs11Hosts);
  const seen = (valueOf(clients)?.clients ?? []).flatMap(({ process, modules }) =>
    process === null || modules.length === 0 ? [] : [[process.pid, modules.map((file): LoadedModule => ({ file, registeredBy: [], unknown, alone: false }))] as const],
  );
  return new Map([...seen, ...(valueOf(pkcs11Hosts) ?? []).map((host) => [host.pid, host.modules.map((module) => ofHost(host, module))] as const)]);
}

function ofHost({ loaders }: Pkcs11Host, { file, registrations }: Pkcs11Host['modules'][number]): LoadedModule {
  const known = registrations.status === 'ok';
  return { file, registeredBy: known ? registrations.value : [], unknown: known ? null : reasonOf(registrations), alone: loaders.length === 0 };
}

/** What was seen of one module, as a sentence about the program that has it. */
export function moduleSentence({ file, registeredBy, unknown, alone }: LoadedModule): string {
  if (registeredBy.length > 0) return `It has loaded ${file}, which ${registeredBy.map(registrationWords).join(', and ')}.`;
  if (unknown !== null) return `It has loaded ${file}; who registered it there could not be told: ${unknown}.`;
  return alone ? `It has loaded ${file} by itself: neither p11-kit nor NSS is at work in it.` : `It has loaded ${file}; nobody was seen to have registered it there.`;
}

function registrationWords(registration: Pkcs11Registration): string {
  const { kind, file } = registration;
  switch (kind) {
    case 'p11-kit':
      return `p11-kit registers for ${programsOf(registration)} (${file})`;
    case 'nss':
      return `${registration.open ? 'the NSS database it has open' : 'an NSS database it may use'} names (${file})`;
    case 'policy':
      return `a policy adds (${file})`;
  }
}

function programsOf({ enableIn, disableIn }: Extract<Pkcs11Registration, { kind: 'p11-kit' }>): string {
  if (enableIn !== null) return enableIn.join(', ');
  return disableIn === null || disableIn.length === 0 ? 'every program' : `every program but ${disableIn.join(', ')}`;
}
