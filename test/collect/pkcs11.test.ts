import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseSecurityDevices } from '../../src/collect/browser-policies.ts';
import { parsePkcs11Txt } from '../../src/collect/nss-databases.ts';
import { p11KitFolders, p11KitModules, parseP11KitFile, programNameIn } from '../../src/collect/p11-kit.ts';
import { pkcs11, pkcs11Of } from '../../src/collect/pkcs11.ts';
import { surroundingsOf } from '../../src/collect/pkcs11-host.ts';
import type { Pkcs11Registration, Process } from '../../src/snapshot/schema.ts';
import { realSystem } from '../../src/system/real.ts';
import type { FixtureMachine } from '../../src/system/fixture.ts';
import { asOrdinaryUser } from '../support/ordinary-user.ts';
import { machine, passive, root, valueIn } from '../support/root.ts';
import { processNamed } from '../support/snapshot.ts';

const LIB = '/usr/lib/x86_64-linux-gnu';
const OPENSC = `${LIB}/opensc-pkcs11.so`;
const P11_KIT = `${LIB}/libp11-kit.so.0.3.0`;
const NSS = `${LIB}/libnss3.so`;
const SHARED = '/usr/share/p11-kit/modules/opensc-pkcs11.module';
const FIREFOX = processNamed('firefox-esr', { pid: 50, argv: ['/usr/lib/firefox-esr/firefox-esr'], exe: '/usr/lib/firefox-esr/firefox-esr', parents: [{ pid: 49, comm: 'systemd' }] });
const PROFILE = '/home/alice/.mozilla/firefox/ab.default';

type Files = Parameters<typeof machine>[0];

const maps = (...paths: string[]) => paths.map((path, index) => `7f${index}0-7f${index}1 r-xp 00000000 08:01 ${index + 70}    ${path}\n`).join('');
/** As Debian 12 installs OpenSC and p11-kit. */
const DEBIAN: Files = {
  '/etc/passwd': 'alice:x:1000:1000::/home/alice:/bin/sh\nroot:x:0:0::/root:/bin/sh\n',
  [OPENSC]: 'ELF',
  [`${LIB}/pkcs11/opensc-pkcs11.so`]: { link: '../opensc-pkcs11.so' },
  [SHARED]: '# OpenSC\nmodule: opensc-pkcs11.so\n',
};
const database = (...modules: [library: string, name: string][]) => `library=\nname=NSS Internal PKCS #11 Module\nparameters=configdir='sql:x'\nNSS=Flags=internal\n\n${modules.map(([library, name]) => `library=${library}\nname=${name}\n\n`).join('')}`;
const opened = (folder: string, pid = 50): Files => ({ [`/proc/${pid}/fd/30`]: { link: `${folder}/cert9.db` }, [`/proc/${pid}/fd/31`]: { link: `${folder}/key4.db` } });

/** What is said of the only module of one program. */
async function lookAt(files: Files, { process = FIREFOX, loaded = [P11_KIT, NSS, OPENSC], ...description }: FixtureMachine & { process?: Process; loaded?: string[] } = {}) {
  const system = await machine({ ...DEBIAN, [`/proc/${process.pid}/maps`]: maps(...loaded), ...files }, description);
  const hosts = valueIn((await pkcs11Of([process]).collect(system, passive)).pkcs11Hosts);
  expect(hosts).toMatchObject([{ pid: process.pid, modules: [{ file: OPENSC }] }]);
  return { loaders: hosts[0]?.loaders, registrations: hosts[0]?.modules[0]?.registrations };
}
const found = async (...given: Parameters<typeof lookAt>): Promise<Pkcs11Registration[]> => valueIn((await lookAt(...given)).registrations as never);
const files = async (...given: Parameters<typeof lookAt>) => (await found(...given)).map(({ kind, file }) => `${kind} ${file}`);

describe('a module that p11-kit loads', () => {
  const loaded = [P11_KIT, OPENSC];

  it('is told by the package\'s file, though that names a link', async () => {
    expect(await found({}, { loaded })).toEqual([
      { kind: 'p11-kit', file: SHARED, name: 'opensc-pkcs11', program: 'firefox-esr', enableIn: null, disableIn: null, override: { file: '/home/alice/.config/pkcs11/modules/opensc-pkcs11.module', ofUser: true } },
    ]);
  });

  it.each<[string, Files]>([
    ['one of another program', { [SHARED]: 'module: opensc-pkcs11.so\nenable-in: seahorse' }],
    ['disabled in this program', { [SHARED]: 'module: opensc-pkcs11.so\ndisable-in: chrome, firefox-esr' }],
    ['disabled by the administrator', { '/etc/pkcs11/modules/opensc-pkcs11.module': 'disable-in: firefox-esr\n' }],
    ['disabled by the user', { '/home/alice/.config/pkcs11/modules/opensc-pkcs11.module': 'disable-in: firefox-esr\n' }],
    ['taken out by the user', { '/home/alice/.config/pkcs11/modules/opensc-pkcs11.module': 'module:\n' }],
    ['of another process', { [SHARED]: 'module: opensc-pkcs11.so\nremote: |ssh x p11-kit remote' }],
    ['without its system\'s modules', { '/home/alice/.config/pkcs11/pkcs11.conf': 'user-config: only' }],
    ['the same, by the administrator and the older word', { '/etc/pkcs11/pkcs11.conf': 'user-config: override' }],
    ['another module', { [SHARED]: 'module: p11-kit-trust.so' }],
  ])('is not told by a file that is %s', async (_, more) => {
    expect(await files(more, { loaded })).toEqual([]);
  });

  it.each<[string, Files, string[]]>([
    ['with its program by name', { [SHARED]: 'module: opensc-pkcs11.so\nenable-in: firefox-esr' }, [`p11-kit ${SHARED}`]],
    ['of the administrator', { '/etc/pkcs11/modules/opensc-pkcs11.module': `module: ${OPENSC}` }, ['p11-kit /etc/pkcs11/modules/opensc-pkcs11.module']],
    ['of the user, which adds to the package\'s', { '/home/alice/.config/pkcs11/modules/opensc-pkcs11.module': 'disable-in: chrome' }, [`p11-kit ${SHARED}`]],
    ['of the user under a name of its own', { '/home/alice/.config/pkcs11/modules/mine.module': `module:${OPENSC}`, '/home/alice/.config/pkcs11/pkcs11.conf': 'user-config: only' }, ['p11-kit /home/alice/.config/pkcs11/modules/mine.module']],
    ['where the user\'s count for nothing', { '/etc/pkcs11/pkcs11.conf': 'user-config: none', '/home/alice/.config/pkcs11/modules/opensc-pkcs11.module': 'module:' }, [`p11-kit ${SHARED}`]],
    ['where the user wants the own ones to count for nothing', { '/home/alice/.config/pkcs11/pkcs11.conf': 'user-config: none', '/home/alice/.config/pkcs11/modules/opensc-pkcs11.module': 'module:' }, [`p11-kit ${SHARED}`]],
    ['left behind by a package manager', { [SHARED]: '', '/etc/pkcs11/modules/opensc.module.dpkg-old': 'module: opensc-pkcs11.so' }, ['p11-kit /etc/pkcs11/modules/opensc.module.dpkg-old']],
  ])('is told by a file %s', async (_, more, told) => {
    expect(await files(more, { loaded })).toEqual(told);
  });

  it('follows the folders the program itself was told', async () => {
    const environ = 'SECRET=x\0XDG_CONFIG_HOME=/home/alice/conf\0HOME=/elsewhere\0';
    expect(await files({ '/proc/50/environ': environ, '/home/alice/conf/pkcs11/modules/opensc-pkcs11.module': 'disable-in: firefox-esr' }, { loaded })).toEqual([]);
  });

  it('of root is a matter of the system\'s files alone', async () => {
    const process = processNamed('p11_child', { pid: 60, uid: 0, user: 'root' });
    const told = await found({ '/root/.config/pkcs11/modules/opensc-pkcs11.module': 'module:' }, { process, loaded, uid: 0 });
    expect(told).toMatchObject([{ file: SHARED, override: { file: '/etc/pkcs11/modules/opensc-pkcs11.module', ofUser: false } }]);
  });

  it('is none of p11-kit\'s where p11-kit is not at work', async () => {
    expect(await lookAt({}, { loaded: [OPENSC] })).toEqual({ loaders: [], registrations: { status: 'ok', value: [], source: expect.any(String) } });
  });

  it('stays untold where the configuration is closed, with what would show it', async () => {
    const closed = '/home/bob/.config/pkcs11/modules/mine.module';
    const process = { ...FIREFOX, uid: 1001, user: 'bob' };
    const passwd = { '/etc/passwd': 'bob:x:1001:1001::/home/bob:/bin/sh\n' };
    const described = { process, loaded, stat: { [closed]: { mode: 0o600, uid: 1001, gid: 1001 } } };
    expect((await lookAt({ ...passwd, [SHARED]: '', [closed]: 'module: x.so' }, described)).registrations).toEqual({ status: 'denied', need: 'root' });
    expect(await files({ ...passwd, [closed]: 'module: x.so' }, described)).toEqual([`p11-kit ${SHARED}`]);
    expect(await files({ ...passwd, [SHARED]: '', [closed]: 'module: opensc-pkcs11.so' }, { ...described, uid: 0 })).toEqual([`p11-kit ${closed}`]);
  });
});

describe('a module that an NSS database names', () => {
  const loaded = [NSS, OPENSC];
  const listed = database([`${LIB}/pkcs11/opensc-pkcs11.so`, 'OpenSC smartcard framework (0.23)']);

  it('is told by the database the program has open, and by no other of its profiles', async () => {
    const more = { ...opened(PROFILE), [`${PROFILE}/pkcs11.txt`]: listed, '/home/alice/.mozilla/firefox/cd.work/pkcs11.txt': listed };
    expect(await found(more, { loaded })).toEqual([{ kind: 'nss', file: `${PROFILE}/pkcs11.txt`, name: 'OpenSC smartcard framework (0.23)', library: `${LIB}/pkcs11/opensc-pkcs11.so`, open: true }]);
  });

  it('is told by the database of the browser that started the process', async () => {
    const more = { ...opened(PROFILE, 49), [`${PROFILE}/pkcs11.txt`]: listed };
    expect(await found(more, { loaded })).toMatchObject([{ file: `${PROFILE}/pkcs11.txt`, open: true }]);
  });

  it.each<[string, Partial<Process>, string]>([
    ['Firefox', {}, PROFILE],
    ['Firefox in a snap', { confinement: { kind: 'snap', name: 'firefox' } }, '/home/alice/snap/firefox/common/.mozilla/firefox/ab.default'],
    ['Firefox in a flatpak', { confinement: { kind: 'flatpak', name: 'org.mozilla.firefox' } }, '/home/alice/.var/app/org.mozilla.firefox/.mozilla/firefox/ab.default'],
    ['Thunderbird', { comm: 'thunderbird', exe: null, argv: [] }, '/home/alice/.thunderbird/ab.default'],
    ['Chrome', { comm: 'chrome', exe: null, argv: [] }, '/home/alice/.pki/nssdb'],
    ['Chromium in a flatpak', { comm: 'chromium', exe: null, argv: [], confinement: { kind: 'flatpak', name: 'org.chromium.Chromium' } }, '/home/alice/.var/app/org.chromium.Chromium/.pki/nssdb'],
    ['another program', { comm: 'evolution', exe: null, argv: [] }, '/etc/pki/nssdb'],
  ])('is told by one that %s may use, where none is seen open', async (_, more, folder) => {
    const told = await found({ [`${folder}/pkcs11.txt`]: listed }, { process: { ...FIREFOX, ...more }, loaded });
    expect(told).toMatchObject([{ kind: 'nss', file: `${folder}/pkcs11.txt`, open: false }]);
  });

  it.each<[string, string, boolean]>([
    ['a name without a folder', 'opensc-pkcs11.so', true],
    ['another file', `${LIB}/onepin-opensc-pkcs11.so`, false],
    ['a file that is gone', '/opt/gone/opensc-pkcs11.so', false],
  ])('by %s', async (_, library, told) => {
    expect(await found({ ...opened(PROFILE), [`${PROFILE}/pkcs11.txt`]: database([library, 'x']) }, { loaded })).toHaveLength(told ? 1 : 0);
  });

  it('counts besides p11-kit', async () => {
    expect(await files({ ...opened(PROFILE), [`${PROFILE}/pkcs11.txt`]: listed })).toEqual([`p11-kit ${SHARED}`, `nss ${PROFILE}/pkcs11.txt`]);
  });

  it.each<[string, Files, FixtureMachine, object]>([
    ['of the old format', { [`${PROFILE}/secmod.db`]: '\0' }, {}, { status: 'skipped', why: `${PROFILE}/secmod.db has NSS's old binary format` }],
    ['too large', { [`${PROFILE}/pkcs11.txt`]: `${listed}${'#'.repeat(64 * 1024)}` }, {}, { status: 'failed', error: `${PROFILE}/pkcs11.txt is larger than 64 KiB` }],
    ['no file', { [`${PROFILE}/pkcs11.txt`]: '' }, { stat: { [`${PROFILE}/pkcs11.txt`]: { kind: 'fifo' } } }, { status: 'failed', error: `${PROFILE}/pkcs11.txt is no file` }],
    ['closed', { [`${PROFILE}/pkcs11.txt`]: listed }, { stat: { [`${PROFILE}/pkcs11.txt`]: { mode: 0o600, uid: 1001, gid: 1001 } } }, { status: 'denied', need: 'root' }],
    ['a link into itself', { [`${PROFILE}/pkcs11.txt`]: { link: 'pkcs11.txt' } }, {}, { status: 'ok', value: [] }],
  ])('stays untold where the database is %s', async (_, more, described, reason) => {
    expect((await lookAt({ ...opened(PROFILE), ...more }, { loaded, ...described })).registrations).toMatchObject(reason);
  });
});

describe('a module that a policy adds', () => {
  const loaded = [NSS, OPENSC];
  const policies = (devices: object) => JSON.stringify({ policies: { SecurityDevices: devices } });

  it.each<[string, string, object]>([
    ['of the machine', '/etc/firefox/policies/policies.json', { Add: { OpenSC: OPENSC } }],
    ['of the machine, in its older form', '/etc/firefox/policies/policies.json', { OpenSC: OPENSC }],
    ['of the installation', '/usr/lib/firefox-esr/distribution/policies.json', { Add: { OpenSC: OPENSC }, Delete: ['Other'] }],
  ])('%s', async (_, file, devices) => {
    expect(await found({ [file]: policies(devices) }, { loaded })).toEqual([{ kind: 'policy', file, name: 'OpenSC', library: OPENSC }]);
  });

  it('of the installation counts for nothing beside one of the machine', async () => {
    const more = { '/etc/firefox/policies/policies.json': '{"policies": {}}', '/usr/lib/firefox-esr/distribution/policies.json': policies({ Add: { OpenSC: OPENSC } }) };
    expect(await files(more, { loaded })).toEqual([]);
  });

  it('stays untold where it cannot be understood', async () => {
    expect((await lookAt({ '/etc/firefox/policies/policies.json': '{' }, { loaded })).registrations).toEqual({ status: 'failed', error: '/etc/firefox/policies/policies.json is not JSON' });
  });
});

it('follows a client of pcscd\'s from its connection to all who registered its module', async () => {
  expect(valueIn((await pkcs11.collect(await root('firefox-opensc'), passive)).pkcs11Hosts)).toMatchObject([
    {
      pid: 2400,
      loaders: ['p11-kit', 'nss'],
      modules: [{
        file: OPENSC,
        registrations: { status: 'ok', value: [
          { kind: 'p11-kit', file: SHARED, disableIn: ['geoclue'], override: { file: '/home/alex/.config/pkcs11/modules/opensc-pkcs11.module' } },
          { kind: 'nss', file: '/home/alex/.mozilla/firefox/k3x9.default-esr/pkcs11.txt', name: 'OpenSC', open: true },
        ] },
      }],
    },
  ]);
});

it('looks at the files of a sandbox, and at the file itself, because its links lead elsewhere from outside', async () => {
  const inside = '/proc/50/root';
  const more = {
    [SHARED]: '',
    '/proc/1/ns/mnt': { link: 'mnt:[1]' }, '/proc/50/ns/mnt': { link: 'mnt:[2]' },
    '/proc/50/environ': 'HOME=/home/alice/snap/firefox/9\0',
    [`${inside}${SHARED}`]: 'module: opensc-pkcs11.so\n',
    [`${inside}/etc/pkcs11/pkcs11.conf`]: 'user-config: none\n',
  };
  const told = await found(more, { loaded: [P11_KIT, OPENSC], stat: { [`${inside}${LIB}/pkcs11/opensc-pkcs11.so`]: { inode: 71 } } });
  // What lies in the sandbox's own system cannot be changed.
  expect(told).toMatchObject([{ file: SHARED, override: null }]);
});

it('reads nothing where no client has a module', async () => {
  const system = await machine({ ...DEBIAN, '/proc/50/maps': maps(NSS) });
  const reads: string[] = [];
  const watched = { ...system, readFile: (...given: Parameters<typeof system.readFile>) => (reads.push(given[0]), system.readFile(...given)) };
  expect((await pkcs11Of([FIREFOX]).collect(watched, passive)).pkcs11Hosts).toMatchObject({ value: [] });
  expect(reads).toEqual(['/proc/50/maps']);
});

it('says that it was not asked where clients are not known', async () => {
  const system = await machine(DEBIAN);
  expect((await pkcs11.collect(system, passive)).pkcs11Hosts).toMatchObject({ status: 'skipped' });
});

it('waits for no pipe and reads no device of this machine', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pkcs11-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  execFileSync('mkfifo', [join(folder, 'fifo')]);
  writeFileSync(join(folder, 'large'), 'x'.repeat(64 * 1024 + 1));
  const { readText } = await surroundingsOf(realSystem(), processNamed('node', { pid: process.pid }));
  for (const file of [join(folder, 'fifo'), join(folder, 'large'), '/dev/zero', folder]) expect(await readText(file), file).toMatchObject({ status: 'failed' });
});

describe('of p11-kit as it is installed', () => {
  const library = /=> (\S*\/libp11-kit\.so\.0)$/m.exec(execFileSync('ldconfig', ['-p'], { encoding: 'utf8', env: { PATH: `${process.env.PATH}:/sbin:/usr/sbin` } }))?.[1] ?? '';
  const OWN = 'modules/opensc-pkcs11.module';

  it.each<[string, Record<string, string>]>([
    ['nothing of the user\'s', {}],
    ['one disabled', { [OWN]: 'disable-in: p11-kit' }],
    ['one disabled elsewhere', { [OWN]: 'disable-in: ssh p11-kit-proxy' }],
    ['one enabled elsewhere', { [OWN]: 'enable-in: ssh,p11-kit-proxy' }],
    ['one enabled and disabled', { [OWN]: 'enable-in: p11-kit\ndisable-in: p11-kit' }],
    ['one for nobody', { [OWN]: 'enable-in:' }],
    ['one taken out', { [OWN]: 'module:' }],
    ['one said twice', { [OWN]: 'disable-in: p11-kit\n # no\n\ndisable-in : ssh' }],
    ['one more', { 'modules/one-pin_2.module': 'module: onepin-opensc-pkcs11.so\npriority: 5' }],
    ['no system\'s', { 'pkcs11.conf': 'user-config: only', 'modules/x': 'module: opensc-pkcs11.so' }],
    ['no user\'s', { 'pkcs11.conf': 'user-config: none', [OWN]: 'module:' }],
  ])('believes what it does itself with %s', async (_, files) => {
    const home = mkdtempSync(join(tmpdir(), 'p11-kit-'));
    onTestFinished(() => rmSync(home, { recursive: true }));
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(home, '.config/pkcs11', name)), { recursive: true });
      writeFileSync(join(home, '.config/pkcs11', name), text);
    }
    const loaded = [...asOrdinaryUser(home, 'p11-kit', 'list-modules').matchAll(/^([^\s:]+): /gm)].map(([, name]) => name);
    const host = await surroundingsOf(realSystem(), processNamed('p11-kit', { pid: process.pid }));
    const { found: told, unread } = await p11KitModules({ ...host, home, env: new Map() }, library);
    expect(unread).toEqual([]);
    expect(told.map(({ registration }) => registration.name).sort()).toEqual(loaded.sort());
  });
});

describe('what is read of', () => {
  it('a module file of p11-kit', () => {
    expect([...parseP11KitFile(' module :  a b.so \n#x: y\nno setting\n:z\ndisable-in: a\ndisable-in:b\r\n')]).toEqual([['module', 'a b.so'], ['disable-in', 'b']]);
  });

  it.each([
    ['/usr/lib/x86_64-linux-gnu/libp11-kit.so.0', '/etc/pkcs11', '/usr/share/p11-kit/modules', '/usr/lib/x86_64-linux-gnu/pkcs11'],
    ['/usr/lib64/libp11-kit.so.0', '/etc/pkcs11', '/usr/share/p11-kit/modules', '/usr/lib64/pkcs11'],
    ['/lib/x86_64-linux-gnu/libp11-kit.so.0', '/etc/pkcs11', '/usr/share/p11-kit/modules', '/lib/x86_64-linux-gnu/pkcs11'],
    ['/usr/local/lib/libp11-kit.so.0', '/usr/local/etc/pkcs11', '/usr/local/share/p11-kit/modules', '/usr/local/lib/pkcs11'],
    ['/elsewhere/libp11-kit.so.0', '/etc/pkcs11', '/usr/share/p11-kit/modules', '/elsewhere/pkcs11'],
  ])('the place of %s', (library, sysconf, shared, modules) => {
    expect(p11KitFolders(library)).toEqual({ sysconf, shared, modules });
  });

  it.each<[Pick<Process, 'argv' | 'exe'>, string]>([
    [{ argv: ['firefox'], exe: '/usr/lib/firefox/firefox' }, 'firefox'],
    [{ argv: ['/opt/google/chrome/chrome --type=x /a/b'], exe: '/opt/google/chrome/chrome' }, 'chrome'],
    [{ argv: ['/usr/bin/python3', 'x.py'], exe: '/usr/bin/python3.11' }, 'python3'],
    [{ argv: [], exe: null }, ''],
  ])('a program\'s name: %o', (process, name) => {
    expect(programNameIn(process)).toBe(name);
  });

  it('a pkcs11.txt', () => {
    const text = 'library=\nname=NSS Internal PKCS #11 Module\nparameters=library=x\n\n#library=/no.so\nlibrary="/a b.so"\nname=One\n \nname=Two\r\nlibrary=two.so\r\n\nname=None\n\nlibrary=three.so';
    expect(parsePkcs11Txt(text)).toEqual([{ library: '/a b.so', name: 'One' }, { library: 'two.so', name: 'Two' }, { library: 'three.so', name: null }]);
  });

  it.each(['null', '[]', '{"policies": 1}', '{"policies": {"SecurityDevices": {"Delete": ["x"]}}}', '{"policies": {"SecurityDevices": {"Add": {"x": 1}}}}'])('policies without modules: %s', (text) => {
    expect(parseSecurityDevices(text)).toEqual([]);
  });
});
