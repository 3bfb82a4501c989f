/** The lines and commands that are offered, run for real where that is possible: in a shell, and past a real scdaemon. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { checks } from '../../checks/index.ts';
import { unregister } from '../../checks/module-remedies.ts';
import { endScdaemon, mendLines, releaseHolders, shareReader } from '../../checks/remedies.ts';
import { linesToShare, type InstalledScdaemon } from '../../checks/scdaemon.ts';
import { parsePkcs11Txt } from '../../src/collect/nss-databases.ts';
import { scdaemonBackend } from '../../src/gnupg/backend.ts';
import { parseVersion } from '../../src/gnupg/version.ts';
import { judge } from '../../src/judge.ts';
import type { Finding, Holder, Remedy } from '../../src/report/schema.ts';
import { ok, valueOf } from '../../src/snapshot/fact.ts';
import type { Fact, FactName, FactValue, Gnupg, Host, Pkcs11Registration, Scdaemon, ScdaemonConfig, Snapshot } from '../../src/snapshot/schema.ts';
import { asOrdinaryUser } from '../support/ordinary-user.ts';
import { factsOf, situation, situations } from '../support/situations.ts';

const base = situation('base');
const valueIn = <N extends FactName>(snapshot: Snapshot, name: N): FactValue<N> => valueOf(snapshot.facts[name] as Fact<FactValue<N>>) as FactValue<N>;
const findingsIn = (snapshot: Snapshot): Finding[] => judge(checks, factsOf(snapshot)).findings.filter(({ severity }) => severity !== 'info');

/** How scdaemon would go about it after these options are in force; from the rules the collector uses. */
function configured(scdaemon: InstalledScdaemon, options: readonly string[]): ScdaemonConfig {
  const disableCcid = options.includes('disable-ccid');
  const pcscShared = options.includes('pcsc-shared');
  const backend = scdaemonBackend({ version: parseVersion(scdaemon.version), internalCcid: scdaemon.internalCcid, disableCcid });
  return { ...valueIn(situation('latent-2.2'), 'scdaemonConfig'), disableCcid, pcscShared, backend, shareMode: pcscShared ? 'shared' : 'exclusive' };
}

const installed = (version: string, internalCcid: boolean, knowsPcscShared: boolean): InstalledScdaemon => ({ path: '/usr/lib/gnupg/scdaemon', version, internalCcid, knowsPcscShared, options: null });

describe('the lines a scdaemon needs to share', () => {
  const debian12 = installed('2.2.40', true, true);
  const debian13 = installed('2.4.7', true, true);
  const fedora = installed('2.4.9', false, true);
  const ubuntu22 = installed('2.2.27', true, false);

  test.each<[string, InstalledScdaemon, string[], string[] | null]>([
    ['Debian 12 as installed', debian12, [], ['disable-ccid', 'pcsc-shared']],
    ['Debian 13 as installed', debian13, [], ['disable-ccid', 'pcsc-shared']],
    ['Debian 13 with disable-ccid', debian13, ['disable-ccid'], ['pcsc-shared']],
    ['Debian 13 with pcsc-shared', debian13, ['pcsc-shared'], ['disable-ccid']],
    ['Fedora, built without the internal driver', fedora, [], ['pcsc-shared']],
    ['Fedora with pcsc-shared', fedora, ['pcsc-shared'], []],
    ['Ubuntu 22.04, which does not know pcsc-shared', ubuntu22, [], null],
  ])('%s', (_, scdaemon, inForce, lines) => {
    expect(linesToShare(scdaemon, configured(scdaemon, inForce))).toEqual(lines);
  });

  test.each<[string, string, InstalledScdaemon]>([
    ['gpg-blocked', 'Debian 12', debian12],
    ['gpg-2.4-beside-pcscd', 'Debian 13', debian13],
    ['latent-2.2', 'Debian 12', debian12],
    ['gpg-blocked', 'Fedora', fedora],
  ])('%s on %s is silent once they are in force', (name, _, scdaemon) => {
    const snapshot = situation(name);
    const gnupg = { ...valueIn(snapshot, 'gnupg'), scdaemon };
    const withOptions = (options: readonly string[]): Snapshot => ({
      ...snapshot,
      facts: { ...snapshot.facts, gnupg: ok(gnupg, 'test'), scdaemonConfig: ok(configured(scdaemon, options), 'test') },
    });
    expect(findingsIn(withOptions([]))).not.toEqual([]);
    const lines = linesToShare(scdaemon, configured(scdaemon, [])) ?? [];
    expect(findingsIn(withOptions(lines))).toEqual([]);
  });
});

test('nothing that is known to be useless is ever advised', () => {
  const lines = situations.flatMap((name) => findingsIn(situation(name)).flatMap(({ remedies }) => remedies.flatMap(({ commands, edits }) => [...commands, ...edits.flatMap(({ add }) => add)])));
  expect(lines.join('\n')).not.toMatch(/shared-access|card-timeout/);
  const readers = ['Yubico YubiKey OTP+FIDO+CCID', 'Virtual PCD B'];
  expect(lines.filter((line) => line.includes('reader-port') && !readers.some((reader) => line.includes(reader)))).toEqual([]);
});

test('a line is offered only where the installed scdaemon knows it', () => {
  for (const name of situations) {
    const snapshot = situation(name);
    const scdaemon = snapshot.facts.gnupg.status === 'ok' ? snapshot.facts.gnupg.value.scdaemon : null;
    const added = findingsIn(snapshot).flatMap(({ remedies }) => remedies.flatMap(({ edits }) => edits.flatMap(({ add }) => add)));
    if (scdaemon?.knowsPcscShared !== true) expect(added, name).not.toContain('pcsc-shared');
    if (scdaemon?.internalCcid !== true) expect(added, name).not.toContain('disable-ccid');
  }
});

test('every error says what to do, and each remedy that takes something away its price', () => {
  for (const name of situations) {
    for (const finding of findingsIn(situation(name))) {
      if (finding.severity === 'error') expect(finding.remedies, `${name}: ${finding.id}`).not.toEqual([]);
      for (const { commands, price } of finding.remedies) {
        if (commands.some((command) => /--kill|\bkill\b|systemctl (stop|restart)/.test(command))) expect(price, `${name}: ${commands.join('; ')}`).not.toBeNull();
      }
    }
  }
});

describe('commands are a shell\'s', () => {
  const commands = situations.flatMap((name) => findingsIn(situation(name)).flatMap(({ remedies }) => remedies.flatMap((remedy) => remedy.commands)));

  test.each([...new Set(commands)])('%s', (command) => {
    // -n reads a script and runs nothing.
    expect(spawnSync('sh', ['-n', '-c', command], { encoding: 'utf8' }).stderr).toBe('');
  });
});

describe('applied to files', () => {
  const folders: string[] = [];
  const folder = (name: string) => {
    const made = mkdtempSync(join(tmpdir(), 'cardcheck-remedy-'));
    folders.push(made);
    return join(made, name);
  };
  afterEach(() => {
    for (const made of folders.splice(0)) rmSync(made, { recursive: true, force: true });
  });

  /** All but the restart, which is for a machine with an agent. */
  const apply = (commands: readonly string[]) => commands.filter((command) => !command.startsWith('gpgconf')).forEach((command) => execFileSync('sh', ['-c', command]));
  const rulings = (home: string): string | null => {
    const scdaemon = '/usr/lib/gnupg/scdaemon';
    return existsSync(scdaemon) ? spawnSync(scdaemon, ['--homedir', home, '--gpgconf-test'], { encoding: 'utf8', timeout: 10_000 }).stderr : null;
  };
  const optionsIn = (file: string) => readFileSync(file, 'utf8').split('\n').filter((line) => line !== '' && !line.startsWith('#'));

  const share = (home: string, state: 'missing' | 'read') => {
    const gnupg: Gnupg = { ...valueIn(base, 'gnupg'), homeDir: home };
    const scdaemon = installed('2.2.40', true, true);
    const config = { ...configured(scdaemon, []), files: [{ path: join(home, 'scdaemon.conf'), state, uid: 1000, mtime: null }] };
    return shareReader(gnupg, scdaemon, config)[0]?.commands ?? [];
  };

  test('a home that does not exist yet, with a blank and a quote in its name', () => {
    const home = folder("alice's keys");
    apply(share(home, 'missing'));
    expect(optionsIn(join(home, 'scdaemon.conf'))).toEqual(['disable-ccid', 'pcsc-shared']);
    expect(rulings(home) ?? '').toBe('');
  });

  test('a file without a final newline keeps its last line whole', () => {
    const home = folder('gnupg');
    mkdirSync(home, { mode: 0o700 });
    writeFileSync(join(home, 'scdaemon.conf'), 'verbose');
    apply(share(home, 'read'));
    expect(optionsIn(join(home, 'scdaemon.conf'))).toEqual(['verbose', 'disable-ccid', 'pcsc-shared']);
    expect(rulings(home) ?? '').toBe('');
  });

  test('rejected lines become comments or what was meant, and scdaemon accepts the file', () => {
    const home = folder('gnupg');
    mkdirSync(home, { mode: 0o700 });
    const file = join(home, 'scdaemon.conf');
    writeFileSync(file, 'disable-ccid # use pcscd\nverbose\nshared-access\n');
    const remedy = mendLines(file, [{ line: 1, text: 'disable-ccid # use pcscd', mended: 'disable-ccid' }, { line: 3, text: 'shared-access', mended: null }], false, base.facts.host);
    apply(remedy.commands);
    expect(readFileSync(file, 'utf8')).toBe('disable-ccid\nverbose\n# shared-access\n');
    expect(rulings(home) ?? '').toBe('');
  });
});

describe('a holder lets go by the means of its own program', () => {
  const holder: Holder = { pid: 77, uid: 1000, user: 'alice', command: '', access: 'exclusive', certainty: 'proven', since: null, modules: [], evidence: [], unit: null, terminal: null, parents: [] };
  const titles = (command: string, more: Partial<Holder> = {}) => releaseHolders([{ ...holder, command, ...more }], base.facts.host).map(({ title }) => title);

  test.each([
    ['a program by its label', 'yubikey-agent', 'Make yubikey-agent let go of the card'],
    ['one in a sandbox', 'Firefox (snap)', 'Quit Firefox'],
    ['a module in a program', 'opensc-pkcs11 in Thunderbird', 'Quit Thunderbird'],
    ['one of a kind, by its own name', 'xfreerdp', 'End the session, or connect again without redirecting the card'],
  ])('%s', (_, command, title) => {
    expect(titles(command)).toContain(title);
  });

  test('of a stranger\'s program nothing is known but its pid', () => {
    expect(titles('somebody-s-tool')).toEqual(['End somebody-s-tool (pid 77)']);
  });

  test('of a service it is said that systemd may start it again', () => {
    const [remedy] = releaseHolders([{ ...holder, command: 'somebody-s-tool', unit: 'tool.service' }], base.facts.host);
    expect(remedy?.price).toContain('tool.service');
  });

  test('commands of its user are no help against another user\'s', () => {
    expect(titles('yubikey-agent', { uid: 1001 })).toEqual(['End yubikey-agent (pid 77)']);
  });
});

describe('a PKCS#11 module is kept out of a program', () => {
  const alice = base.facts.host;
  const root = ok({ ...valueIn(base, 'host'), root: true, user: { uid: 0, name: 'root', groups: ['root'] } }, 'test');
  const OPENSC = '/usr/lib/opensc-pkcs11.so';
  const p11Kit: Extract<Pkcs11Registration, { kind: 'p11-kit' }> = {
    kind: 'p11-kit', file: '/usr/share/p11-kit/modules/opensc-pkcs11.module', name: 'opensc-pkcs11', program: 'firefox', enableIn: null, disableIn: null,
    override: { file: '/home/alice/.config/pkcs11/modules/opensc-pkcs11.module', ofUser: true },
  };
  const ofSystem = { ...p11Kit, override: { file: '/etc/pkcs11/modules/opensc-pkcs11.module', ofUser: false } };
  const nss: Pkcs11Registration = { kind: 'nss', file: '/home/alice/.mozilla/firefox/ab.default/pkcs11.txt', name: 'OpenSC', library: OPENSC, open: true };
  const firefox = (...registeredBy: Pkcs11Registration[]): Holder => ({
    pid: 77, uid: 1000, user: 'alice', command: 'opensc-pkcs11 in Firefox', access: 'shared', certainty: 'proven', since: null, modules: [{ file: OPENSC, registeredBy, unknown: null, alone: false }], evidence: [], unit: null, terminal: null, parents: [],
  });
  const only = (remedies: readonly Remedy[]): Remedy => {
    expect(remedies).toHaveLength(1);
    return remedies[0] as Remedy;
  };

  test.each<[string, Pkcs11Registration, Fact<Host>, string[]]>([
    ['by p11-kit, for its user', p11Kit, alice, ['mkdir -p /home/alice/.config/pkcs11/modules', "printf '\\n%s\\n' 'disable-in: firefox' | tee -a /home/alice/.config/pkcs11/modules/opensc-pkcs11.module"]],
    ['by p11-kit, beside others', { ...p11Kit, disableIn: ['chrome', 'ssh'] }, alice, [expect.anything(), expect.stringContaining("'disable-in: chrome, ssh, firefox'")] as string[]],
    ['by p11-kit, which names the programs it is for', { ...p11Kit, enableIn: ['firefox', 'ssh'] }, alice, [expect.anything(), expect.stringContaining("'enable-in: ssh'")] as string[]],
    ['by p11-kit, which names this program alone', { ...p11Kit, enableIn: ['firefox'] }, alice, [expect.anything(), expect.stringContaining('%s\\n\' enable-in: |')] as string[]],
    ['by p11-kit, seen by root', p11Kit, root, ["su - alice -c 'mkdir -p /home/alice/.config/pkcs11/modules'", expect.stringContaining("| su - alice -c 'tee -a /home/alice/")] as string[]],
    ['by p11-kit, of the system', ofSystem, alice, ['sudo mkdir -p /etc/pkcs11/modules', "printf '\\n%s\\n' 'disable-in: firefox' | sudo tee -a /etc/pkcs11/modules/opensc-pkcs11.module"]],
    ['by NSS', nss, alice, ['command -v modutil || sudo apt-get install libnss3-tools', 'modutil -force -dbdir sql:/home/alice/.mozilla/firefox/ab.default -delete OpenSC']],
    ['by NSS, of the system', { ...nss, file: '/etc/pki/nssdb/pkcs11.txt' }, alice, [expect.anything(), 'sudo modutil -force -dbdir sql:/etc/pki/nssdb -delete OpenSC'] as string[]],
    ['by a policy', { kind: 'policy', file: '/etc/firefox/policies/policies.json', name: 'OpenSC', library: OPENSC }, alice, []],
  ])('%s', (_, registration, host, commands) => {
    const remedy = only(unregister(firefox(registration), host));
    expect(remedy).toMatchObject({ kind: 'lasting', commands });
    expect(remedy.price).not.toBeNull();
  });

  test('not where the files of a sandbox would have to be changed', () => {
    expect(unregister(firefox({ ...p11Kit, override: null }), alice)).toEqual([]);
  });

  test('everywhere, where several places name it, and in words of its own instead of general ones', () => {
    const titles = (holder: Holder) => releaseHolders([holder], alice).map(({ title }) => title);
    expect(titles(firefox(p11Kit, nss))).toEqual(['Quit Firefox', 'End opensc-pkcs11 in Firefox (pid 77)', 'Keep p11-kit from loading opensc-pkcs11.so into firefox', 'Close Firefox, then take opensc-pkcs11.so out of its NSS database']);
    expect(titles(firefox())).toContain('Unload the module: Settings → Privacy & Security → Security Devices → Unload');
    for (const { price } of unregister(firefox(p11Kit, nss), alice)) expect(price).toContain('registered in 2 places');
  });

  const folder = (): string => {
    const made = mkdtempSync(join(tmpdir(), 'cardcheck-module-'));
    onTestFinished(() => rmSync(made, { recursive: true }));
    return made;
  };
  const apply = (commands: readonly string[], home: string) => {
    for (const command of commands) execFileSync('sh', ['-c', command], { env: { ...process.env, HOME: home } });
  };

  test.each<[string, string | null]>([
    ['a user without files of p11-kit', null],
    ['a user with one that lacks its final newline', 'disable-in: ssh'],
    ['a user whose file names programs', 'enable-in: ssh p11-kit'],
  ])('%s: p11-kit itself agrees', (_, before) => {
    const home = folder();
    const file = join(home, '.config/pkcs11/modules/opensc-pkcs11.module');
    if (before !== null) {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, before);
    }
    const lists = () => asOrdinaryUser(home, 'p11-kit', 'list-modules').includes('opensc-pkcs11.so');
    expect(lists()).toBe(true);
    const enableIn = before?.startsWith('enable-in') === true ? ['ssh', 'p11-kit'] : null;
    apply(only(unregister(firefox({ ...p11Kit, program: 'p11-kit', enableIn, disableIn: before === null || enableIn !== null ? null : ['ssh'], override: { file, ofUser: true } }), alice)).commands, home);
    expect(lists()).toBe(false);
  });

  test.each(['OpenSC', 'Alice\'s "own" module', 'OpenSC smartcard framework (0.23)'])('an NSS database with %s: modutil itself agrees', (name) => {
    const home = folder();
    const modutil = (...args: string[]) => execFileSync('modutil', ['-dbdir', `sql:${home}`, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    modutil('-create', '-force');
    modutil('-add', name, '-libfile', 'opensc-pkcs11.so', '-force');
    const file = join(home, 'pkcs11.txt');
    const entries = () => parsePkcs11Txt(readFileSync(file, 'utf8'));
    expect(entries()).toEqual([{ library: 'opensc-pkcs11.so', name }]);
    apply(only(unregister(firefox({ kind: 'nss', file, name, library: 'opensc-pkcs11.so', open: true }), alice)).commands, home);
    expect(entries()).toEqual([]);
    expect(modutil('-list')).not.toContain('opensc-pkcs11.so');
    expect(existsSync(join(home, '.config/autostart/pkcs11-register.desktop'))).toBe(name.startsWith('OpenSC smartcard'));
  });
});

describe('ending a scdaemon reaches that one', () => {
  const alice = base.facts.host;
  const host = (changes: Partial<Host>): Fact<Host> => ok({ ...valueIn(base, 'host'), ...changes }, 'test');
  const root = host({ root: true, user: { uid: 0, name: 'root', groups: ['root'] } });
  const sudo = host({ root: true, user: { uid: 0, name: 'root', groups: ['root'] }, calledBy: { uid: 1000, name: 'alice' } });
  const [ours, mail] = valueIn(situation('two-scdaemons'), 'scdaemons') as [Scdaemon, Scdaemon];
  const bobs: Scdaemon = { ...ours, ours: false, home: '/home/bob/.gnupg', process: { ...ours.process, pid: 2300, uid: 1001, user: 'bob' } };
  const bobsMail: Scdaemon = { ...bobs, home: '/home/bob/.mail' };
  const orphan: Scdaemon = { ...ours, process: { ...ours.process, parents: [{ pid: 1, comm: 'systemd' }] } };

  test.each<[string, Scdaemon, Fact<Host>, string]>([
    ['our own', ours, alice, 'gpgconf --kill scdaemon'],
    ['our own, seen through sudo', ours, sudo, 'gpgconf --kill scdaemon'],
    ['another home', mail, alice, 'GNUPGHOME=/home/alice/.mail-gnupg gpgconf --kill scdaemon'],
    ['another user', bobs, alice, 'sudo -H -u bob gpgconf --kill scdaemon'],
    ['another user, from root\'s shell', bobs, root, "su - bob -c 'gpgconf --kill scdaemon'"],
    ['another user\'s other home', bobsMail, alice, 'sudo -H -u bob env GNUPGHOME=/home/bob/.mail gpgconf --kill scdaemon'],
    ['an orphan', orphan, alice, 'kill -INT 2100'],
    ['another user\'s orphan', { ...orphan, process: { ...orphan.process, uid: 1001 } }, alice, 'sudo kill -INT 2100'],
  ])('%s', (_, scdaemon, who, command) => {
    expect(endScdaemon(scdaemon, who).commands).toEqual([command]);
  });
});
