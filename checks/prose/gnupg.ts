import { row } from '../../src/check.ts';
import { named } from './named.ts';

export const gnupg = {
  CC201: row({
    id: 'scdaemon-conflict-latent',
    layer: 'gnupg',
    severity: 'warning',
    title: 'GnuPG will fight with the next program that uses the card',
    passTitle: 'GnuPG is set up to share the card',
    message: ({ version, access }: { version: string; access: 'usb' | 'usb-first' | 'usb-or-exclusive' | 'exclusive' }) =>
      ({
        usb: `scdaemon ${version} will claim the reader over USB, below PC/SC; while it has it, pcscd loses the reader, and while pcscd has it, gpg says "No such device".`,
        'usb-first': `scdaemon ${version} will claim the reader over USB, below PC/SC, whenever it comes first; pcscd then loses the reader. Only where pcscd came first it shares.`,
        'usb-or-exclusive': `scdaemon ${version} will claim the reader over USB or, where pcscd has it, connect to it in EXCLUSIVE mode. Either way one of the two programs fails.`,
        exclusive: `scdaemon ${version} will connect to the reader in EXCLUSIVE mode: it fails while any other program has the card open, and locks the others out once it has it.`,
      })[access],
    why:
      'Nothing is locked at this moment. But scdaemon, configured as it is, does not share: it goes to the USB device itself (internal CCID driver) or connects EXCLUSIVE through pcscd. ' +
      'The first program besides gpg that uses the card starts the fight.',
    price: 'Sharing: more PIN prompts, and another program may select another applet under gpg.',
    wrongCure: '`disable-ccid` alone moves the fight from USB to PC/SC; `pcsc-shared` alone does nothing as long as the internal driver is used.',
    sources: ['GnuPG manual: scdaemon, options disable-ccid and pcsc-shared', 'GnuPG 2.4.8 scd/apdu.c: apdu_dev_list_start', 'Debian gnupg2 NEWS 2.4.7-15'],
  }),
  CC202: row({
    id: 'scdaemon-config-invalid',
    layer: 'gnupg',
    severity: 'error',
    title: 'scdaemon rejects its configuration',
    passTitle: 'scdaemon accepts its configuration',
    message: ({ file, lines, fatal, endless }: { file: string; lines: { line: number | null; says: string }[]; fatal: boolean; endless: boolean }) =>
      `${lines.map(({ line, says }) => `${file}${line === null ? '' : `:${line}`}: ${says}`).join('; ')}. ` +
      (endless ? 'scdaemon never gets past it, and gpg waits with it for a card that is not asked.' : fatal ? 'scdaemon refuses to start; gpg says "No SmartCard daemon".' : lines.every(({ line }) => line === null) ? 'scdaemon starts late, if it starts.' : 'scdaemon ignores what it rejects and starts.'),
    why:
      'An unknown or malformed line ends scdaemon up to 2.2.25 and from 2.3 on; the versions between report it and go on. So a stray line that was harmless breaks smart cards after an upgrade. ' +
      'Comments are allowed at the start of a line only; `=`, leading dashes and abbreviations are errors. A FIFO, a directory or a device in the place of the file is read for ever.',
    price: 'None: the line did nothing useful.',
    wrongCure: '`shared-access` was never an option of GnuPG; only GPGTools knew it.',
    sources: ['GnuPG 2.4.8 scd/scdaemon.c: log_get_errorcount', 'libgpg-error src/argparse.c'],
  }),
  CC203: row({
    id: 'scdaemon-config-ineffective',
    layer: 'gnupg',
    severity: 'warning',
    title: 'A setting of scdaemon does nothing',
    passTitle: 'Every setting of scdaemon has its effect',
    message: ({ file, line, says }: { file: string; line: number | null; says: string }) => `${file}${line === null ? '' : `:${line}`}: ${says}.`,
    why:
      'scdaemon does not tell when a setting has no effect: `pcsc-shared` while the internal CCID driver is used, a file this user may not read, a value that swallowed a comment, an option that no code reads.',
    price: 'None.',
    wrongCure: 'Adding the same line again in another file.',
    sources: ['GnuPG 2.4.8 scd/apdu.c, scd/scdaemon.c', 'libgpg-error src/argparse.c'],
  }),
  CC204: row({
    id: 'scdaemon-config-not-active',
    layer: 'gnupg',
    severity: 'warning',
    title: 'scdaemon runs with an older configuration',
    passTitle: 'scdaemon runs with the configuration on disk',
    message: ({ pid, user }: { pid: number; user: string | null }) =>
      `scdaemon (pid ${pid}${user === null ? '' : `, ${user}`}) started before its configuration was last changed; it reads it only at its start.`,
    why: 'scdaemon reads its files once. SIGHUP and `gpgconf --reload gpg-agent` change nothing; only a restart does.',
    price: 'The PIN is asked again.',
    wrongCure: '`gpgconf --reload gpg-agent`, or restarting pcscd.',
    sources: ['GnuPG 2.4.8 scd/scdaemon.c: handle_signal', 'GnuPG 2.4.8 tools/gpgconf-comp.c'],
  }),
  CC205: row({
    id: 'wrong-reader-chosen',
    layer: 'gnupg',
    severity: 'warning',
    title: 'GnuPG looks at the wrong reader',
    passTitle: 'GnuPG looks at the right reader',
    message: ({ says }: { says: string }) => `${says}. gpg then says "No such device" although nothing holds the card.`,
    why:
      'GnuPG 2.2 uses the first reader of pcscd\'s list and never tries the others, so a built-in reader hides the key. ' +
      '`reader-port` means different things: a PC/SC name prefix on 2.2, `VID:PID:SERIAL:N` for the internal CCID driver of 2.3 and later, where a reader\'s name matches nothing.',
    price: 'gpg then looks at the named reader only.',
    wrongCure: '`reader-port Yubico Yubi`, right on 2.2, keeps gpg from finding any reader on 2.3 and later with the internal driver.',
    sources: ['GnuPG 2.2.40 scd/apdu.c: select_a_reader', 'GnuPG 2.4.8 scd/apdu.c, scd/ccid-driver.c'],
  }),
  CC206: row({
    id: 'internal-ccid-driver-limited',
    layer: 'gnupg',
    severity: 'warning',
    title: 'GnuPG\'s own CCID driver cannot drive this reader',
    passTitle: 'The driver in use can drive the reader',
    message: ({ device, version, lacks }: { device: string; version: string; lacks: string[] }) =>
      `The CCID driver inside scdaemon ${version} needs ${lacks.join(' and ')}, and ${device} has not; gpg cannot use this reader except through pcscd.`,
    why: 'The driver inside scdaemon supports fewer readers, exchange levels and voltages than libccid.',
    price: 'Through PC/SC gpg needs pcscd, and connects EXCLUSIVE unless it is told to share.',
    wrongCure: 'Another cable or port.',
    sources: ['GnuPG 2.4.8 scd/ccid-driver.c'],
  }),
  CC207: row({
    id: 'gnupg-version-bug',
    layer: 'gnupg',
    severity: 'info',
    title: 'This GnuPG version has a known fault with cards',
    passTitle: 'No known fault in this GnuPG version',
    message: ({ version, fault, fixedIn, asOf }: { version: string; fault: string; fixedIn: string; asOf: string }) =>
      `scdaemon ${version}: ${fault}. Mended in ${fixedIn} (as known on ${asOf}; a distribution may have mended it without a new number).`,
    why: 'Several releases broke one family of cards or one operation. The list is kept with its date in checks/data/gnupg-versions.json.',
    price: 'An upgrade of GnuPG.',
    wrongCure: 'Changing the configuration.',
    sources: ['GnuPG NEWS', 'https://dev.gnupg.org/T5487', 'https://dev.gnupg.org/T7457', 'https://dev.gnupg.org/T7589'],
  }),
  CC208: row({
    id: 'scdaemon-not-installed',
    layer: 'gnupg',
    severity: 'warning',
    title: 'GnuPG is installed without its smart-card part',
    passTitle: 'scdaemon is installed',
    message: ({ gpg, expected }: { gpg: string; expected: string | null }) =>
      `gpg ${gpg} is installed, scdaemon is not${expected === null ? '' : ` (gpgconf expects it at ${expected})`}; gpg says "No SmartCard daemon".`,
    why: 'Debian, Ubuntu and Fedora ship scdaemon as a package of its own.',
    price: 'None.',
    wrongCure: 'Installing pcscd: gpg needs scdaemon to reach it.',
    sources: ['Debian package scdaemon', 'Fedora gnupg2.spec: gnupg2-scdaemon', 'GnuPG 2.4.8 agent/call-daemon.c'],
  }),
  CC209: row({
    id: 'gnupg-home-unusable',
    layer: 'gnupg',
    severity: 'warning',
    title: 'GnuPG\'s home directory cannot be used',
    passTitle: 'GnuPG\'s home directory is usable',
    message: ({ home, says }: { home: string; says: string }) => `gpg cannot use its home directory ${home}: ${says}.`,
    why: '`sudo gpg` with the user\'s own home leaves files that belong to root; services run without a home. gpg-agent and scdaemon then fail to start, and gpg says "No SmartCard daemon".',
    price: 'None.',
    wrongCure: 'Running gpg with sudo again.',
    sources: ['libgpg-error src/argparse.c', 'GnuPG manual: GPG configuration'],
  }),
  CC210: row({
    id: 'agent-socket-taken',
    layer: 'gnupg',
    severity: 'warning',
    title: 'Another agent answers on gpg-agent\'s socket',
    passTitle: 'gpg talks to gpg-agent',
    message: ({ socket, by }: { socket: string; by: { command: string; pid: number; user: string | null } }) => `${named(by)} listens on ${socket}; gpg talks to it and not to gpg-agent.`,
    why: 'Desktop keyrings and forwarded sockets can take the place of gpg-agent; those do not speak to scdaemon.',
    price: 'The other agent no longer serves that socket.',
    wrongCure: 'Restarting scdaemon.',
    sources: ['GnuPG manual: gpg-agent'],
  }),
  CC211: row({
    id: 'agent-not-used',
    layer: 'gnupg',
    severity: 'warning',
    title: 'SSH does not ask gpg-agent',
    passTitle: 'SSH asks gpg-agent',
    message: ({ sshAuthSock, sshSocket }: { sshAuthSock: string; sshSocket: string }) => `SSH_AUTH_SOCK is ${sshAuthSock}, and gpg-agent serves ssh on ${sshSocket}; ssh never asks the card.`,
    why: 'ssh uses the agent that SSH_AUTH_SOCK names and no other.',
    price: 'Keys of the other agent are not offered any more.',
    wrongCure: 'Changing scdaemon.conf.',
    sources: ['GnuPG manual: gpg-agent, option enable-ssh-support'],
  }),
};
