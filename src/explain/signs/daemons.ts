import { plain, type Sign } from '../sign.ts';
import { seeGpgNumber } from './gpg.ts';

/** agent/divert-scd.c, ask_for_card, as GnuPG's po files have it; the English ones are in gpg.ts. */
const ASK_FOR_CARD = [
  'legen Sie die Karte mit der folgenden Seriennummer ein', 'insérer la carte de numéro de série', 'inserte la tarjeta con número de serie', 'Inserire la scheda con il numero di serie', 'シリアル番号のカードを挿入してください',
  'Вставьте карту с серийным номером', '请插入具有以下序列号的卡', '請插入下列序號的卡片', 'włożyć kartę z numerem seryjnym', 'vložte kartu se sériovým číslem', 'Voer de kaart met het serienummer in', 'Insira o cartão com o número de série',
  'Indsæt venligst kortet med serielnummeret', 'Sett inn kort med serienummer', 'Mata in kortet med serienummer', 'seri numarayı içeren kartı takın', 'вставте картку з серійним номером',
];

/** common/asshelp.c, warn_server_version_mismatch, in the languages of GnuPG. A daemon of version 0 or 1 is another maker's. */
const OLDER_DAEMON = ["scdaemon' is", "gpg-agent' is", 'is older than us', 'älter als wir', 'más viejo que', 'plus ancien que', 'precedente a noi', 'こちらより古い', 'eldre enn oss', 'is ouder dan', 'starszy niż', 'mais antigo que', 'старше нас', 'daha eski', 'старішу за', '版本更老', '比我們還舊', 'starší než'];

/** What gpg, gpg-agent and scdaemon say of one another. */
export const daemonSigns: readonly Sign[] = [
  plain('gpg-agent', { name: 'gpg-failed', reason: 'no-device', era: null, apple: false }, ASK_FOR_CARD),
  plain('gpg', { name: 'daemon-outdated' }, OLDER_DAEMON, /(?:scdaemon|gpg-agent).*[(（](?:[^\d()]{0,12})2\.\d+\.\d+\S* < 2\.\d/),
  // An agent that does not know gpg's commands for cards is not GnuPG's. GNOME's answered with a number of its own, 103, which is libgpg-error's for a certificate.
  plain('gpg', { name: 'agent-socket-foreign' }, ['Unknown IPC command', 'ERR 67109139', 'Unsupported certificate', 'failed: unknown command', 'Unbekannter IPC-Befehl', 'Commande IPC inconnue', 'Unbekanntes IPC Kommando'], /^(?=.*(?:selecting (?:card|openpgp)|OpenPGP|scdaemon|\bSCD\b|ERR 67109139)).*(?:Unknown IPC|Unbekannte\w+ IPC|IPC inconnue|ERR 67109139|: Unsupported certificate|: unknown command)/i),
  // An agent of GNOME's at the address that old releases of gpg take theirs from.
  plain('gpg-agent', { name: 'agent-socket-foreign' }, ['/gpg:0:1', 'GPG_AGENT_INFO=/'], /\/keyring[\w-]*\/gpg\b/),
  // Ed25519, which every release with curves knows: 2.3.7 stumbles over cards that offer it.
  plain('scdaemon', { name: 'known-curve-refused' }, ['Curve with OID not supported'], /not supported:\s+2b06010401da470f01/i),
  // agent/call-daemon.c, daemon_start: so it answers where disable-scdaemon is set, and no card was asked.
  plain('gpg-agent', { name: 'scdaemon-disabled' }, ["version from 'scdaemon'", '‘scdaemon’', "'scdaemon'", '„scdaemon“', '« scdaemon »', '«scdaemon»', 'disable-scdaemon'], /scdaemon.{1,60}(?:Not supported|Nicht unterstützt|Non pris en charge|No disponible|Non supportato|サポートされていません|Не поддерживается|不支持|Nie obsługiwane|Niet ondersteund)|^\s*disable-scdaemon\b/i),
  {
    kind: 'gpg-number',
    // As gpg printed numbers that it had no text for: source and code.
    needles: ['failed: ec=', 'available: ec='],
    pattern: /(?:selecting|OpenPGP|card)\b[^:]*: ec=(\d{1,3})\.(\d{1,5})\b/,
    see: (match, text) => seeGpgNumber(((Number(match[1]) & 0x7f) << 24) | (Number(match[2]) & 0xffff)).map((seen) => (seen.name === 'gpg-failed' && text.includes('selecting openpgp') ? { ...seen, era: 'before-2.2.20' } : seen)),
  },
  // libassuan's assuan_pipe_connect: the child could not execute the program, and so greeted with an error; a program that ends by itself is an end of file.
  plain('gpg-agent', { name: 'scdaemon-not-executed' }, ["can't connect to the SCdaemon", "can't connect to the daemon"], /can't connect to the (?:SCdaemon|daemon \S*scdaemon\S*): IPC connect call failed/i),
  // scd/ccid-driver.c, print_command_failed: what the reader answers to scdaemon's own driver, in the words of the CCID specification.
  plain('scdaemon', { name: 'card-mute' }, ['CCID timed out while talking', 'Bad TS in ATR', 'Bad checksum in ATR', 'Parity error while talking', 'Overrun error while talking'], /CCID command failed/),
  plain('scdaemon', { name: 'reader-protocol-refused' }, ['ICC class not supported', 'ICC protocol not supported', 'Procedure byte conflict', 'Parameter error at offset', 'failed: Command not supported'], /CCID command failed/),
  // GnuPG 1 has the code of scdaemon in itself, and its lines come from gpg.
  plain('gpg', { name: 'gpg1-drives-reader' }, ['gpg: pcsc_', 'gpg: detected reader', 'gpg: apdu_', 'gpg: reader slot'], /^[\s>]*gpg: (?:pcsc_|detected reader|apdu_|reader slot)/),
  // GnuPG 1 has its own word, in lower case; libgpg-error's begins with a capital. scd/apdu.c, pcsc_error_to_sw: so it calls what has no code of its own.
  plain('gpg', { name: 'general-of-gnupg2' }, ['General error'], /(?:selecting (?:card|openpgp) failed|OpenPGP card not available): General error/),
  // TERMINATE DF, as in the scripts that reset the OpenPGP application; ACTIVATE FILE must follow.
  plain('gpg', { name: 'openpgp-reset-apdus' }, ['scd apdu'], /\bscd apdu 00 ?e6 ?00 ?00\b/i),
  plain('gpg-agent', { name: 'gpg-failed', reason: 'no-device', era: null, apple: false }, ['inserted'], /\bask(?:s|ed|ing)? (?:me )?for [^.:]{0,30}\b(?:card|key|yubikey|nitrokey|token) to be inserted\b/i),
  // agent/command.c, cmd_keytocard: releases of gpg and agent disagree on who says when the key was made.
  plain('gpg', { name: 'keytocard-time-refused' }, ['Invalid time', 'Ungültige Zeit'], /(?:key_?to_?card|KEYTOCARD)\b.*(?:Invalid time|Ungültige Zeit)/i),
];
