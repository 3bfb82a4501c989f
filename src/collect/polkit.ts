import { absent, ok, reasonOf } from '../snapshot/fact.ts';
import type { Fact, FactValue, Host } from '../snapshot/schema.ts';
import type { System } from '../system/port.ts';
import { pidsNamed, readStat } from '../system/process.ts';
import { attempt, defineCollector } from './collector.ts';
import { readSession } from './host.ts';
import { readArguments, readBuild } from './pcscd.ts';

type Surroundings = Pick<FactValue<'polkit'>, 'bus' | 'authority' | 'hidepid'>;
type Polkit = Omit<FactValue<'polkit'>, keyof Surroundings>;
type Access = Polkit['accessPcsc'];

/** The two actions of pcscd (pcsc-lite doc/org.debian.pcsc-lite.policy): at connecting to it, and to a card. */
const ACTIONS = { accessPcsc: 'org.debian.pcsc-lite.access_pcsc', accessCard: 'org.debian.pcsc-lite.access_card' };
const ACTION_PREFIX = 'org.debian.pcsc-lite';
const POLICY_FILE = '/usr/share/polkit-1/actions/org.debian.pcsc-lite.policy';
/** Folders of rules (polkit(8)), and of their forerunners up to polkit 0.105. */
const RULE_FOLDERS = ['/etc/polkit-1/rules.d', '/run/polkit-1/rules.d', '/usr/local/share/polkit-1/rules.d', '/usr/share/polkit-1/rules.d'];
const OLD_RULE_FOLDERS = ['/etc/polkit-1/localauthority', '/var/lib/polkit-1/localauthority'].flatMap((folder) =>
  ['10-vendor.d', '20-org.d', '30-site.d', '50-local.d', '90-mandatory.d'].map((level) => `${folder}/${level}`),
);
const FILE_LIMIT = 64 * 1024;
const MAX_RULES = 100;
const SYSTEM_BUS = '/run/dbus/system_bus_socket';
const PKCHECK = '/usr/bin/pkcheck';
/** Exit codes of pkcheck(1); with 127, or another, the question could not be asked. */
const PKCHECK_ANSWERS: Record<number, Access> = { 0: 'yes', 1: 'no', 2: 'auth' };
/** Answers that a policy's defaults may give (polkit(8)). */
const DEFAULTS: Record<string, Access> = {
  yes: 'yes',
  no: 'no',
  auth_self: 'auth',
  auth_admin: 'auth',
  auth_self_keep: 'auth',
  auth_admin_keep: 'auth',
};

/** Whether pcscd asks polkit at all, and why we think so. */
async function readEnforced(system: System): Promise<{ enforced: boolean | null; evidence: string }> {
  const [build, { argv, from }] = await Promise.all([readBuild(system), readArguments(system)]);
  if (build.status !== 'ok') return { enforced: null, evidence: 'pcscd cannot be asked what it is built with' };
  const { path, version, polkit } = build.value;
  if (polkit === null) return { enforced: null, evidence: `${path} ${version} does not tell whether it is built with polkit` };
  if (!polkit) return { enforced: false, evidence: `${path} ${version} is built without polkit` };
  if (argv.includes('--disable-polkit')) return { enforced: false, evidence: `--disable-polkit is an argument of ${from}` };
  return { enforced: true, evidence: `${path} ${version} is built with polkit` };
}

interface Rules {
  /** Files that name pcscd's actions. */
  mentioning: string[];
  /** Files that may decide about any action, and folders or files this user may not read. */
  opaque: string[];
}

async function readRules(system: System): Promise<Rules> {
  const folders = await Promise.all([...RULE_FOLDERS, ...OLD_RULE_FOLDERS].map((folder) => readRuleFolder(system, folder)));
  return { mentioning: folders.flatMap(({ mentioning }) => mentioning), opaque: folders.flatMap(({ opaque }) => opaque) };
}

async function readRuleFolder(system: System, folder: string): Promise<Rules> {
  const listing = await attempt<string[]>(async () => ok(await system.readDir(folder), folder));
  if (listing.status === 'absent') return { mentioning: [], opaque: [] };
  if (listing.status !== 'ok') return { mentioning: [], opaque: [folder] };
  const paths = listing.value.filter((name) => /\.(rules|pkla)$/.test(name)).map((name) => `${folder}/${name}`);
  const texts = await Promise.all(paths.slice(0, MAX_RULES).map((path) => system.readFile(path, FILE_LIMIT).catch(() => null)));
  const is = (test: (text: string | null) => boolean) => paths.filter((_, index) => test(texts[index] ?? null));
  return {
    mentioning: is((text) => text?.includes(ACTION_PREFIX) === true),
    // A rule that never looks at the action's id, or looks at a part of it, may answer for ours as well.
    opaque: is((text) => text === null || (text.includes('addRule') && !/action\.id\s*={2,3}\s*["']/.test(text)) || /action\.id\.|Action=.*\*/.test(text)),
  };
}

/** What an installed policy says of an action for a session like this one, where no rule says otherwise. */
function readDefault(policy: string, action: string, session: Host['session']): Access {
  if (session.place === 'unknown' || (session.place === 'local' && session.active === null)) return 'unknown';
  const element = session.place === 'local' ? (session.active === true ? 'allow_active' : 'allow_inactive') : 'allow_any';
  const block = policy.split('<action ').find((part) => part.startsWith(`id="${action}"`)) ?? '';
  const answer = new RegExp(`<${element}>\\s*(\\w+)\\s*</${element}>`).exec(block)?.[1];
  return (answer === undefined ? undefined : DEFAULTS[answer]) ?? 'unknown';
}

/** Asks polkit about cardcheck's own process, only where polkit runs: a question would start it. */
async function askPolkit(system: System): Promise<Fact<Omit<Polkit, 'enforced' | 'rules'>>> {
  const [polkitd, bus, pkcheck, self] = await Promise.all([
    pidsNamed(system, 'polkitd'),
    system.stat(SYSTEM_BUS).then(({ kind }) => kind === 'socket', () => false),
    system.stat(PKCHECK).then(() => true, () => false),
    readStat(system, system.pid),
  ]);
  if (polkitd.length === 0 || !bus || !pkcheck || self === null) return absent('polkit was not asked');
  const subject = `${system.pid},${self.startTicks},${system.uid}`;
  const ask = async (action: string): Promise<{ answer: Access; registered: boolean; evidence: string }> => {
    const { exitCode, stderr } = await system.run('pkcheck', ['--action-id', action, '--process', subject], { limit: FILE_LIMIT });
    // pcscd lets nobody in, not even root, when polkit does not know its actions (pcsc-lite auth.c).
    const registered = !/is not registered/.test(stderr);
    const answer = registered ? (PKCHECK_ANSWERS[exitCode ?? -1] ?? 'unknown') : 'no';
    return { answer, registered, evidence: `pkcheck --action-id ${action}: ${stderr.trim().split('\n', 1)[0]?.slice(0, 200) || answer}` };
  };
  const [pcsc, card] = await Promise.all([ask(ACTIONS.accessPcsc), ask(ACTIONS.accessCard)]).catch(() => [null, null]);
  if (pcsc === null || card === null) return absent('polkit did not answer in time');
  return ok({ accessPcsc: pcsc.answer, accessCard: card.answer, registered: pcsc.registered && card.registered, evidence: [pcsc.evidence, card.evidence] }, 'pkcheck');
}

async function readPolkit(system: System): Promise<Fact<Polkit>> {
  if (system.platform === 'darwin') return absent('macOS has no polkit');
  const { enforced, evidence } = await readEnforced(system);
  const both = (access: Access, rules: string[], reasons: string[], source: string): Fact<Polkit> =>
    ok({ enforced, accessPcsc: access, accessCard: access, rules, registered: null, evidence: [evidence, ...reasons] }, source);
  const answered = (answer: Omit<Polkit, 'enforced' | 'rules'>, rules: string[]): Fact<Polkit> => ok({ enforced, ...answer, rules, evidence: [evidence, ...answer.evidence] }, 'pkcheck');
  if (enforced === null) return both('unknown', [], [], 'pcscd -v');
  if (!enforced) return both('yes', [], [], 'pcscd -v');
  // Root is authorized for any action that polkit knows, and refused one that it does not (polkitbackendinteractiveauthority.c, check_authorization_sync).
  if (system.uid === 0) {
    const asked = await askPolkit(system);
    if (asked.status === 'ok' && asked.value.registered === false) return answered(asked.value, []);
    return both('yes', [], ['polkit allows root everything; an ordinary user was not tested'], 'pcscd -v');
  }
  const [asked, rules, session, policy] = await Promise.all([askPolkit(system), readRules(system), readSession(system), system.readFile(POLICY_FILE, FILE_LIMIT).catch(() => null)]);
  if (asked.status === 'ok') return answered(asked.value, rules.mentioning);
  const unasked = reasonOf(asked);
  const undecided = [...new Set([...rules.mentioning, ...rules.opaque])];
  if (undecided.length > 0) return both('unknown', rules.mentioning, [`${unasked}, and these rules may decide: ${undecided.slice(0, 5).join(', ')}`], 'rules of polkit');
  if (policy === null) return both('unknown', [], [`${unasked}, and ${POLICY_FILE} cannot be read`], POLICY_FILE);
  const state = session.active === false ? `${session.place} and inactive` : session.place;
  return ok(
    {
      enforced,
      accessPcsc: readDefault(policy, ACTIONS.accessPcsc, session),
      accessCard: readDefault(policy, ACTIONS.accessCard, session),
      rules: [],
      registered: null,
      evidence: [evidence, `no rule names pcscd; its policy decides by the session, which is ${state} (${session.evidence})`],
    },
    POLICY_FILE,
  );
}

/** Where the bus would start polkit from. */
const ACTIVATION_FILES = ['/usr/share/dbus-1/system-services', '/usr/local/share/dbus-1/system-services', '/run/dbus-1/system-services'].map((folder) => `${folder}/org.freedesktop.PolicyKit1.service`);
const MOUNTS_LIMIT = 256 * 1024;

/** What pcscd needs in order to ask: the bus, polkit behind it, and a /proc in which both can look at the client. */
async function readSurroundings(system: System): Promise<Surroundings> {
  const exists = (path: string) => system.stat(path).then(() => true, () => false);
  const [bus, running, startable, mounts] = await Promise.all([
    system.stat(SYSTEM_BUS).then(({ kind }) => kind === 'socket', () => false),
    pidsNamed(system, 'polkitd'),
    Promise.all(ACTIVATION_FILES.map(exists)),
    system.readFile('/proc/mounts', MOUNTS_LIMIT).catch(() => ''),
  ]);
  return { bus, authority: running.length > 0 ? 'running' : startable.includes(true) ? 'startable' : 'missing', hidepid: readHidepid(mounts) };
}

/** The option hidepid of /proc (proc(5)), as a number or a name; 0 and off hide nothing. */
function readHidepid(mounts: string): string | null {
  const options = mounts.split('\n').flatMap((line) => /^\S+ \/proc proc (\S+)/.exec(line)?.[1] ?? []).at(-1) ?? '';
  const value = /(?:^|,)hidepid=(\w+)/.exec(options)?.[1];
  return value === undefined || value === '0' || value === 'off' ? null : value;
}

/** Whether polkit stands between this user and pcscd. */
export default defineCollector({
  name: 'polkit',
  facts: ['polkit'],
  collect: async (system) => ({
    polkit: await attempt(async () => {
      const polkit = await readPolkit(system);
      if (polkit.status !== 'ok') return polkit;
      const surroundings = polkit.value.enforced === true ? await readSurroundings(system) : { bus: null, authority: null, hidepid: null };
      return { ...polkit, value: { ...polkit.value, ...surroundings } };
    }),
  }),
});
