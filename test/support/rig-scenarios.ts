/** Situations that real programs make in a rig: what the live run must say, and what the logs of that moment hold. */
import { dirname } from 'node:path/posix';
import type { Id } from '../../checks/codes.ts';
import type { Hold } from '../../src/rig/holder.ts';
import type { PrivateGnupg } from '../../src/rig/private-gnupg.ts';
import { pcscdSocket } from '../../src/rig/private-pcscd.ts';
import { type Rig, type RigOptions, startRig } from '../../src/rig/rig.ts';
import { until } from '../../src/rig/until.ts';
import type { Report } from '../../src/report/schema.ts';
import { bringBuiltLibrary, bringLibrary, bundle } from './bundled-library.ts';
import { runCardcheck } from './cardcheck.ts';
import { flatpak } from './flatpak-sandbox.ts';
import { type Generation, pcscdOf } from './pcscd-generations.ts';
import { loginFromAfar } from './remote-login.ts';

/** A scenario at work; what its programs say is gathered as a user would paste it. */
export interface Stage {
  rig: Rig;
  /** Name of the first slot; '' where there is none. */
  reader: string;
  gnupg: PrivateGnupg;
  words: string[];
  /** What cardcheck finds in its environment. */
  env: Record<string, string>;
  /** A command that runs cardcheck's, e.g. in another session; default none. */
  through: readonly string[];
}

export interface RigScenario {
  /** Also the name of its fixture. */
  name: string;
  situation: string;
  /** The finding that names its cause; null: nothing is wrong. */
  live: Id | null;
  /** Where the logs cannot show what the machine shows: the cause they do show, or null for none. */
  logsShow?: { id: Id | null; because: string };
  rig?: RigOptions;
  /** Whose pcscd it is; default the installed one. */
  pcscd?: Generation;
  scdaemonConf?: readonly string[];
  /** The gpg run in question belongs to the ordinary user of the rig. */
  as?: 'root' | 'user';
  make(stage: Stage): Promise<void>;
}

/** Lines that change nothing but what scdaemon tells, and where. */
const talkativeLines = ({ home }: PrivateGnupg): string[] => ['verbose', 'debug-level expert', `log-file ${logOf(home)}`];
const logOf = (home: string): string => `${dirname(home)}/scdaemon.log`;
const SHARING = ['disable-ccid', 'pcsc-shared'];

async function gpg({ gnupg, words }: Stage, ...args: string[]): Promise<boolean> {
  const { exitCode, stdout, stderr } = await gnupg.gpg(...args);
  words.push(`$ gpg ${args.join(' ')}`, stdout, stderr);
  return exitCode === 0;
}

async function gpgWorks(stage: Stage): Promise<void> {
  if (!(await gpg(stage, '--card-status'))) throw new Error(`gpg does not read the card: ${stage.words.at(-1)}`);
}

async function gpgFails(stage: Stage): Promise<void> {
  if (await gpg(stage, '--card-status')) throw new Error('gpg reads the card');
}

/** Another program; what pcscd tells it stands in the words. */
async function other({ rig, reader, words }: Stage, hold: Hold, name = 'other-program'): Promise<void> {
  await rig.hold(reader, hold, { name }).then(
    () => undefined,
    (error: Error) => words.push(`${name}: ${error.message}`),
  );
}

export const rigScenarios: readonly RigScenario[] = [
  {
    name: 'rig-free',
    situation: 'a free card, GnuPG shares',
    live: null,
    scdaemonConf: SHARING,
    make: async ({ rig, words }) => {
      const { stdout } = await rig.run('opensc-tool', ['--list-readers']);
      words.push(stdout);
    },
  },
  {
    name: 'rig-gpg-blocked',
    situation: 'a shared handle of another program, and gpg has failed',
    live: 'other-client-blocks-scdaemon',
    make: async (stage) => {
      await other(stage, 'shared');
      await gpgFails(stage);
    },
  },
  {
    name: 'rig-gpg-holds',
    situation: 'gpg has used the card, and another program was refused',
    live: 'scdaemon-holds-card',
    make: async (stage) => {
      await gpgWorks(stage);
      await other(stage, 'shared');
    },
  },
  {
    name: 'rig-transaction',
    situation: 'a program keeps a transaction open',
    live: 'other-client-holds-transaction',
    make: (stage) => other(stage, 'transaction'),
  },
  {
    name: 'rig-exclusive',
    situation: 'a program called yubikey-agent has the card for itself, and gpg has failed',
    live: 'other-client-holds-card',
    make: async (stage) => {
      await other(stage, 'exclusive', 'yubikey-agent');
      await gpgFails(stage);
    },
  },
  {
    name: 'rig-two-scdaemons',
    situation: 'gpg of an ordinary user has the card, and root\'s gpg has failed',
    live: 'multiple-scdaemon',
    logsShow: { id: 'other-client-holds-card', because: 'neither log says that the other program is a scdaemon as well' },
    make: async (stage) => {
      const users = await stage.rig.gnupg({ as: 'user' });
      const { exitCode, stderr } = await users.gpg('--card-status');
      if (exitCode !== 0) throw new Error(stderr);
      await gpgFails(stage);
    },
  },
  {
    name: 'config-not-active',
    situation: 'scdaemon has the card under its old configuration; the file says otherwise since',
    live: 'scdaemon-config-not-active',
    logsShow: { id: 'scdaemon-holds-card', because: 'no log tells when the file was changed' },
    make: async (stage) => {
      await gpgWorks(stage);
      // The kernel tells start times to the second only.
      await new Promise((resolve) => setTimeout(resolve, 2500));
      await stage.gnupg.configure(SHARING);
      await other(stage, 'shared');
    },
  },
  {
    name: 'rig-pcscd-restarted',
    situation: 'pcscd was restarted under a scdaemon that had the card; it has noticed, as 2.2.40 and 2.4.7 do within a second',
    live: null,
    logsShow: { id: null, because: 'gpg has worked, and what scdaemon noticed it mended' },
    scdaemonConf: SHARING,
    make: async (stage) => {
      await gpgWorks(stage);
      await stage.rig.pcscd.kill();
      await stage.rig.pcscd.start();
      await stage.rig.pcscd.untilReaders('the card is powered again', (rows) => rows.some(({ present, settled }) => present && settled));
      const card = async () => (await stage.gnupg.run('gpg-connect-agent', ['--no-autostart', 'SCD GETINFO card_list', '/bye'])).stdout;
      await until('scdaemon has let go', async () => !(await card()).includes('SERIALNO'));
    },
  },
  {
    name: 'rig-config-invalid',
    situation: 'scdaemon.conf has a line that scdaemon rejects and passes over',
    live: 'scdaemon-config-invalid',
    logsShow: { id: null, because: 'this scdaemon passes over the line and works' },
    scdaemonConf: [...SHARING, 'shared-access'],
    make: gpgWorks,
  },
  {
    name: 'rig-no-pcscd',
    situation: 'pcscd does not run and nothing would start it',
    live: 'pcscd-not-running',
    rig: { pcscd: false },
    scdaemonConf: ['disable-ccid'],
    make: gpgFails,
  },
  {
    name: 'mute-card',
    situation: 'a card that gives no answer to power-up',
    live: 'card-defect',
    rig: { readers: [{ card: 'mute' }] },
    scdaemonConf: SHARING,
    make: gpgFails,
  },
  {
    name: 'built-in-reader-first',
    situation: 'GnuPG 2.2 looks at the first reader, which is empty; the card is in the third slot',
    live: 'wrong-reader-chosen',
    rig: { readers: [{ card: 'none' }, { card: 'none' }, { card: 'openpgp' }] },
    scdaemonConf: SHARING,
    make: gpgFails,
  },
  {
    name: 'rig-insisting-program',
    situation: 'a program called yubikey-agent was refused while another shares the card, and stays connected',
    live: 'other-client-blocks-exclusive-app',
    scdaemonConf: SHARING,
    make: async (stage) => {
      await other(stage, 'shared');
      await other(stage, 'exclusive', 'yubikey-agent');
      await other(stage, 'context', 'yubikey-agent');
    },
  },
  {
    name: 'rig-leaking-client',
    situation: 'a program has opened 120 connections to pcscd and closed none',
    live: 'client-leaks-connection',
    logsShow: { id: null, because: 'pcscd logs each connection and names no process' },
    scdaemonConf: SHARING,
    make: async ({ rig }) => {
      const connect = `const { connect } = require('node:net'); process.title = 'leaking-program';
        const next = (left) => left === 0 ? console.log('open') : connect('/run/pcscd/pcscd.comm').on('connect', () => setTimeout(next, 20, left - 1)).on('error', () => setTimeout(next, 50, left));
        next(120)`;
      const program = await rig.spawn(rig.node, ['-e', connect], { cwd: '/' });
      await until('all connections are open', async () => program.said.stdout().includes('open'), 20_000);
    },
  },
  {
    name: 'rig-shared',
    situation: 'gpg and another program share the card',
    live: 'shared-applet-switched',
    logsShow: { id: null, because: 'nothing has gone wrong yet' },
    scdaemonConf: SHARING,
    make: async (stage) => {
      await gpgWorks(stage);
      await other(stage, 'shared');
    },
  },
  {
    name: 'rig-ykman',
    situation: 'a program called ykman runs beside a scdaemon that does not share',
    live: 'other-tool-kills-scdaemon',
    logsShow: { id: null, because: 'nothing has gone wrong yet' },
    make: (stage) => other(stage, 'context', 'ykman'),
  },
  {
    name: 'rig-home-taken',
    situation: 'root has taken a user\'s GnuPG home',
    live: 'gnupg-home-unusable',
    scdaemonConf: SHARING,
    as: 'user',
    make: async (stage) => {
      await stage.rig.run('chown', ['-R', 'root:root', stage.gnupg.home]);
      await gpgFails(stage);
    },
  },
  {
    name: 'rig-agent-socket-taken',
    situation: 'another program listens on gpg-agent\'s socket',
    live: 'agent-socket-taken',
    logsShow: { id: null, because: 'gpg only waits for an answer' },
    scdaemonConf: SHARING,
    make: async ({ rig, gnupg }) => {
      const { stdout } = await gnupg.run('gpgconf', ['--list-dirs', 'agent-socket']);
      const socket = stdout.trim();
      const listen = `process.title = 'other-agent'; require('node:net').createServer(() => {}).listen(${JSON.stringify(socket)}, () => console.log('listening'))`;
      const program = await rig.spawn(rig.node, ['-e', listen], { cwd: '/' });
      await until('it listens', async () => program.said.stdout() !== '');
    },
  },
  {
    name: 'sixteen-readers',
    situation: 'all sixteen entries of pcscd\'s table are taken',
    live: 'reader-limit',
    rig: { readers: Array.from({ length: 16 }, (_, slot) => ({ card: slot === 0 ? ('openpgp' as const) : ('none' as const) })) },
    logsShow: { id: null, because: 'the table is full, and no further reader has come yet' },
    scdaemonConf: SHARING,
    make: async () => {},
  },
  {
    name: 'rig-latent',
    situation: 'Debian 12 as installed, and nobody uses the card',
    live: 'scdaemon-conflict-latent',
    logsShow: { id: null, because: 'nothing has gone wrong yet' },
    make: async () => {},
  },
  {
    name: 'rig-protocol-mismatch',
    situation: 'a program brings the libpcsclite of Debian 12 (4:4), and the pcscd of Debian 13 (4:5) refuses it',
    live: 'protocol-mismatch',
    pcscd: 'trixie',
    make: async ({ rig, words, env }) => {
      await bringLibrary(rig, 'bookworm');
      env['LD_LIBRARY_PATH'] = bundle;
      const { stdout, stderr } = await rig.run('opensc-tool', ['--list-readers'], { env });
      words.push('$ opensc-tool --list-readers', stdout, stderr);
    },
  },
  {
    name: 'rig-container-without-usb',
    situation: 'a container in which pcscd runs, and into which no device was handed',
    live: 'no-usb-in-environment',
    rig: { readers: [] },
    logsShow: { id: null, because: 'no log tells that this is a container' },
    scdaemonConf: SHARING,
    make: async (stage) => {
      // The rig is one; where the tests do not run in another, whose mark shows inside, it says so itself.
      await stage.rig.run('sh', ['-c', 'mkdir -p /run/systemd && echo unshare >/run/systemd/container']);
      await gpgFails(stage);
    },
  },
  {
    name: 'rig-login-from-afar',
    situation: 'a login through ssh to a machine without a reader',
    live: 'remote-session',
    rig: { readers: [] },
    logsShow: { id: null, because: 'no log tells from where the user has come' },
    scdaemonConf: SHARING,
    make: async (stage) => {
      stage.through = await loginFromAfar(stage.rig);
      await gpgFails(stage);
    },
  },
  {
    name: 'rig-flatpak-without-pcsc',
    situation: 'cardcheck runs in a flatpak without --socket=pcsc, while another program outside uses the card',
    live: 'sandbox-blocks-pcsc',
    logsShow: { id: null, because: 'the program outside has what it wants' },
    scdaemonConf: SHARING,
    make: async (stage) => {
      await other(stage, 'shared');
      stage.through = await flatpak(stage.rig, { pcsc: false, writable: [dirname(stage.gnupg.home)] });
    },
  },
  {
    name: 'rig-socket-closed',
    situation: 'pcscd\'s socket is open to root alone, as under a SocketMode= of the administrator\'s',
    live: 'sandbox-blocks-pcsc',
    logsShow: { id: null, because: 'no log tells the mode of the socket' },
    scdaemonConf: SHARING,
    as: 'user',
    make: async (stage) => {
      await stage.rig.run('chmod', ['600', pcscdSocket]);
      await gpgFails(stage);
    },
  },
  {
    name: 'rig-library-for-48-readers',
    situation: 'a program brings a libpcsclite built for 48 readers, as Fedora\'s is, and Debian\'s pcscd sends a table of 16',
    live: 'reader-limit-abi-mismatch',
    logsShow: { id: null, because: 'the program waits without a word' },
    scdaemonConf: SHARING,
    make: async ({ rig, words, env }) => {
      await bringBuiltLibrary(rig, 'for-48-readers');
      env['LD_LIBRARY_PATH'] = bundle;
      const { stdout, stderr } = await rig.run('pcsc_scan', ['-r'], { env, timeoutMs: 5000 });
      words.push('$ pcsc_scan -r', stdout, stderr);
    },
  },
  {
    name: 'rig-library-looks-elsewhere',
    situation: 'a program brings a libpcsclite that looks for pcscd\'s socket under /usr/local',
    live: 'library-daemon-disagree',
    logsShow: { id: null, because: 'no log says where the library has looked' },
    scdaemonConf: SHARING,
    make: async ({ rig, words, env }) => {
      await bringBuiltLibrary(rig, 'of-usr-local');
      env['LD_LIBRARY_PATH'] = bundle;
      const { stdout, stderr } = await rig.run('pcsc_scan', ['-r'], { env });
      words.push('$ pcsc_scan -r', stdout, stderr);
    },
  },
  {
    name: 'rig-no-addon',
    situation: 'npm has not built the add-on through which cardcheck asks the library',
    live: 'addon-unavailable',
    logsShow: { id: null, because: 'the add-on is cardcheck\'s own' },
    scdaemonConf: SHARING,
    make: async ({ rig }) => {
      await rig.run('mount', ['-t', 'tmpfs', 'tmpfs', `${rig.app}/node_modules/pcsclite`]);
    },
  },
  {
    name: 'rig-seen-by-a-user',
    situation: 'an ordinary user looks, and another program shares the card',
    live: 'unseen-without-root',
    logsShow: { id: null, because: 'both programs have what they want' },
    scdaemonConf: SHARING,
    as: 'user',
    make: (stage) => other(stage, 'shared'),
  },
  {
    name: 'rig-ssh-asks-another-agent',
    situation: 'gpg-agent would serve ssh, and SSH_AUTH_SOCK leads elsewhere',
    live: 'agent-not-used',
    logsShow: { id: null, because: 'no log says which agent ssh asks' },
    scdaemonConf: SHARING,
    make: async ({ rig, gnupg, env }) => {
      await rig.run('sh', ['-c', `echo enable-ssh-support >>${gnupg.home}/gpg-agent.conf`]);
      env['SSH_AUTH_SOCK'] = '/tmp/ssh-agent/agent.1';
    },
  },
];

export interface Played {
  report: Report;
  /** The snapshot, redacted, as --save wrote it. */
  snapshot: string;
  /** pcscd's and scdaemon's logs and what the programs said, as one paste. */
  logs: string;
}

/** Plays one scenario in a rig of its own. @param talkative daemons log in debug mode */
export async function play(scenario: RigScenario, talkative: boolean): Promise<Played> {
  const pcscd = await pcscdOf(scenario.pcscd ?? 'installed');
  const rig = await startRig({ ...scenario.rig, ...(pcscd === undefined ? {} : { pcscd }), pcscdArgs: talkative ? ['--debug'] : [] });
  try {
    const as = scenario.as ?? 'root';
    const gnupg = await rig.gnupg({ as });
    await gnupg.configure([...(talkative ? talkativeLines(gnupg) : []), ...(scenario.scdaemonConf ?? [])]);
    const stage: Stage = { rig, reader: rig.readers[0] ?? '', gnupg, words: [], env: {}, through: [] };
    await scenario.make(stage);
    const file = `${dirname(gnupg.home)}/snapshot.json`;
    const { report, words } = await runCardcheck(rig, { as, args: ['--save', file], env: stage.env, through: stage.through });
    if (report === null) throw new Error(words);
    const snapshot = (await rig.run('cat', [file])).stdout;
    const scdaemon = (await rig.run('sh', ['-c', `cat ${logOf(gnupg.home)} 2>/dev/null; true`])).stdout;
    return { report, snapshot, logs: [stage.words.join('\n'), scdaemon, rig.pcscd.log].join('\n') };
  } finally {
    await rig.stop();
  }
}
