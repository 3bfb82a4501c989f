import type { Observation } from '../observation.ts';
import { harmless, plain, type Sign, sound } from '../sign.ts';

type Client = Extract<Observation, { name: 'client-failed' }>['client'];
const failed = (client: Client): Observation => ({ name: 'client-failed', client });

/** OASIS PKCS #11, "Return values": general error, function failed, device error, memory, removed tell no more than that. */
function seeTokenError(error: string): Observation[] | null {
  switch (error) {
    case '164':
    case 'PinLocked':
      return [{ name: 'pin-locked' }];
    case '224':
    case 'TokenNotPresent':
      return [failed('pkcs11'), { name: 'no-token' }];
    case '225':
      return [failed('pkcs11'), { name: 'no-token' }, { name: 'card-not-recognised' }];
    default:
      if (error.startsWith('TokenNotRec')) return [failed('pkcs11'), { name: 'card-not-recognised' }];
      return /^(?:5|6|48|49|50|\D+)$/.test(error) ? [failed('pkcs11')] : null;
  }
}

/**
 * A card reader, and its absence, in the words of eID programs and of who uses them. A program with a window says the
 * same of a missing reader, a missing driver and a missing service.
 */
const readerWords: readonly (readonly [string, string])[] = [
  ['leitor de ', 'não|nenhum'],
  ['lector de ', '\\bno\\b|ningún'],
  ['lecteur de ', 'aucun|\\bpas\\b|\\bplus\\b|introuvable|non (?:détect|reconnu|trouv)'],
  ['Kartenleser', '\\bkein|\\bnicht'],
  ['Kartenlesegerät', '\\bkein|\\bnicht'],
  ['Lesegerät', '\\bkein|\\bnicht'],
  ['lettore di ', '\\bnon\\b|nessun'],
  ['lettore smart', '\\bnon\\b|nessun'],
  ['kaartlezer', '\\bgeen\\b|\\bniet\\b'],
  ['czytnik', '\\bnie\\b|\\bbrak'],
  ['kaardiluge', '\\bei\\b|puudu'],
  ['kortinluki', '\\bei\\b'],
  ['kortläsare', '\\binte\\b|\\bingen\\b'],
  ['čtečk', '\\bnen|\\bžádn|\\bnebyl|nedetek|nerozpozn'],
  ['считывател', '(?:^|\\s)не(?:т)?\\s'],
  ['カードリーダ', 'ません|ない'],
  ['读卡器', '不|没有|未|无法'],
];

const readerNeedles = readerWords.map(([word]) => /^[\p{L} ]+/u.exec(word)?.[0] as string);

export const clientSigns: readonly Sign[] = [
  plain('ykman', failed('ykman'), ['Failed connecting to', 'Failed to connect to YubiKey', 'Failed to connect to the YubiKey', 'Failed opening device', 'Failed opening connection', 'list devices for connection', 'This YubiKey cannot be accessed', 'Device inaccessible', 'Failed to load OpenPGP Application',  'No YubiKey detected', 'Failed to connect to a YubiKey', 'Failed to open connection', 'Error opening connection', 'Insert your YubiKey', 'YubiKey already in use', 'Failed to open smart card connection', 'No eligiable connections', 'No eligible connections'], /YubiKey|device|connection|OpenPGP Application/i),
  // Yubico Authenticator's helper, of every way to a key that it cannot open (helper/device.py).
  plain('ykman', failed('ykman'), ['Unable to connect via', 'Unable to create child'], /SmartCardConnection|create child ccid/),
  // ykman 2 to 4, where SELECT is answered with 6A82.
  plain('ykman', { name: 'token-applet-missing' }, ["can't be found on this YubiKey"], /application can't be found on this YubiKey/i),
  plain('ykman', failed('ykman'), ['ykman i', 'ykman o', 'ykman p', 'ykman l', 'ykman f', 'ykman c', 'ykman: ', 'ykman g', 'ykman 5', 'ykman 4', 'using ykman', 'run ykman'], /ykman[^|;&]*\b(?:fail|failed|fails|hang|hangs|error|not work|cannot|can't|doesn't)/i),
  // Programs that only know that the service did not work.
  plain('client', { name: 'service-unusable' }, ['PCSC service', 'PC/SC service', 'smart card service', 'smartcard service', 'PCSC daemon', 'smart card daemon', 'no-pcsc', 'SCardSvr', 'establish context', 'EstablishContextException'], /(?:PC\/?SC|smart ?card)\b[^.]{0,40}\bfailed to establish (?:a )?context|EstablishContextException\W*$|\bno PC\/?SC (?:service|daemon)\b|(?:smart ?card service|SCardSvr)\b[^.]{0,40}\b(?:stopped|disabled|not (?:running|started))\b|(?:PC\/?SC|smart ?card) (?:service|daemon|subsystem)\b[^.]{0,60}\b(?:not|n't|cannot|couldn't|unable|failed|missing|unavailable)\b|(?:not|n't|cannot|unable|failed)\b[^.]{0,40}(?:PC\/?SC|smart ?card) (?:service|daemon|subsystem)|no-pcsc\b/i),
  // ykman says so of every SCardEstablishContext that failed (ykman pcsc list_readers), whatever the reason.
  {
    kind: 'ykman',
    needles: ['PC/SC not available', 'protocols will not function', 'Make sure pcscd', 'smart card service is functioning', 'Unable to list readers'],
    pattern: /PC\/SC not available(?! on this platform)|will not function|make sure pcscd is installed|service is functioning|Unable to list readers\s*$/i,
    see: () => [{ name: 'service-unusable' }, failed('ykman')],
  },
  // Yubico Authenticator 5, of every context it was not given (yubikey.py, EstablishContextException).
  { kind: 'ykman', needles: ['no_pcscd'], see: () => [{ name: 'service-unusable' }, failed('ykman')] },
  // Yubico Authenticator 3 and 4, of every key they do not reach over PC/SC.
  { kind: 'ykman', needles: ['ccid connection mode is not'], see: () => [{ name: 'no-reader' }, { name: 'token-configured' }, failed('ykman')] },
  plain('ykman', { name: 'token-applet-missing' }, ['not enabled or not available on this YubiKey', 'functionality is missing', 'not supported over USB', 'not available on this', 'is disabled', 'Missing PIV applet', 'Missing applet', 'applet is not'], /not enabled or not available|functionality is missing|not supported over USB|(?:OpenPGP|PIV|OATH|CCID)\s*(?:applet)?\s*:?\s*is disabled|Missing \w+ applet|CCID.*disabled|applet is not (?:enabled|available|selected)/i),
  // A row of the table that ykman info prints of every token.
  plain('ykman', { name: 'token-applet-off' }, ['Not available', 'Disabled'], /(?:OpenPGP|PIV|OATH|CCID)\s*(?:applet)?\s*:?\s*(?:Not available|Disabled)/i),
  plain('ykman', { name: 'token-applet-missing' }, ['Enabled USB interfaces', 'USB interfaces:'], /interfaces: (?!.*CCID)/),
  plain('ykman', { name: 'token-applet-missing' }, ['SW=0x6a82', 'ApplicationNotAvailable']),
  plain('ykman', { name: 'token-configured' }, ['ykman config', 'ykman mode', 'config usb', 'config mode', '--enable-all', 'ykpersonalize', 'CCID mode', 'CCID only', 'ccid-only', 'OTP mode', ' otp inter', 'oath interf', 'ccid interf', 'interfaces', 'interface is dis', 'disabling', 'disabled the', 'Invalid mode'], /ERROR: Invalid mode|ykman (?:config )?(?:usb|mode|nfc)|config (?:usb|mode)|ykpersonalize\S{0,8} -m|\b(?:CCID|OTP|U2F|FIDO2?)(?:[ -]only)? mode\b|\b(?:enabl|disabl|switch|turn)\w*\b[^.]{0,40}\b(?:OTP|OATH|U2F|FIDO2?|CCID|PIV|OpenPGP)\b[^.]{0,20}\b(?:interface|mode|applet|application)s?\b/i),
  sound('ykman', 'ykman read the key', ['Device type:', 'Firmware version:']),
  { kind: 'version', needles: ['ykman, version', 'YubiKey Manager (ykman) version', 'ykman version'], pattern: /version:? (\d+\.\d+\.\d+)/i, see: (match) => ({ name: 'version', of: 'ykman', version: match[1] as string }) },
  plain('client', failed('yubico-piv-tool'), ['Failed to connect to reader', 'Failed to connect to yubikey', 'Try removing and reconnecting the device', 'Failed connecting to reader', 'Error in PCSC call']),
  // ykpiv_strerror of a SELECT that failed, and piv-go's words for it.
  plain('client', { name: 'token-applet-missing' }, ['No PIV application found', 'selecting piv applet', 'selecting yubikey applet'], /No PIV application found|selecting (?:piv|yubikey) applet.*\b6a8[12]\b/i),
  // smallstep's crypto, kms/yubikey: the list of cards is empty. ykpiv_connect with -v: none of the readers has the name.
  plain('client', { name: 'no-reader' }, ['error detecting yubikey', 'No usable reader found']),
  plain('client', failed('other'), ['error detecting yubikey', 'An error occurred while connecting', 'An error occurred while transmitting', 'smartcardio.CardException'], /detecting yubikey|An error occurred while (?:connecting|transmitting)\.|CardException: (?:connect|beginExclusive|transmit)\(?/i),
  plain('ssh', failed('ssh'), ['agent refused operation', 'Could not add card', 'communication with agent failed', 'cannot read public key from pkcs11']),
  // The socket at which gpg-agent takes the place of ssh-agent.
  plain('ssh', { name: 'agent-not-in-use' }, ['S.gpg-agent.ssh'], /S\.gpg-agent\.ssh.*(?:does not exist|no such file|not found|connection refused)/i),
  plain('ssh', { name: 'ssh-refused' }, ['agent refused operation', 'Permission denied (publickey']),
  plain('ssh', { name: 'agent-not-in-use' }, ['Could not open a connection to your authentication agent', 'Error connecting to agent', 'keyring/ssh', 'SSH_AUTH_SOCK=', 'gnome-keyring', 'gcr/ssh'], /^(?!.*\bsudo\b).*(?:authentication agent|connecting to agent)|SSH_AUTH_SOCK=(?!.*gnupg|\S*gpg-agent)\S*(?:keyring|gcr|ssh-|com\.apple|agent\.)|keyring\/ssh|gcr\/ssh/i),
  plain('pkcs11', failed('pkcs11'), ['CKR_DEVICE_ERROR', 'CKR_TOKEN_NOT_PRESENT', 'CKR_SLOT_ID_INVALID', 'CKR_GENERAL_ERROR', 'CKR_FUNCTION_FAILED', 'CKR_DEVICE_REMOVED', 'CKR_TOKEN_NOT_RECOGNIZED', 'No slot with a token', 'No slots', 'No keys found', 'cannot read the token', 'no slots available', 'Failed to list key', 'no suitable token available', 'No removable slots found', 'Failed to enumerate slots', 'Cannot initialize provider', 'Failed to connect reader: (', 'exceptions.DeviceError', 'exceptions.GeneralError', 'exceptions.FunctionFailed', 'Failed to initialize PKCS #11', 'Open PKCS#11 session failed', 'PKCS#11 module could not be init'], /^(?!.*exceptions\.(?:DeviceError|GeneralError|FunctionFailed)).|pkcs11\.exceptions\./),
  plain('pkcs11', { name: 'pin-locked' }, ['login failed: PIN locked', 'C_Login failed: PIN locked']),
  plain('pkcs11', { name: 'no-token' }, ['CKR_TOKEN_NOT_PRESENT', 'No slot with a token', 'No keys found in', 'CKR_SLOT_ID_INVALID', 'No token', '(empty)', 'no suitable token available', 'token only has 0 slots', 'Please insert your smart card', 'insert smart card', 'Error 2308: No smart card', 'exceptions.TokenNotPresent', 'exceptions.NoSuchToken', 'exceptions.TokenNotRecogni']),
  // Slots are readers in the modules of OpenSC and Yubico: none is no reader, not a reader without a token.
  plain('pkcs11', { name: 'no-reader' }, ['No slots', 'returned no slots', 'No removable slots found', 'Found 0 slots'], /No slots(?:\.|$| available)|returned no slots|No removable slots|Found 0 slots/i),
  {
    kind: 'pkcs11',
    // Numbers as ssh-pkcs11.c prints them, and in brackets SSSD's p11_child; bindings have exceptions of these names.
    needles: [' failed: 5', ' failed: 6', ' failed: 48', ' failed: 49', ' failed: 50', ' failed: 164', ' failed: 224', ' failed: 225', ' failed [5]', ' failed [6]', ' failed [48]', ' failed [50]', ' failed [224]', ' failed [225]', 'pkcs11.exceptions', 'Pkcs11('],
    pattern: /\bC_[A-Z]\w+(?:(?: for provider \S+)?(?: slot \d+)? failed:? \[?(\d+)\b|\b.{0,200} failed: (\d+)\s*$)|\b(?:Pkcs11\(|pkcs11\.exceptions\.)(GeneralError|DeviceError|DeviceRemoved|PinLocked|TokenNotPresent|TokenNotRecogni[sz]ed)\b/,
    see: (match) => seeTokenError((match[1] ?? match[2] ?? match[3]) as string),
  },
  plain('pkcs11', { name: 'slot-missing' }, ['CKR_SLOT_ID_INVALID']),
  // ssh-agent with a PKCS#11 library: the agent that was meant, and it was reached.
  // gpg-agent calls the keys of cards so (agent/command-ssh.c, card_key_list), and nobody else does.
  plain('ssh', { name: 'card-key-offered' }, ['cardno:']),
  plain('ssh', { name: 'pkcs11-provider' }, ['PIV AUTH pubkey', 'PIV Authentication', 'Could not add card', 'Card added', 'ssh-add -s', 'PKCS11Provider', 'for PKCS#11', 'ssh-pkcs11-helper']),
  plain('pkcs11', { name: 'pin-locked' }, ['CKR_PIN_LOCKED', 'SCARD_W_CHV_BLOCKED', 'PIN LOCKED', 'user PIN locked', 'Authentication method blocked', 'PIN entry attempts has been reached', 'The smart card is blocked', 'PIN is locked', 'PIN has been blocked', 'tries left: 0', '0 tries', 'PIN tries remaining: 0', 'tries remaining:  0', 'retries left: 0', 'retries remaining: 0', 'PIN tries remaining: 0/']),
  plain('opensc', failed('opensc'), ['Failed to connect to card', 'Failed to lock card', 'No smart card readers found', 'Error while waiting for']),
  // OpenSC reached the card and has no driver for it (errors.c).
  plain('opensc', { name: 'card-not-recognised' }, ['Card is invalid or cannot', 'Unsupported card', 'PKCS#15 compatible smart card not found', 'CKR_TOKEN_NOT_RECOGNIZED']),
  plain('opensc', { name: 'card-unresponsive' }, ['nresponsive card', 'Card is unresponsive', 'Card unresponsive', 'Card is mute']),
  plain('client', { name: 'no-reader' }, ['No smart card readers found', 'No readers found', 'Scanning present readers', 'Waiting for the first reader', 'No smart card reader', 'no readers available', 'No reader found', 'Cannot find a smart card reader', 'card readers found', 'no card reader', 'card reader not found', 'reader not detected', 'any card reader', 'any smart card reader', 'No connected card reader', 'No supported reader found', 'InvalidReaderException'], /No (?:connected |supported )?(?:smart ?)?(?:card )?readers?|InvalidReaderException|first reader(?!.*found)|Cannot find|reader not (?:found|detected)|not (?:recogni[sz]e|see|find|detect) any (?:smart ?)?card reader/i),
  // AusweisApp and KeePassXC, of every context they were not given.
  {
    kind: 'client',
    needles: ['Cannot establish context', 'establish PCSC context', 'PCSC interface has not been', 'PCSC interface is disabled', 'PC/SC is not available'],
    pattern: /card_pcsc|PC\/?SC/i,
    see: () => [{ name: 'service-unusable' }, failed('other')],
  },
  // pcsc_scan and ykman diagnose print these once they have a context (pcsc-tools pcsc_scan.c, ykman diagnostics.py): somebody answers for PC/SC.
  plain('client', { name: 'service-answers' }, ['plug\'n play mechanism', 'Scanning present readers', 'Waiting for the first reader', 'Detected PC/SC readers']),
  {
    kind: 'ykman',
    // ykman diagnose: each reader, and what came of connecting it; an exception by its name alone.
    needles: [' 00 00: ', ' 01 00: ', ' 02 00: ', '(connect: '],
    pattern: /^\s*\S.{0,200}? \d\d 00(?:: (?:(Success)|<\w+>)| \(connect: (?:(Success)|.+)\))\s*$/,
    see: (match) => (match[1] === undefined && match[2] === undefined ? [{ name: 'reader-listed' }, failed('ykman')] : { name: 'reader-listed' }),
  },
  { kind: 'ykman', needles: ['PC/SC failure: '], see: () => [{ name: 'service-unusable' }, failed('ykman')] },
  // javax.smartcardio: without a service or a library it has a factory of type None, whose list of terminals is empty (JDK PCSCTerminals, TerminalFactory).
  plain('client', { name: 'java-no-terminal' }, ['card terminal', 'CardTerminal', 'TerminalFactory', 'Terminals: [', 'terminals found', 'smartcardio.CardException', 'algorithm: PC/SC', 'NoneProvider'], /\b(?:no|any|not find(?: a)?)\b(?: \w+){0,2} (?:card )?terminals?\b|terminals?(?:\(\))?\b[^.]{0,20}(?:\bempty|\[\s*\]|size\W{1,3}0\b|not found)|type[: ]+["']?None\b|CardException: list\(\) failed|constructing implementation \(algorithm: PC\/SC|NoneProvider/i),
  // The JDK looks in few places; where the property helps it was the library that was missing (sun.security.smartcardio, PlatformPCSC).
  plain('client', { name: 'library-doubted' }, ['sun.security.smartcardio.library']),
  plain('libccid', { name: 'libpcsclite-missing' }, ['No PC/SC library found', 'not available on this platform'], /No PC\/SC library found|PC\/SC not available on this platform/i),
  plain('client', { name: 'reader-missing-told' }, readerNeedles, new RegExp(readerWords.map(([word, missing]) => `${word}[^.]{0,60}(?:${missing})|(?:${missing})[^.]{0,60}${word}`).join('|'), 'iu')),
  // The second number of a reader's name in pcsc-lite counts its slots.
  plain('client', { name: 'slot-listed' }, ['Reader 1: ', 'Reader 2: ', 'Reader 3: ', ' SAM] 0', ' SAM slot', ' 00 01', ' 00 02', ' 00 03'], /^\s*(?:Reader )?\d+: \S.* 0\d 0[1-9]\s*$|^\s*(?:Reader )?\d+: .*\bSAM\] 0\d 0\d|\bSAM slot\b/),
  // OpenSC's log and tools name the reader they are at.
  plain('opensc', { name: 'reader-listed' }, ['Using reader with a card: ', 'to card in reader ', ": reader '"], /(?:Using reader with a card: |to card in reader |: reader ')\S.{0,150} \d\d \d\d\b/),
  plain('client', { name: 'reader-listed' }, ['Reader 0: ', 'Reader 1: ', 'Reader 2: '], /^\s*Reader \d+: \S/),
  // pcsc_scan -r, opensc-tool -l: libpcsclite ends every name with the numbers of the reader and of its slot.
  plain('client', { name: 'reader-listed' }, [' 00 00', ' 01 00', ' 02 00', ' 03 00'], /^\s*\d{1,2}(?:: |\s+(?:Yes|No)\s)\s*\S.*\s\d\d 00\s*$/),
  plain('client', { name: 'no-token' }, ['CardRequestTimeoutException', 'No smartcards found', 'No smart card found', 'no smart card is currently']),
  // Readers that are part of a machine or its keyboard, by the names libccid and Windows give them.
  plain('client', { name: 'internal-reader' }, ['Broadcom Corp', 'BROADCOM', 'Alcor Micro', 'Integrated', ' Oz776', 'O2 Micro', 'Windows Hello', 'built-in', 'builtin ', 'internal', 'Smartcard CCID Keyboard', 'Smart Card Keyboard', 'in the laptop', 'laptop\'s', ' laptop'], /Broadcom Corp|Alcor Micro|Integrated (?:Smart ?Card|Card)|\bOz776|O2 ?Micro|Windows Hello|(?:built-?in|internal|integrated|laptop(?:'s)?)\s(?:\w+\s){0,2}(?:smart ?)?(?:card\s?)?reader|Smart ?card (?:CCID )?Keyboard|reader in (?:the|my|a) (?:\w+ ){0,2}laptop/i),
  sound('client', 'a reader with a card is listed', ['Card state:', 'Card inserted'], /Card inserted/),
  {
    kind: 'client',
    needles: ['Exclusive Mode', 'Shared Mode'],
    pattern: /(Exclusive|Shared) Mode/,
    see: (match) => ({ name: 'reader-mode', mode: match[1] === 'Shared' ? 'shared' : 'exclusive' }),
  },
  sound('opensc', 'a reader with a card is listed', ['Using reader with a card', 'Detected readers']),
  // An answer to reset of this very moment, as pcsc_scan and opensc-tool print it (ISO 7816-3: TS is 3B or 3F).
  plain('client', { name: 'card-answered' }, ['ATR: 3B', 'ATR: 3F', 'ATR = 3B', 'ATR = 3F'], /\bATR ?[:=] ?3[BF](?: [0-9A-F]{2}|:[0-9a-f]{2})/i),
  plain('client', { name: 'reads-card' }, ['READER  ', 'Using reader', 'matches (']),
  plain('age', failed('age'), ['Could not open YubiKey', 'Please insert YubiKey', 'Please insert the YubiKey', 'Could not find YubiKey', 'Timed out while waiting for', 'Failed to decrypt YubiKey stanza', 'Error while communicating with YubiKey', ': not connected'], /^(?!.*: not connected).|Ignoring \S.{0,80}: not connected\s*$/),
  plain('agent', failed('agent'), ['could not reach YubiKey', "couldn't open card", "couldn't get security keys", 'agent 11:', 'Unable to open the Yubikey card', 'could not open security key', "couldn't get signers"], /YubiKey|card|security keys|signers|agent 11:/i),
  plain('agent', { name: 'own-handle-leaked' }, ["couldn't open card", '"error":"couldn', "couldn't get security keys"], /"?card"?\s*[:=]|"error"/),
  plain('client', failed('other'), ['SCardConnect:', 'SCardConnect fail', 'SCardConnect err', 'SCardConnect ret', 'failed to connect to reader', 'Unable to connect with protocol', 'smartcard.pcsc', 'pcsc error', 'PcscError', 'CardConnectionException'], /fail|error|exception|unable|rv|rc|scard:/i),
  plain('client', { name: 'hid-only' }, ['no yubikey present', '/hidraw', 'hidraw0', 'hidraw1', ' hidraw', 'FIDO_ERR_', 'fido_dev_open', 'ykpersonalize', 'ykchalresp', 'ssh-sk-', 'ed25519-sk', 'ecdsa-sk', 'CTAPHID', 'libfido2', 'U2F HID', 'Challenge-Response', 'Challenge/Response', 'Challenge Response', 'OTP interface', 'sign_and_send_pubkey: signing failed for ED25519-SK', 'device not found? FIDO', 'webauthn', 'Key enrollment failed: ', 'no FIDO device found', 'Yubikey core error'], /Key enrollment failed: |no FIDO device found|Yubikey core error|no yubikey present|hidraw.*(?:denied|fail|not|error)|FIDO_ERR|fido_dev_open|ykpersonalize(?!\S{0,8} -m)|ykchalresp|ssh-sk|-sk\b|CTAPHID|libfido2|webauthn|challenge[-\/ ]response|U2F HID/i),
  plain('client', { name: 'slot-told' }, ['hardware keys detected', 'hardware key detected', 'hallenge-response', 'hallenge response'], /No hardware keys? detected|challenge[- ]response\b[^.]{0,60}\b(?:not|never|n't|no longer)\b|\b(?:not|never|n't)\b[^.]{0,60}\bchallenge[- ]response/i),
  plain('client', { name: 'applet-changed' }, ['Unsupported INS byte', 'Unsupported CLA byte', 'INS not supported']),
  {
    kind: 'client',
    needles: ['SW=0x63', 'SW=0x65', 'SW=0x69', 'SW=0x6a', 'SW=0x6d', 'SW=0x6e', 'SW=0x6f', 'SW: 0x6', 'SW1=0x6', 'status word', 'smart card error 6', 'sw=6D00', 'sw=6E00'],
    pattern: /SW[12=:\s]*(?:0x)?(6[0-9A-F]{3})\b|(?:status word:?|smart card error)\s*(?:0x)?(6[0-9a-f]{3})/i,
    see: (match) => ({ name: 'status-word', sw: ((match[1] ?? match[2]) as string).toUpperCase() }),
  },
  plain('client', { name: 'pin-locked' }, ['SW=0x6983', 'sw=6983', 'is blocked', 'PIN locked', 'PIN (0 tries'], /^(?!.{0,300}\b[1-9]\d?\b (?:tries|try|retries|attempts).{0,60}\bbefore\b).*(?:6983|\b(?:PIN|PUK)\b[^.]*(?:blocked|locked)|card is (?:locked|blocked))/i),
  // Of names that are no text, Python's binding fails in the call that lists them (pyscard scard.i).
  plain('client', { name: 'reader-names-garbled' }, ['SCardListReaders'], /SCardListReaders.*(?:returned a result with an (?:error|exception) set|UnicodeDecodeError)/),
  // YubiKeys hold AES instead of Triple-DES there from firmware 5.7 on; whoever asks for the wrong one is refused.
  plain('client', { name: 'management-key-refused' }, ['anagement key'], /management key\b.{0,80}(?:\b6a8[06]\b|\b6982\b|incorrect parameter|security status not satisfied|(?:authenticat|challenge)\w*.{0,20}\bfail)/i),
  plain('client', { name: 'ledger' }, ['Ledger Nano', 'Nano S', 'Ledger Token', 'Ledger device'], /\bLedger\b|\bNano (?:S|X)\b/i),
  plain('client', { name: 'reader-apdu-limit' }, ['extended length', 'extended APDU', 'Wrong length'], /extended (?:length|APDU)s?[^.]*(?:not|un)|(?:not|un)[^.]{0,100}extended (?:length|APDU)/i),
  plain('client', { name: 'libpcsclite-missing' }, ['libpcsclite', 'PCSC.framework', 'winscard.dll', 'PC/SC lib', 'PCSC lib', '-lpcsclite', 'winscard.h'], /cannot find -lpcsclite|winscard\.h[^.]{0,20}(?:No such file|not found)|^(?!.*apdu_open_reader).*?(?:libpcsclite[\w.]*:? .*(?:cannot open shared object|No such file|not found|image not found)|(?:cannot|can't|unable to|could not|failed to) (?:find|load|open)[^.]*(?:libpcsclite|PC\/?SC lib|PCSC)|loading "[^"]*pcsclite[^"]*" failed|Library not loaded.*pcsc|(?:DllNotFoundException|UnsatisfiedLinkError)\b.*(?:pcsclite|winscard))/i),
  harmless('opensc', 'a reader without a pinpad or display has none of those features', ['is not pinpad reader', 'PC/SC v2 part 10', 'Get PACE properties failed']),
  harmless('ssh', 'agent forwarding and other authentication methods are offered and not used', ['no such identity: ']),
];
