/** What macOS has instead of pcscd: its drivers, its settings, its services. Built from documented output, never run on a Mac. */
import { absent, failed, ok } from '../snapshot/fact.ts';
import type { DriverBundle, Fact, FactValue, MacosService } from '../snapshot/schema.ts';
import { type System, SystemError } from '../system/port.ts';
import { darwinProcesses } from '../system/process-darwin.ts';
import { attempt, defineCollector } from './collector.ts';
import { readBundles } from './drivers.ts';
import { parsePlist } from './plist.ts';

/** SmartCardServices(7). */
const BUNDLED_DRIVERS = '/usr/libexec/SmartCardServices/drivers';
const ADDED_DRIVERS = '/usr/local/libexec/SmartCardServices/drivers';
const PREFERENCES = '/Library/Preferences/com.apple.security.smartcard';
const RUN_MS = 800;
const FILE_LIMIT = 64 * 1024;

const NO_MAC = absent('this is not macOS');

async function readDriver(system: System): Promise<Fact<FactValue<'macosDriver'>>> {
  const [versions, useIfdCcid, disabledTokens, bundled, added] = await Promise.all([
    readVersions(system),
    attempt(() => readSwitch(system)),
    attempt(() => readDisabledTokens(system)),
    bundlesIn(system, BUNDLED_DRIVERS),
    bundlesIn(system, ADDED_DRIVERS),
  ]);
  return ok({ ...versions, useIfdCcid, disabledTokens, bundled, added }, `${PREFERENCES}.plist, ${BUNDLED_DRIVERS}, ${ADDED_DRIVERS}`);
}

const bundlesIn = (system: System, folder: string): Promise<DriverBundle[]> => system.readDir(folder).then((names) => readBundles(system, folder, names), () => []);

/** sw_vers(1): lines of a name, a colon, and a value. */
async function readVersions(system: System): Promise<{ version: string | null; build: string | null }> {
  const { stdout } = await system.run('sw_vers', [], { timeoutMs: RUN_MS }).catch(() => ({ stdout: '' }));
  const value = (name: string) => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(stdout)?.[1] ?? null;
  return { version: value('ProductVersion'), build: value('BuildVersion') };
}

// --- settings; the file is a binary property list as a rule, which defaults(1) reads

/** What defaults(1) says of a key, or null where it was never set; undefined: it cannot be asked. */
async function readDefault(system: System, key: string): Promise<string | null | undefined> {
  try {
    const { exitCode, stdout, stderr } = await system.run('defaults', ['read', PREFERENCES, key], { timeoutMs: RUN_MS });
    if (exitCode === 0) return stdout.trim();
    if (/does not exist/.test(stderr)) return null;
    throw new Error(`defaults read ${PREFERENCES} ${key}: ${stderr.trim().split('\n').at(-1)?.slice(0, 200) || `exit code ${exitCode}`}`);
  } catch (error) {
    if (error instanceof SystemError && error.isMissing) return undefined;
    throw error;
  }
}

/** The file itself, for a disk of another Mac; null: there is none. @throws Error for a binary one */
async function readPreferences(system: System): Promise<string | null> {
  const text = await system.readFile(`${PREFERENCES}.plist`, FILE_LIMIT).catch((error: unknown) => {
    if (error instanceof SystemError && error.isMissing) return null;
    throw error;
  });
  if (text?.startsWith('bplist')) throw new Error(`${PREFERENCES}.plist is a binary property list, which only defaults(1) of macOS reads`);
  return text;
}

const NEVER_SET = (key: string): Fact<never> => absent(`${key} was never set`);
const ON = /^(?:1|yes|true)$/i;
const OFF = /^(?:0|no|false)$/i;

async function readSwitch(system: System): Promise<Fact<boolean>> {
  const key = 'useIFDCCID';
  const source = `defaults read ${PREFERENCES} ${key}`;
  const told = await readDefault(system, key);
  if (told === undefined) {
    const [, inFile] = new RegExp(`<key>${key}</key>\\s*<(true|false)/>`).exec((await readPreferences(system)) ?? '') ?? [];
    return inFile === undefined ? NEVER_SET(key) : ok(inFile === 'true', `${PREFERENCES}.plist`);
  }
  if (told === null) return NEVER_SET(key);
  return ON.test(told) ? ok(true, source) : OFF.test(told) ? ok(false, source) : failed(`${source} printed ${told.slice(0, 80)}`);
}

/** defaults(1) prints an array as `(`, a value a line, in quotes where it has to be, `)`. */
async function readDisabledTokens(system: System): Promise<Fact<string[]>> {
  const key = 'DisabledTokens';
  const told = await readDefault(system, key);
  if (told === null) return NEVER_SET(key);
  if (told !== undefined) return ok(Array.from(told.matchAll(/^\s+"?([^\s",()]+)"?,?$/gm), ([, token]) => token as string), `defaults read ${PREFERENCES} ${key}`);
  const text = await readPreferences(system);
  const inFile = text === null ? undefined : parsePlist(text)?.get(key);
  return Array.isArray(inFile) ? ok(inFile, `${PREFERENCES}.plist`) : NEVER_SET(key);
}

// --- services

/** By the paths of their programs on macOS 10.12 to 15; an extension is whatever of CryptoTokenKit lies in an .appex. */
const ROLES: readonly { program: RegExp; role: MacosService['role'] }[] = [
  { program: /\/com\.apple\.ctkpcscd$/, role: 'pcsc-service' },
  { program: /\/(?:com\.apple\.ifdreader|usbsmartcardreaderd)$/, role: 'reader-service' },
  { program: /\/(?:ctkd|ctkahp)$/, role: 'token-service' },
  { program: /\/CryptoTokenKit\.framework\/.*\.appex\/|\/[^/]*Token[^/]*\.appex\//i, role: 'token-extension' },
];

async function readServices(system: System): Promise<Fact<MacosService[]>> {
  const processes = await darwinProcesses(system);
  // There is always a first one; nothing at all means that ps printed something else.
  if (processes.length === 0) return failed('ps printed no list of processes');
  const services = processes.flatMap(({ pid, uid, startedAt, program }) => {
    const role = ROLES.find((one) => one.program.test(program))?.role;
    return role === undefined ? [] : [{ pid, uid, startedAt, program, role }];
  });
  return ok(services, 'ps -ax');
}

export const macos = defineCollector({
  name: 'macOS',
  facts: ['macosDriver', 'macosServices'],
  collect: async (system) => {
    if (system.platform !== 'darwin') return { macosDriver: NO_MAC, macosServices: NO_MAC };
    const [macosDriver, macosServices] = await Promise.all([attempt(() => readDriver(system)), attempt(() => readServices(system))]);
    return { macosDriver, macosServices };
  },
});
