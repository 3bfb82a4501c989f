/** Which PKCS#11 modules a policy of the administrator's adds to Firefox or Thunderbird: `SecurityDevices` of policies.json. */
import { dirname } from 'node:path/posix';
import { identifyProgram } from '../data/client-programs.ts';
import { failed } from '../snapshot/fact.ts';
import type { Fact } from '../snapshot/schema.ts';
import type { Found, Surroundings } from './pkcs11-host.ts';

/** Programs with such policies, by the name of their folder under /etc: that of the application, not of the package. */
const APPLICATIONS: Readonly<Record<string, string>> = { firefox: 'firefox', thunderbird: 'thunderbird' };

/** The file under /etc where there is one, else that of the installation (EnterprisePoliciesParent.sys.mjs, JSONPoliciesProvider). */
export async function policyModules(host: Surroundings): Promise<Found> {
  const application = APPLICATIONS[identifyProgram(host.process)?.id ?? ''];
  if (application === undefined) return { found: [], unread: [] };
  const { exe } = host.process;
  const files = [`/etc/${application}/policies/policies.json`, ...(exe === null ? [] : [`${dirname(exe)}/distribution/policies.json`])];
  for (const file of files) {
    const text = await host.readText(file);
    if (text.status === 'absent') continue;
    const devices = text.status === 'ok' ? parseSecurityDevices(text.value) : null;
    if (devices === null) return { found: [], unread: [text.status === 'ok' ? failed(`${file} is not JSON`) : (text as Fact<never>)] };
    return { found: devices.map(([name, library]) => ({ registration: { kind: 'policy', file, name, library }, library })), unread: [] };
  }
  return { found: [], unread: [] };
}

/** Names and files of the modules a policy adds; null: it is no JSON. The form without `Add` is the older one, which still counts (mozilla/policy-templates, SecurityDevices). */
export function parseSecurityDevices(text: string): [name: string, library: string][] | null {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return null;
  }
  const devices = member(member(json, 'policies'), 'SecurityDevices');
  const added = member(devices, 'Add') ?? devices;
  return typeof added !== 'object' || added === null ? [] : Object.entries(added).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
}

const member = (value: unknown, name: string): unknown => (typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined);
