import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { gnupg } from '../../src/collect/gnupg.ts';
import { until } from '../../src/rig/until.ts';
import { fixtureSystem, type FixtureMachine } from '../../src/system/fixture.ts';
import type { System } from '../../src/system/port.ts';
import { realSystem } from '../../src/system/real.ts';

const never = (): never => expect.unreachable();
const options = { passive: false, wake: true, exclusive: true, timeoutMs: 1000, reader: null };
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gnupg-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Pids of scdaemons with this home. */
function scdaemonsOf(home: string): number[] {
  const isOne = (pid: string) => {
    try {
      const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      return argv[0]?.endsWith('scdaemon') === true && argv.includes(home);
    } catch {
      return false;
    }
  };
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && isOne(name)).map(Number);
}

describe('with the installed GnuPG', () => {
  let home: string;
  const gpg = (program: string, ...args: string[]) => execFileSync(program, ['--homedir', home, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  beforeEach(() => {
    home = join(folder, 'home');
    mkdirSync(home, { mode: 0o700 });
    process.env['GNUPGHOME'] = home;
  });
  afterEach(() => {
    gpg('gpgconf', '--kill', 'all');
    delete process.env['GNUPGHOME'];
  });
  const look = (system: System = realSystem()) => gnupg.collect(system, options);
  const configure = (text: string) => writeFileSync(join(home, 'scdaemon.conf'), text);
  const startAgent = () => gpg('gpg-agent', '--daemon', '--batch');
  const startScdaemon = () => gpg('gpg-connect-agent', 'SCD GETINFO version', '/bye');

  it('says what is installed and what this scdaemon can do, starting nothing', async () => {
    const facts = await look();
    expect(facts.gnupg).toMatchObject({
      status: 'ok',
      value: { gpg: { version: expect.stringMatching(/^2\./) }, homeDir: home, homeDirFrom: 'GNUPGHOME', scdaemon: { internalCcid: expect.any(Boolean), knowsPcscShared: expect.any(Boolean) } },
    });
    expect(facts.scdaemonConfig).toMatchObject({ status: 'ok', value: { lines: [], problems: [], fatal: false, shareMode: 'exclusive', verdict: { exitCode: 0, messages: [] } } });
    expect(readdirSync(home)).toEqual([]);
    expect(scdaemonsOf(home)).toEqual([]);
  });

  it('reads the options in force with their lines, and what scdaemon itself rejects', async () => {
    configure('disable-ccid\n# pcsc-shared\npcsc-shared # no comment\nreader-port "A B"\nshared-access\n');
    const { scdaemonConfig } = await look();
    expect(scdaemonConfig).toMatchObject({
      status: 'ok',
      value: {
        lines: [{ line: 1, option: 'disable-ccid' }, { line: 4, option: 'reader-port', value: 'A B' }],
        problems: [{ line: 3, text: 'pcsc-shared # no comment', effect: 'rejected' }, { line: 5, message: 'invalid option' }],
        verdict: { messages: [{ line: 3, message: 'argument not expected' }, { line: 5, message: 'invalid option' }] },
        disableCcid: true,
        pcscShared: false,
        readerPort: 'A B',
        backend: 'pcsc',
        shareMode: 'exclusive',
      },
    });
  });

  const MIB = 1024 * 1024;
  it.each<[string, (file: string) => void, { endless: boolean; fatal?: boolean }]>([
    ['a FIFO', (file) => void execFileSync('mkfifo', [file]), { endless: true, fatal: true }],
    ['a directory', (file) => mkdirSync(file), { endless: true, fatal: true }],
    ['a device without an end', (file) => symlinkSync('/dev/zero', file), { endless: true, fatal: true }],
    ['a gigabyte of nothing', (file) => void (writeFileSync(file, ''), truncateSync(file, 1024 * MIB)), { endless: false }],
    ['a megabyte in one line', (file) => writeFileSync(file, 'a'.repeat(MIB)), { endless: false }],
    ['a megabyte of wrong lines', (file) => writeFileSync(file, 'x\n'.repeat(MIB / 2)), { endless: false }],
  ])('knows GnuPG although scdaemon.conf is %s', async (_, make, { endless, ...more }) => {
    const file = join(home, 'scdaemon.conf');
    make(file);
    const began = process.memoryUsage().rss;
    const facts = await look();
    expect(facts.gnupg).toMatchObject({ status: 'ok', value: { scdaemon: { version: expect.stringMatching(/^2\./), options: expect.arrayContaining(['disable-ccid']) } } });
    expect(facts.scdaemonConfig).toMatchObject({ status: 'ok', value: { obstacles: [{ file, endless }], lines: [], backend: expect.not.stringMatching('unknown'), ...more } });
    expect(process.memoryUsage().rss - began).toBeLessThan(100 * MIB);
  });

  it.each<[string, (file: string) => void, string]>([
    ['/dev/null', (file) => symlinkSync('/dev/null', file), 'read'],
    ['a link to nowhere', (file) => symlinkSync('/nonexistent/x', file), 'missing'],
    ['a socket', (file) => void execFileSync(process.execPath, ['-e', 'const s=require("net").createServer().listen(process.argv[1],()=>process.kill(process.pid,"SIGKILL"))', file], { stdio: 'ignore' }), 'error'],
  ])('takes %s for an empty configuration, as scdaemon does', async (_, make, state) => {
    try {
      make(join(home, 'scdaemon.conf'));
    } catch {
      // The socket's maker ends without taking it away.
    }
    expect((await look()).scdaemonConfig).toMatchObject({ status: 'ok', value: { files: [{}, { state }], obstacles: [], problems: [], fatal: false, verdict: { exitCode: 0 } } });
  });

  it('keeps the first wrong lines of a file that is no configuration, and counts the rest', async () => {
    configure('x\n'.repeat(500));
    const { scdaemonConfig } = await look();
    const { problems, verdict } = scdaemonConfig.status === 'ok' ? scdaemonConfig.value : never();
    expect(problems).toHaveLength(21);
    expect(problems.at(-1)).toMatchObject({ line: null, effect: 'rejected', message: '480 more of its lines are rejected' });
    expect(verdict?.messages).toHaveLength(20);
  });

  it('asks an agent without scdaemon nothing that would start one', async () => {
    startAgent();
    const { scdaemons } = await look();
    expect(scdaemons).toMatchObject({ status: 'ok' });
    expect(scdaemonsOf(home)).toEqual([]);
  });

  it('finds a running scdaemon, its home, and that it has no card open', async () => {
    startAgent();
    startScdaemon();
    const [pid] = scdaemonsOf(home);
    const { scdaemons } = await look();
    const mine = scdaemons.status === 'ok' ? scdaemons.value.find(({ process }) => process.pid === pid) : undefined;
    expect(mine).toMatchObject({ home, ours: true, usesInternalCcid: false, cardOpen: { status: 'ok', value: false } });
    expect(scdaemonsOf(home)).toEqual([pid]);
  });

  it('sees a file edited after the start, and not one from before', async () => {
    configure('disable-ccid\n');
    const set = (seconds: number) => utimesSync(join(home, 'scdaemon.conf'), Date.now() / 1000 + seconds, Date.now() / 1000 + seconds);
    startAgent();
    startScdaemon();
    const [pid] = scdaemonsOf(home);
    const newer = async () => {
      const { scdaemons } = await look();
      return scdaemons.status === 'ok' ? scdaemons.value.find(({ process }) => process.pid === pid)?.configNewerThanProcess : undefined;
    };
    set(60);
    expect(await newer()).toBe(true);
    set(-60);
    expect(await newer()).toBe(false);
  });

  it('does not take a scdaemon of another home for ours', async () => {
    startAgent();
    startScdaemon();
    const [pid] = scdaemonsOf(home);
    process.env['GNUPGHOME'] = folder;
    const { scdaemons } = await look();
    process.env['GNUPGHOME'] = home;
    expect(scdaemons.status === 'ok' && scdaemons.value.find(({ process }) => process.pid === pid)).toMatchObject({ home, ours: false, cardOpen: { status: 'skipped' } });
  });

  it('does not count one that only answers a question', async () => {
    const other = join(folder, 'other');
    mkdirSync(other, { mode: 0o700 });
    execFileSync('mkfifo', [join(other, 'scdaemon.conf')]); // it waits for a writer
    const program = /^scdaemon:[^:]*:(.*)$/m.exec(gpg('gpgconf', '--list-components'))?.[1] ?? '';
    const asked = spawn(decodeURIComponent(program), ['--homedir', other, '--gpgconf-test'], { stdio: 'ignore' });
    onTestFinished(() => void asked.kill('SIGKILL'));
    await until('it runs', async () => scdaemonsOf(other).length === 1);
    const { scdaemons } = await look();
    expect(scdaemons).toMatchObject({ status: 'ok' });
    expect(scdaemons.status === 'ok' && scdaemons.value.filter(({ home: whose }) => whose === other)).toEqual([]);
  });

  it('follows a redirected socket', async () => {
    startAgent();
    startScdaemon();
    const [pid] = scdaemonsOf(home);
    const elsewhere = join(folder, 'S');
    renameSync(join(home, 'S.gpg-agent'), elsewhere);
    writeFileSync(join(home, 'S.gpg-agent'), `%Assuan%\nsocket=${elsewhere}\n`);
    const { scdaemons } = await look();
    expect(scdaemons.status === 'ok' && scdaemons.value.find(({ process }) => process.pid === pid)).toMatchObject({ cardOpen: { status: 'ok', value: false } });
  });

  it('gives an agent that hangs up to the deadline', async () => {
    startAgent();
    startScdaemon();
    const [pid] = scdaemonsOf(home);
    const [socket, kept] = [join(home, 'S.gpg-agent'), join(home, 'kept')];
    renameSync(socket, kept);
    const mute = createServer(() => {}).listen(socket);
    const { scdaemons } = await gnupg.collect(realSystem(), { ...options, timeoutMs: 300 });
    expect(scdaemons.status === 'ok' && scdaemons.value.find(({ process }) => process.pid === pid)).toMatchObject({ cardOpen: { status: 'timeout', afterMs: 100 } });
    await new Promise((resolve) => mute.close(resolve));
    renameSync(kept, socket);
  });

  it('takes a file its user may not read for no file, and says so', async () => {
    configure('disable-ccid\n');
    chmodSync(join(home, 'scdaemon.conf'), 0o600);
    chownSync(join(home, 'scdaemon.conf'), 0, 0);
    const real = realSystem();
    const passwd = 'root:x:0:0::/root:/bin/sh\nuser:x:4711:4711::/home/user:/bin/sh\n';
    const inHome = (path: string) => path.replace('/home/user/.gnupg', home);
    const sudo: System = {
      ...real,
      uid: 0,
      env: (name) => (name === 'SUDO_UID' ? '4711' : name === 'GNUPGHOME' ? undefined : real.env(name)),
      readFile: (path, limit) => (path === '/etc/passwd' ? Promise.resolve(passwd) : real.readFile(inHome(path), limit)),
      stat: (path) => real.stat(inHome(path)),
    };
    const facts = await look(sudo);
    expect(facts.gnupg).toMatchObject({ value: { homeDir: '/home/user/.gnupg', homeDirFrom: 'SUDO_UID', uid: 4711 } });
    expect(facts.scdaemonConfig).toMatchObject({ value: { disableCcid: false, lines: [], problems: [{ effect: 'unreadable', file: '/home/user/.gnupg/scdaemon.conf' }] } });
  });
});

describe('on recorded machines', () => {
  async function recorded(machine: FixtureMachine, files: Record<string, string> = {}): Promise<System> {
    for (const [path, text] of Object.entries({ 'machine.json': JSON.stringify(machine), ...files })) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    return fixtureSystem(folder);
  }
  const collect = async (system: System) => gnupg.collect(system, options);
  const DIRS = 'sysconfdir:/etc/gnupg\nbindir:/usr/bin\nagent-socket:/run/user/1000/gnupg/S.gpg-agent\nhomedir:/home/u%3av/.gnupg\n';
  const COMPONENTS = 'gpg:OpenPGP:/usr/bin/gpg\nscdaemon:Smartcards:/usr/lib/gnupg/scdaemon\n';
  const commands = (version: string, table: string): FixtureMachine['commands'] => ({
    'gpgconf --list-dirs': { stdout: DIRS },
    'gpgconf --list-components': { stdout: COMPONENTS },
    'gpgconf --version': { stdout: `gpgconf (GnuPG) ${version}\n` },
    '/usr/bin/gpg --no-options --version': { stdout: `gpg (GnuPG) ${version}\nlibgcrypt 1.10.3\n` },
    '/usr/lib/gnupg/scdaemon --no-options --version': { stdout: `scdaemon (GnuPG) ${version}\nlibgcrypt 1.10.3\n` },
    '/usr/lib/gnupg/scdaemon --dump-option-table': table === '' ? { exitCode: 2, stderr: 'invalid option "--dump-option-table"\n' } : { stdout: table },
    '/usr/lib/gnupg/scdaemon --dump-options': { stdout: '--verbose\n--reader-port\n--disable-ccid\n--version\n' },
  });
  const CCID = 'pcsc-shared:527:0:@:\ndisable-ccid:528:0:do not use the internal CCID driver:\n';
  const NO_CCID = 'pcsc-shared:527:0:@:\ndisable-ccid:528:0:@:\n';

  it('says that GnuPG is not installed', async () => {
    const facts = await collect(await recorded({}));
    expect(facts).toMatchObject({ gnupg: { status: 'absent' }, scdaemonConfig: { status: 'absent' }, scdaemons: { status: 'ok', value: [] } });
  });

  it('says that scdaemon alone is missing, and where it would be', async () => {
    const all = commands('2.4.7', CCID);
    const facts = await collect(await recorded({ commands: Object.fromEntries(Object.entries(all ?? {}).filter(([name]) => !name.includes('lib/gnupg'))) }));
    expect(facts.gnupg).toMatchObject({ value: { gpg: { version: '2.4.7' }, scdaemon: null, expectedScdaemon: '/usr/lib/gnupg/scdaemon', homeDir: '/home/u:v/.gnupg' } });
    expect(facts.scdaemonConfig).toEqual({ status: 'absent', reason: 'scdaemon is not installed' });
  });

  const conf = (text: string) => ({ 'home/u:v/.gnupg/scdaemon.conf': text });
  it.each<[string, string, string, object]>([
    ['2.4.7', CCID, '', { backend: 'usb-only', shareMode: 'exclusive' }],
    ['2.4.7', CCID, 'pcsc-shared\n', { backend: 'usb-only', shareMode: 'shared' }],
    ['2.4.7', CCID, 'disable-ccid\n', { backend: 'pcsc', shareMode: 'exclusive' }],
    ['2.4.7', CCID, 'disable-ccid\npcsc-shared\n', { backend: 'pcsc', shareMode: 'shared' }],
    ['2.4.9', NO_CCID, '', { backend: 'pcsc', shareMode: 'exclusive' }],
    ['2.4.9', NO_CCID, 'pcsc-shared\n', { backend: 'pcsc', shareMode: 'shared' }],
    ['2.2.40', CCID, '', { backend: 'usb-then-pcsc', shareMode: 'exclusive' }],
    ['2.2.40', CCID, 'pcsc-shared\n', { backend: 'usb-then-pcsc', shareMode: 'shared' }],
    ['2.2.40', NO_CCID, '', { backend: 'pcsc', shareMode: 'exclusive' }],
    ['2.2.27', 'disable-ccid:527:0:do not use it:\n', 'pcsc-shared\n', { backend: 'usb-then-pcsc', shareMode: 'exclusive', fatal: false }],
    ['2.4.7', CCID, 'shared-access\n', { fatal: true }],
    ['2.2.40', CCID, 'shared-access\n', { fatal: false }],
    ['2.2.19', '', 'disable-ccid\npcsc-shared\n', { backend: 'pcsc', shareMode: 'exclusive', fatal: true }],
    ['2.2.19', '', '', { backend: 'unknown' }],
  ])('scdaemon %s with table %j and file %j: %j', async (version, table, text, expected) => {
    const facts = await collect(await recorded({ commands: commands(version, table) }, conf(text)));
    expect(facts.scdaemonConfig).toMatchObject({ status: 'ok', value: expected });
  });

  it('takes gpgconf\'s version where the system\'s file keeps scdaemon from saying its own', async () => {
    const { '/usr/lib/gnupg/scdaemon --no-options --version': _, ...silent } = commands('2.4.7', CCID) ?? {};
    const facts = await collect(await recorded({ commands: silent, stat: { '/etc/gnupg/scdaemon.conf': { kind: 'fifo' }, '/usr/lib/gnupg/scdaemon': {} } }, conf('disable-ccid\n')));
    expect(facts.gnupg).toMatchObject({ value: { scdaemon: { version: '2.4.7', internalCcid: true } } });
    expect(facts.scdaemonConfig).toMatchObject({ value: { obstacles: [{ file: '/etc/gnupg/scdaemon.conf', endless: true }], fatal: true, verdict: null, backend: 'pcsc' } });
  });

  it('does not count the system\'s file for a scdaemon that does not read it', async () => {
    const facts = await collect(await recorded({ commands: commands('2.2.19', ''), stat: { '/etc/gnupg/scdaemon.conf': { kind: 'fifo' }, '/usr/lib/gnupg/scdaemon': {} } }));
    expect(facts.scdaemonConfig).toMatchObject({ value: { obstacles: [], fatal: false } });
  });

  it('lists scdaemons of everybody with their homes, without asking their agents', async () => {
    const status = (name: string, pid: number, ppid: number) => `${pid} (${name}) S ${ppid} 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 100 0 0\n`;
    const of = (pid: number, comm: string, uid: number, argv: string, threads: string[]) => ({
      [`proc/${pid}/comm`]: `${comm}\n`,
      [`proc/${pid}/stat`]: status(comm, pid, 1),
      [`proc/${pid}/status`]: `Name:\t${comm}\nUid:\t${uid}\t${uid}\t${uid}\t${uid}\n`,
      [`proc/${pid}/cmdline`]: argv.replaceAll(' ', '\0'),
      ...Object.fromEntries(threads.map((thread, index) => [`proc/${pid}/task/${pid + index}/comm`, `${thread}\n`])),
    });
    const system = await recorded(
      { uid: 1000, commands: commands('2.4.7', CCID) },
      {
        'etc/passwd': 'root:x:0:0::/root:/bin/sh\nu:x:1000:1000::/home/u:v/x:/bin/sh\nw:x:1001:1001::/home/w:/bin/sh\n',
        'proc/stat': 'btime 1767000000\n',
        ...of(10, 'scdaemon', 0, 'scdaemon --multi-server', ['scdaemon', 'ccid_usb_thread']),
        ...of(20, 'scdaemon', 1001, 'scdaemon --multi-server --homedir /srv/w', ['scdaemon']),
        ...of(30, 'gnupg-pkcs11-sc', 1001, 'gnupg-pkcs11-scd --multi-server', []),
        ...of(40, 'bash', 1001, 'bash', []),
      },
    );
    expect((await collect(system)).scdaemons).toMatchObject({
      status: 'ok',
      value: [
        { process: { pid: 10 }, home: '/root/.gnupg', ours: false, usesInternalCcid: true, cardOpen: { status: 'skipped' } },
        { process: { pid: 20 }, home: '/srv/w', ours: false, usesInternalCcid: false },
        { process: { pid: 30 }, home: '/home/w/.gnupg', usesInternalCcid: null, cardOpen: { status: 'skipped' } },
      ],
    });
  });
});
