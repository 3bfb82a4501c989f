import { type CauseRule, excludes, supports } from '../cause.ts';
import { anyoneGot, both, cardAnswers, cardNotSupported, either, gpgFails, gpgReachesNoCard, gpgSays, onlyTold, onMac, otherFails, pcscdDown, readerSeen, scdaemonGot, seen, sharingViolation, transferFailed, unless, UNPOWERED, UNSUPPORTED_CARD, UNRESPONSIVE } from './queries.ts';

const sw = (...words: readonly string[]) => seen('status-word', ({ sw: word }) => words.includes(word));
const failure = either(gpgFails, otherFails, seen('no-reader'), seen('usb-failed'), seen('polkit-refused'), seen('pcscd-protocol-mismatch'), seen('pcscd-reader-exclusive'), seen('pcsc-code'), seen('pcscd-no-drivers'), seen('spy-failed'), seen('scdaemon-option-refused'), seen('kernel-usb-reset'), seen('hangs'), seen('card-data-garbled'), seen('service-unusable'), seen('replug-cures'), pcscdDown, seen('pcscd-driver-unloadable'), seen('polkit-unreachable'), seen('sandbox-denied'), seen('card-mute'), seen('kernel-usb-trouble'), seen('kernel-usb-unauthorized'), seen('not-attached-told'), seen('pcscd-reader-limit'), seen('pcscd-too-many-contexts'));
const failureBesidesMismatch = either(gpgFails, otherFails, seen('usb-failed'), seen('polkit-refused'));
/** It uses a token for nothing but an answer to a challenge, over HID or PC/SC. */
const keepassxcTold = both(onlyTold, seen('mentioned', ({ program }) => /^(?:org\.keepassxc\.)?keepassxc$/.test(program)));

export const cardRules = {
  'pin-locked': {
    clauses: [
      supports(5, seen('pin-locked'), 'the PIN is blocked after too many wrong tries'),
      supports(5, sw('6983', '63C0'), 'status 6983 or 63C0: the PIN is blocked'),
      supports(5, gpgSays('pin-blocked'), 'the PIN is blocked after too many wrong tries'),
      supports(5, anyoneGot(0x8010006c), 'the PIN is blocked after too many wrong tries'),
      supports(4.2, seen('pin-locked-told'), 'a PIN that has to be unblocked was given wrong too often'),
      supports(0.6, gpgSays('bad-pin'), 'a wrong PIN was given'),
      supports(0.4, seen('ssh-refused'), 'ssh says this for a blocked PIN, too'),
      supports(0.6, both(seen('ssh-refused'), seen('pkcs11-provider')), 'the library may have refused the PIN'),
      excludes(5, seen('card-data-garbled'), 'the counters were read at the wrong place'),
    ],
    decidedBy: 'the PIN retry counter that gpg --card-status or ykman prints.',
    next: ['gpg --card-status', 'ykman openpgp info'],
  },
  'card-defect': {
    clauses: [
      supports(4.2, sw('6581', '6400', '6F00'), 'the card reports a failure of its own memory'),
      supports(2.6, gpgSays('hardware'), 'the card reports a failure of its own'),
      supports(3.2, either(scdaemonGot(UNPOWERED, UNRESPONSIVE), unless(anyoneGot(UNPOWERED), onMac)), 'the card does not answer when it gets power'),
      supports(2.8, seen('card-mute'), 'the card does not answer when it gets power'),
      supports(1.4, unless(either(seen('card-unresponsive'), anyoneGot(UNRESPONSIVE)), onMac), 'the card does not answer'),
      supports(0.7, transferFailed, 'the transfer to the card failed'),
      supports(0.9, gpgSays('input-output'), 'the transfer to the card failed'),
      supports(0.8, anyoneGot(0x80100065), 'the card says of itself what no reader can work with'),
      supports(0.4, gpgSays('card-error'), 'the card refused a command'),
      supports(1, anyoneGot(UNSUPPORTED_CARD), 'the card does not answer to power as the standard says'),
      excludes(2, unless(gpgReachesNoCard, scdaemonGot(UNPOWERED, UNRESPONSIVE), seen('card-mute')), 'the card was not reached at all'),
      excludes(2, sharingViolation, 'the card works for somebody'),
      excludes(1, both(seen('slot-listed'), seen('card-unresponsive')), 'readers have slots for cards that are never in them'),
      excludes(3.6, both(seen('card-answered'), either(seen('card-unresponsive'), anyoneGot(UNPOWERED, UNRESPONSIVE))), 'a card did answer here, in this slot or another'),
      excludes(4, seen('memory-card-told'), 'a memory card does not answer to power'),
      excludes(2.5, seen('other-reader-works'), 'the same card works in another reader'),
    ],
    decidedBy: 'the same card in another reader, another card in this one.',
    next: ['pcsc_scan -c   # wakes pcscd', 'cardcheck'],
  },
  'not-an-openpgp-card': {
    clauses: [
      supports(3.4, cardNotSupported, 'gpg reached a card and found no OpenPGP application on it'),
      supports(3, seen('scdaemon-no-application'), 'scdaemon found no application it knows on the card'),
      supports(0.9, both(unless(sw('6A82'), cardAnswers), seen('scdaemon-ready')), 'the card does not know the application'),
      supports(0.8, gpgSays('card-error'), 'the card does not answer like an OpenPGP card'),
      supports(1.2, anyoneGot(0x8010000d), 'the system has no driver for a card of this kind'),
      supports(1.6, seen('card-not-recognised'), 'the program reached a card that it has no driver for'),
      excludes(2, gpgReachesNoCard, 'the card was not reached at all'),
    ],
    decidedBy: 'the ATR of the card.',
    next: ['pcsc_scan -c   # wakes pcscd'],
  },
  'token-configuration': {
    clauses: [
      supports(4.4, seen('token-applet-missing'), 'the application is switched off or not on this token'),
      supports(3.2, unless(seen('usb-ccid-off'), readerSeen), 'by its product number the key has its smart-card interface switched off'),
      supports(2, seen('token-configured'), 'applications or interfaces of the token are switched'),
      supports(2.4, seen('token-applet-off'), 'the table of applications shows one that is switched off or not there'),
      supports(2, both(seen('token-applet-off'), either(gpgFails, otherFails)), 'and a program fails that may want it'),
      supports(0.7, either(cardNotSupported, gpgSays('card-error'), seen('card-not-recognised')), 'the application may be switched off on the token'),
      supports(2.2, both(seen('openpgp-reset-apdus'), gpgSays('card-error', 'not-supported')), 'the OpenPGP application was terminated and, as it seems, not activated again'),
      supports(1.4, seen('slot-told'), 'a slot of the token may not be set up for this'),
      supports(3.2, both(seen('firmware-changed'), gpgSays('no-device', 'not-supported')), 'the firmware was changed, and with it what applications the token has'),
      supports(2.6, seen('shows-as-cd'), 'the token shows itself as a CD first, and as a reader once that is ejected'),
      supports(3, seen('management-key-refused'), 'the management key is of another kind than the program takes it for: AES from firmware 5.7 on'),
      supports(0.5, keepassxcTold, 'KeePassXC needs a slot of the token set up for challenge and response'),
      supports(1, seen('ccid-not-found'), 'its CCID interface may be off'),
      supports(1.4, seen('hid-slot-missing'), 'the program says this of a token without a slot for it, too'),
    ],
    decidedBy: 'the list of enabled applications on the token.',
    next: ['ykman info', 'lsusb'],
  },
  'not-pcsc-but-hid': {
    clauses: [
      supports(3, unless(seen('hid-only'), seen('hid-part-works')), 'this goes over HID (FIDO or OTP), another interface of the token; PC/SC has no part in it'),
      supports(3.2, unless(seen('usb-no-smart-card'), readerSeen), 'by its product number the key has no smart-card interface'),
      excludes(2, unless(either(gpgFails, sharingViolation, seen('usb-failed')), seen('usb-no-smart-card')), 'the smart-card interface is the matter'),
      supports(0.45, keepassxcTold, 'KeePassXC asks a YubiKey over HID, too'),
      excludes(1.2, seen('device-node-denied'), 'the device node is closed, whatever goes over it'),
    ],
    decidedBy: 'which interface the program uses.',
    next: ['ls -l /dev/hidraw*', 'ykman list'],
  },
  'harmless-noise': {
    clauses: [
      supports(3.2, unless(seen('harmless'), failure, seen('trouble-told')), 'the only frightening lines here mean nothing'),
      supports(1.4, unless(both(seen('harmless'), seen('trouble-told')), failure), 'the lines mean nothing; what is told beside them may'),
      supports(2, unless(both(seen('slot-listed'), seen('card-unresponsive')), gpgFails, seen('client-failed'), seen('usb-failed')), 'a further slot of a reader, as for a SAM, shows a card that does not answer: nothing is in it, or nothing for programs'),
      supports(2, unless(both(seen('pcscd-backward-compatible'), seen('pcscd-protocol-mismatch')), failureBesidesMismatch), 'pcscd logs the mismatch and then adapts to the client'),
    ],
    decidedBy: 'whether anything fails beside these lines.',
    next: ['cardcheck'],
  },
  healthy: {
    clauses: [
      supports(2.2, unless(either(seen('sound', ({ what }) => /read the|listed/.test(what))), failure), 'the card was read'),
      supports(1, unless(seen('sound'), failure), 'what is shown works'),
    ],
    decidedBy: 'the lines of the moment when something fails.',
    next: ['cardcheck'],
  },
} satisfies Record<string, CauseRule>;
