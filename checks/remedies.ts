/**
 * What to do, built for this machine: only options the installed scdaemon knows and still lacks, commands that reach
 * the very process they mean, and the price of each. `commands` carry a remedy out; `edits` say the same as data.
 */
import { type ClientProgram, clientPrograms, identifyProgram } from '../src/data/client-programs.ts';
import type { Holder, Remedy } from '../src/report/schema.ts';
import type { Fact, Gnupg, Host, Scdaemon, ScdaemonConfig, UsbDevice } from '../src/snapshot/schema.ts';
import { unregister } from './module-remedies.ts';
import { type Part, packageCommands } from './packages.ts';
import { type InstalledScdaemon, linesToShare } from './scdaemon.ts';
import { asOwner, asRoot, asUser, isShellOf, quote } from './shell.ts';

const PIN_AGAIN = 'The PIN is asked again at the next use.';

/** Where options of this user's scdaemon belong. */
export const ownConfigFile = ({ homeDir }: Gnupg): string => `${homeDir}/scdaemon.conf`;

/** Nothing but a restart makes scdaemon read its files; this one reaches the scdaemon of this user and home only. */
const RESTART = 'gpgconf --kill scdaemon';

/** For good: scdaemon goes through PC/SC and shares. */
export function shareReader(gnupg: Gnupg, scdaemon: InstalledScdaemon, config: ScdaemonConfig): Remedy[] {
  const lines = linesToShare(scdaemon, config);
  if (lines === null) return [upgradeToShare(scdaemon)];
  if (lines.length === 0) return [];
  const file = ownConfigFile(gnupg);
  const fileIsThere = config.files.some(({ path, state }) => path === file && state !== 'missing');
  return [
    {
      title: 'Let scdaemon share the reader with other PC/SC programs',
      kind: 'lasting',
      commands: [
        ...(fileIsThere ? [] : [`mkdir -p -m 700 ${quote(gnupg.homeDir)}`]),
        // A file may lack its final newline; without ours the first option would be glued to its last line.
        `printf '\\n%s\\n' ${lines.join(' ')} >> ${quote(file)}`,
        RESTART,
      ],
      edits: [{ file, add: lines, remove: [] }],
      price: 'The PIN is asked more often, for signing and decrypting separately; another program may use the card while it is unlocked or select another applet under gpg ("Card error": restart scdaemon).',
    },
  ];
}

const upgradeToShare = ({ version }: InstalledScdaemon): Remedy => ({
  title: `Upgrade GnuPG: ${version} cannot share a reader, 2.2.28 and 2.3.0 and later can`,
  kind: 'lasting',
  commands: [],
  edits: [],
  price: 'With 2.3 and later an invalid line in scdaemon.conf is fatal.',
});

/** For GnuPG 2.2, which opens one reader only: the start of its name chooses it. */
export function chooseReader(gnupg: Gnupg, reader: string): Remedy {
  // Numbers at the end count readers and slots; they change with the order of plugging.
  const prefix = reader.replace(/ \d\d \d\d$/, '');
  const file = ownConfigFile(gnupg);
  return {
    title: 'Tell scdaemon which reader to use',
    kind: 'lasting',
    commands: [`printf '\\nreader-port %s\\n' ${quote(prefix)} >> ${quote(file)}`, RESTART],
    edits: [{ file, add: [`reader-port ${prefix}`], remove: [] }],
    price: 'gpg looks at readers of this name only. The line must go when GnuPG is upgraded to 2.3 or later, where it has another meaning.',
  };
}

/** For now: this scdaemon ends and lets go; gpg-agent starts it again when it is needed. */
export function endScdaemon(scdaemon: Scdaemon, host: Fact<Host>): Remedy {
  const { process } = scdaemon;
  return { title: `End scdaemon (pid ${process.pid}), which lets go of the card`, kind: 'now', commands: [endCommand(scdaemon, host)], edits: [], price: PIN_AGAIN };
}

function endCommand({ process, home, ours }: Scdaemon, host: Fact<Host>): string {
  const { pid, uid, user } = process;
  // Without its gpg-agent nobody passes gpgconf's wish on; SIGINT ends scdaemon at once (GnuPG scd/scdaemon.c, handle_signal).
  const reachable = process.parents[0]?.comm === 'gpg-agent' && home !== null && user !== null;
  if (!reachable) return asOwner(host, uid, `kill -INT ${pid}`);
  if (ours) return RESTART;
  const restartThere = `GNUPGHOME=${quote(home)} ${RESTART}`;
  if (isShellOf(host, uid)) return restartThere;
  return asUser(host, user, home.endsWith('/.gnupg') ? RESTART : `env ${restartThere}`);
}

/** Programs whose own lasting remedy is to look for the module and who registered it. */
const BROWSERS = ['firefox', 'thunderbird', 'chromium'];

/**
 * A program that is no scdaemon lets go: by its own means where it has some, else it is ended; for good it does where
 * nobody makes it load the module any more. Its own means are commands of its user, so they are no help against
 * another user's process.
 */
function releaseHolder(holder: Holder, host: Fact<Host>): Remedy[] {
  const program = programOf(holder);
  const exact = unregister(holder, host);
  const known = exact.length > 0 && BROWSERS.includes(program?.id ?? '');
  const own = isShellOf(host, holder.uid) ? (program?.remedies ?? []).filter(({ kind }) => kind === 'now' || !known) : [];
  const letsGo = own.some(({ kind, commands }) => kind === 'now' && commands.length > 0);
  return [...own, ...(letsGo ? [] : [endProcess(holder, host)]), ...exact];
}

/** Every holder that is named with some certainty lets go; where none is, the way to a name, or the one cure that needs none. */
export function releaseHolders(holders: readonly Holder[], host: Fact<Host>): Remedy[] {
  const named = holders.filter(({ certainty }) => certainty !== 'possible');
  if (named.length > 0) return named.flatMap((holder) => releaseHolder(holder, host));
  return host.status === 'ok' && host.value.root ? [restartPcscd(host)] : [LOOK_AS_ROOT];
}

/** sudo has a PATH of its own, in which neither cardcheck nor its node need be. */
export const LOOK_AS_ROOT: Remedy = { title: 'Look again as root, who sees every process', kind: 'now', commands: ['sudo env "PATH=$PATH" cardcheck'], edits: [], price: null };

/** By the name reports give it, with its confinement or after a module it loaded: the program's label, or its own name where the label stands for a kind of program. */
function programOf({ command }: Holder): ClientProgram | null {
  const host = command.slice(command.lastIndexOf(' in ') + 1).replace(/^in /, '');
  const name = host.replace(/ \(.*$/, '');
  return clientPrograms.find(({ label }) => host === label || host.startsWith(`${label} (`)) ?? identifyProgram({ comm: name, argv: [name], exe: null });
}

export const endProcess = ({ pid, uid, command, access, unit }: Pick<Holder, 'pid' | 'uid' | 'command' | 'access' | 'unit'>, host: Fact<Host>): Remedy => ({
  title: `End ${command} (pid ${pid})`,
  kind: 'now',
  commands: [asOwner(host, uid, `kill ${pid}`)],
  edits: [],
  price: `${endPrice(command, access)}${unit?.endsWith('.service') ? ` If ${unit} starts it again, stop that service instead.` : ''}`,
});

const endPrice = (command: string, access: Holder['access']): string =>
  access === 'exclusive' || access === 'transaction'
    ? `${command} ends. If it does not let go by itself first, pcscd resets the card: every program must present its PIN again.`
    : `${command} ends; the card is left as it is.`;

export const restartPcscd = (host: Fact<Host>): Remedy => ({
  title: 'Restart pcscd',
  kind: 'now',
  commands: [asRoot(host, 'systemctl restart pcscd.service')],
  edits: [],
  price: 'Every PC/SC program loses its connection and the cards are reset; scdaemon must be restarted too.',
});

/** For now: gpg's own USB driver gets the readers. */
export const stopPcscd = (host: Fact<Host>): Remedy => ({
  title: 'Stop pcscd, so that GnuPG can open the reader itself',
  kind: 'now',
  commands: [asRoot(host, 'systemctl stop pcscd.socket pcscd.service'), RESTART],
  edits: [],
  price: 'Until pcscd.socket is started again no other program can use a card.',
});

export const install = (host: Fact<Host>, part: Part, title: string): Remedy => ({
  title,
  kind: 'lasting',
  commands: packageCommands(host, 'install', part),
  edits: [],
  price: null,
});

export const upgrade = (host: Fact<Host>, part: Part, title: string): Remedy => ({
  title,
  kind: 'lasting',
  commands: packageCommands(host, 'upgrade', part),
  edits: [],
  price: null,
});

/** For good: udev gives the device to a user, whatever the session. */
export function openDevice({ id }: UsbDevice, user: string, host: Fact<Host>): Remedy {
  const [vendor, product] = id.split(':');
  const file = '/etc/udev/rules.d/70-smart-card-reader.rules';
  const rule = `SUBSYSTEM=="usb", ATTR{idVendor}=="${vendor}", ATTR{idProduct}=="${product}", OWNER="${user}"`;
  return {
    title: `Give ${id} to ${user}`,
    kind: 'lasting',
    commands: [`printf '%s\\n' ${quote(rule)} | ${asRoot(host, `tee -a ${file}`)}`, asRoot(host, 'udevadm control --reload'), asRoot(host, 'udevadm trigger --subsystem-match=usb')],
    edits: [{ file, add: [rule], remove: [] }],
    price: `Every program of ${user} may talk to the device, also from afar.`,
  };
}

/** Lines of a file that must not stay: `mended` takes a line's place, null makes it a comment. */
export function mendLines(file: string, lines: { line: number; text: string | null; mended: string | null }[], needsRoot: boolean, host: Fact<Host>): Remedy {
  const script = lines.map(({ line, mended }) => (mended === null ? `${line}s/^/# /` : `${line}s/.*/${mended}/`)).join(';');
  const command = `sed -i.bak ${quote(script)} ${quote(file)}`;
  return {
    title: `Mend ${lines.length === 1 ? 'this line' : 'these lines'} of ${file}`,
    kind: 'lasting',
    commands: [needsRoot ? asRoot(host, command) : command, RESTART],
    edits: [{ file, add: lines.flatMap(({ mended }) => mended ?? []), remove: lines.flatMap(({ text }) => text ?? []) }],
    price: PIN_AGAIN,
  };
}

/** What stands where an option file belongs is put aside; nothing of it is lost. */
export function setAside(file: string, needsRoot: boolean, host: Fact<Host>): Remedy {
  const command = `mv ${quote(file)} ${quote(`${file}.aside`)}`;
  return {
    title: `Put ${file} aside`,
    kind: 'lasting',
    commands: [needsRoot ? asRoot(host, command) : command],
    edits: [],
    price: 'What it was meant to set is not set until a file with these lines takes its place.',
  };
}
