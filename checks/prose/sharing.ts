import { row } from '../../src/check.ts';
import { byWhom, named, type Somebody } from './named.ts';

export const sharing = {
  CC101: row({
    id: 'scdaemon-holds-card',
    layer: 'sharing',
    severity: 'error',
    title: 'GnuPG holds the card for itself alone',
    passTitle: 'GnuPG does not lock others out',
    message: ({ reader, holders }: { reader: string; holders: Somebody[] }) =>
      `${reader} is held in EXCLUSIVE mode by ${byWhom(holders)}; every other program gets SCARD_E_SHARING_VIOLATION (0x8010000B).`,
    why:
      'scdaemon connects to the reader with SCARD_SHARE_EXCLUSIVE unless it is told to share, and keeps the connection after the first use: ' +
      'until the card is removed, scdaemon is killed, or gpg-agent ends. No version has an idle timeout. While it is connected, pcscd refuses every other connect at once, SHARED and DIRECT included.',
    price: 'Sharing: more PIN prompts, and another program may select another applet under gpg. Releasing: the PIN is asked again.',
    wrongCure: 'Restarting pcscd frees the reader until gpg is used next, and cuts off every other program. `card-timeout` is accepted by scdaemon and read by no code.',
    sources: ['GnuPG 2.4.8 scd/apdu.c: connect_pcsc_card', 'GnuPG manual: scdaemon, option pcsc-shared', 'pcsc-lite src/winscard.c: SCardConnect', 'https://github.com/LudovicRousseau/PCSC/issues/215'],
  }),
  CC102: row({
    id: 'other-client-blocks-scdaemon',
    layer: 'sharing',
    severity: 'error',
    title: 'Another program shares the card, so GnuPG cannot have it',
    passTitle: 'No other program keeps GnuPG away',
    message: ({ reader, holders, handles }: { reader: string; holders: Somebody[]; handles: number | null }) =>
      `${reader} is open${handles === null ? '' : `, with ${handles} shared ${handles === 1 ? 'handle' : 'handles'},`} in ${byWhom(holders)}. ` +
      'scdaemon insists on an EXCLUSIVE connect, which fails with SCARD_E_SHARING_VIOLATION (0x8010000B); gpg then says "No such device".',
    why:
      'An EXCLUSIVE connect needs a reader on which nobody has a handle. One idle shared handle, held by a browser, the desktop session or an SSH agent, is enough to refuse it. ' +
      'scdaemon turns every failed connect into the same "No such device"; the sharing violation stands in its log only.',
    price: 'Sharing: more PIN prompts, and the other program may select another applet under gpg.',
    wrongCure: 'Replugging the key or restarting pcscd works only until the other program connects again. `reader-port` chooses a reader, it does not open one.',
    sources: ['GnuPG 2.4.8 scd/apdu.c, scd/app.c: select_application', 'pcsc-lite src/winscard.c: SCardConnect', 'https://github.com/LudovicRousseau/PCSC/issues/215', 'https://github.com/OpenSC/OpenSC/issues/2980'],
  }),
  CC103: row({
    id: 'other-client-holds-card',
    layer: 'sharing',
    severity: 'error',
    title: 'A program holds the card for itself alone',
    passTitle: 'No program locks the others out',
    message: ({ reader, holders }: { reader: string; holders: Somebody[] }) =>
      `${reader} is held in EXCLUSIVE mode by ${byWhom(holders)}; every other program gets SCARD_E_SHARING_VIOLATION (0x8010000B).`,
    why:
      'Some programs ask for the card alone and keep it as long as they run: yubikey-agent, piv-agent, step-ca, pcsc-relay, lpac, and ykman from 5.6 on while a command runs. ' +
      'pcscd refuses all other connects at once and has no time limit. Options of gpg cannot help here: sharing needs both sides.',
    price: 'The program that lets go asks for the PIN again. One that is killed while it is connected EXCLUSIVE makes pcscd reset the card.',
    wrongCure: '`pcsc-shared` in scdaemon.conf does not help against a program that is itself EXCLUSIVE.',
    sources: ['piv-go piv/pcsc_unix.go', 'yubikey-agent README: Conflicts with gpg-agent', 'pcsc-lite src/winscard.c, src/winscard_svc.c: MSGRemoveContext'],
  }),
  CC104: row({
    id: 'other-client-holds-transaction',
    layer: 'sharing',
    severity: 'error',
    title: 'A program keeps a transaction open: others hang',
    passTitle: 'No transaction is kept open',
    message: ({ reader, holders, waitedMs }: { reader: string; holders: Somebody[]; waitedMs: number | null }) =>
      `${reader} is kept in a transaction by ${byWhom(holders)}. Other programs get no error, they wait without limit` +
      (waitedMs === null ? '.' : `; our own connect had no answer after ${waitedMs} ms.`),
    why:
      'SCardBeginTransaction gives one handle the reader until SCardEndTransaction. pcscd makes every other connect, exclusive, shared or direct, wait for that, and knows no time limit as Windows does. ' +
      'The same silence comes from a reader that is still powering its card or a driver that is stuck; both end by themselves or with the reader.',
    price: 'A program that is killed inside a transaction makes pcscd reset the card: PINs are asked again.',
    wrongCure: 'PCSCLITE_NO_BLOCKING does not unblock a connect, and does nothing in /etc/default/pcscd.',
    sources: ['pcsc-lite src/winscard.c: SCardConnect waits while hLockId is set', 'https://github.com/LudovicRousseau/PCSC/issues/254'],
  }),
  CC105: row({
    id: 'other-client-blocks-exclusive-app',
    layer: 'sharing',
    severity: 'warning',
    title: 'A program insists on the card alone while others share it',
    passTitle: 'No program is refused an exclusive connect',
    message: ({ reader, program, holders }: { reader: string; program: { command: string; pid: number; user: string | null }; holders: Somebody[] }) =>
      `${named(program)} runs and connects EXCLUSIVE. ${reader} is open in ${byWhom(holders)}, so its next connect fails with SCARD_E_SHARING_VIOLATION (0x8010000B).`,
    why: 'An EXCLUSIVE connect needs a reader without any handle. The programs that share it do nothing wrong; the one that insists fails.',
    price: 'The programs that share the reader must end, or the one that insists must learn to share.',
    wrongCure: 'Restarting pcscd: the sharing programs come back before the one that insists.',
    sources: ['pcsc-lite src/winscard.c: SCardConnect', 'https://github.com/go-piv/piv-go/issues/116'],
  }),
  CC106: row({
    id: 'client-leaks-connection',
    layer: 'sharing',
    severity: 'warning',
    title: 'A program blocks itself with a connection it never closed',
    passTitle: 'No program blocks itself',
    message: ({ process, says }: { process: { command: string; pid: number; user: string | null }; says: string }) => `${named(process)} ${says}.`,
    why:
      'pcscd counts handles, not processes: a second EXCLUSIVE connect of the same program fails because of its first. Contexts that are never released also use up the limit of 200.',
    price: 'The program must be restarted; its PIN state is lost.',
    wrongCure: 'Looking for another program: there is none.',
    sources: ['pcsc-lite src/winscard.c: sharing counters are per reader', 'pcsc-lite src/pcscd.h.in: PCSC_MAX_CONTEXT_THREADS'],
  }),
  CC107: row({
    id: 'other-client-polls',
    layer: 'sharing',
    severity: 'warning',
    title: 'A program touches the card again and again',
    passTitle: 'No program polls the card',
    message: () => 'A program connects to the card at short intervals: the token blinks and every other program waits its turn.',
    why: 'Nothing is locked for long, but each visit may power the card, select an applet, or make an EXCLUSIVE connect of another program fail at the wrong moment.',
    price: 'That program no longer notices a card by itself.',
    wrongCure: 'Changing scdaemon.conf: the visits go on.',
    sources: ['pcsc-lite src/winscard.c'],
    explainOnly: 'One look cannot tell a visit from a stay. `cardcheck watch` shows each visit as it happens.',
  }),
  CC108: row({
    id: 'other-tool-kills-scdaemon',
    layer: 'sharing',
    severity: 'info',
    title: 'A tool ends scdaemon when it cannot have the card',
    passTitle: 'No tool ends scdaemon',
    message: ({ tools }: { tools: string[] }) => `${tools.join(' and ')} ${tools.length === 1 ? 'ends' : 'end'} scdaemon when a connect to the card fails, as it does while scdaemon has the card for itself alone; gpg then asks for the PIN again.`,
    why:
      'ykman sends SIGKILL to every scdaemon it may signal when its own connect fails, age-plugin-yubikey sends SIGINT. gpg-agent starts a new scdaemon at the next request, without the PIN.',
    price: 'Sharing: with `pcsc-shared` their connect succeeds and scdaemon is left alone, at the cost of more PIN prompts.',
    wrongCure: 'Raising PIN cache times: scdaemon is gone, and the verified state of the card with it.',
    sources: ['yubikey-manager ykman/pcsc/__init__.py', 'age-plugin-yubikey src/key.rs'],
  }),
  CC109: row({
    id: 'multiple-scdaemon',
    layer: 'sharing',
    severity: 'warning',
    title: 'Several scdaemons run and compete for the card',
    passTitle: 'One scdaemon at most',
    message: ({ scdaemons, holder }: { scdaemons: { pid: number; user: string | null; home: string | null }[]; holder: number | null }) =>
      `${scdaemons.length} scdaemons run: ${scdaemons.map(({ pid, user, home }) => `pid ${pid} of ${user ?? 'an unknown user'}${home === null ? '' : `, home ${home}`}`).join('; ')}. ` +
      (holder === null ? 'The first to use the card locks the others out.' : `Process ${holder} has the card; the others cannot get it.`),
    why:
      'Each user and each GNUPGHOME has its own gpg-agent and its own scdaemon. A mail program with a home of its own, `sudo gpg`, or a second gpg installation is enough. ' +
      '`gpgconf --kill` reaches only the scdaemon of this user and this home.',
    price: 'A scdaemon that is ended forgets the PIN.',
    wrongCure: '`gpgconf --kill scdaemon` as oneself, when the other scdaemon belongs to another user or home.',
    sources: ['GnuPG 2.4.8 tools/gpgconf-comp.c, agent/call-daemon.c'],
  }),
  CC110: row({
    id: 'scdaemon-stale',
    layer: 'gnupg',
    severity: 'warning',
    title: 'scdaemon holds an outdated state and must be restarted',
    passTitle: 'scdaemon is in step with the card',
    message: ({ pid, user }: { pid: number; user: string | null }) =>
      `${named({ command: 'scdaemon', pid, user })} says that it has a card open, and pcscd, which started later, counts no handle on any reader: its connection no longer exists.`,
    why: 'After a restart of pcscd, a suspend, or a reset by another program, scdaemon may keep a dead socket or an applet selection that is no longer true.',
    price: 'The PIN is asked again.',
    wrongCure: '`gpgconf --reload gpg-agent`: it does not restart scdaemon.',
    sources: ['GnuPG 2.4.8 scd/apdu.c, scd/scdaemon.c: handle_signal'],
  }),
  CC111: row({
    id: 'shared-applet-switched',
    layer: 'sharing',
    severity: 'warning',
    title: 'Another program may select another applet under GnuPG',
    passTitle: 'GnuPG finds its applet selected',
    message: ({ reader, holders }: { reader: string; holders: Somebody[] }) =>
      `GnuPG shares ${reader} with ${holders.map(named).join(' and ')}. Where that selects its own applet, gpg gets "Card error" (6D00), 6982, or asks for the PIN again.`,
    why:
      'scdaemon never opens a transaction. In shared mode another program may select PIV or OTP between two of its commands. From 2.3.2 on scdaemon notices that on a YubiKey before it signs or decrypts, not for `gpg --card-status` and not for other cards; 2.2 never notices.',
    price: 'The PIN is asked again.',
    wrongCure: 'Going back to exclusive mode: it exchanges this fault for the lock.',
    sources: ['GnuPG 2.4.8 scd/app.c', 'https://dev.gnupg.org/T5484', 'https://github.com/keepassxreboot/keepassxc/issues/13665'],
  }),
  CC112: row({
    id: 'macos-ctk-holds-card',
    layer: 'sharing',
    severity: 'error',
    title: 'macOS itself holds the card',
    passTitle: 'macOS leaves the card alone',
    message: ({ reader, extensions }: { reader: string; extensions: string[] }) =>
      `A token extension of macOS, ${extensions.join(' or ')}, has a session with the card in ${reader}; other connects get SCARD_E_SHARING_VIOLATION (0x8010000B).`,
    why: 'macOS probes a new card with its token extensions, PIV first, in exclusive sessions of some seconds, and again at each token operation.',
    price: 'Without the token extension the card no longer serves logins and certificates of macOS.',
    wrongCure: 'Killing com.apple.ctkpcscd: it comes back at the next card event.',
    sources: ['macOS man SmartCardServices(7)', 'Apple Platform Deployment: advanced smart card options', 'https://github.com/yawn/ykoath/issues/14', 'https://github.com/frankmorgner/OpenSCToken/issues/55'],
  }),
};
