/**
 * What one line of pasted material says, in terms of the mechanism that wrote it. Recognisers (signs/) turn
 * lines into observations, rules (rules/) weigh observations; neither knows the other.
 */

/** Why gpg or scdaemon gave up, whatever the language of the message: a libgpg-error code (err-codes.h). */
export type GpgReason =
  | 'no-device'
  | 'no-service'
  | 'no-daemon'
  | 'no-agent'
  | 'card-error'
  | 'not-present'
  | 'removed'
  | 'reset'
  | 'conflict'
  | 'not-supported'
  | 'bad-pin'
  | 'pin-blocked'
  | 'input-output'
  | 'hardware'
  | 'no-data'
  | 'eof'
  | 'access-denied'
  | 'busy'
  | 'forbidden'
  | 'general'
  | 'other';

/** How a program takes the card, as far as its kind settles it. */
export type Role = 'scdaemon' | 'exclusive' | 'shared' | 'observer' | 'pcscd' | 'macos' | 'usb' | 'agent';

/** Observations that need nothing beside themselves. */
type Plain =
  | 'scdaemon-ready'
  | 'scdaemon-uses-usb'
  | 'scdaemon-usb-open-failed'
  | 'scdaemon-opened-by-pcsc'
  | 'scdaemon-usb-denied'
  | 'scdaemon-usb-log'
  | 'scdaemon-usb-limited'
  | 'scdaemon-driver-missing'
  | 'scdaemon-not-installed'
  | 'scdaemon-start-failed'
  | 'scdaemon-crashed'
  | 'scdaemon-reselected'
  | 'scdaemon-killed-by-tool'
  | 'scdaemon-commanded'
  | 'agent-forwarded'
  | 'agent-socket-foreign'
  | 'agent-not-in-use'
  | 'agent-hijacked'
  | 'agent-already-running'
  | 'agent-restricted'
  | 'gnupg-home-locking'
  | 'gnupg-home-bad'
  | 'ssh-refused'
  | 'card-key-offered'
  | 'pcscd-reader-exclusive'
  | 'pcscd-protocol-mismatch'
  | 'pcscd-backward-compatible'
  | 'pcscd-reader-not-found'
  | 'pcscd-rejected-client'
  | 'pcscd-lock-wait'
  | 'pcscd-lock-released'
  | 'pcscd-drivers-directory-missing'
  | 'pcscd-no-drivers'
  | 'pcscd-driver-unloadable'
  | 'pcscd-second'
  | 'pcscd-too-many-contexts'
  | 'pcscd-reader-limit'
  | 'pcscd-reader-added'
  | 'pcscd-reader-failed'
  | 'pcscd-ready'
  | 'pcscd-card-inserted'
  | 'pcscd-authorized'
  | 'pcscd-hotplug-broken'
  | 'pcscd-configuration-broken'
  | 'pcscd-socket-absent'
  | 'pcscd-socket-denied'
  | 'pcscd-died'
  | 'card-mute'
  | 'card-not-recognised'
  | 'run-as-root'
  | 'card-unresponsive'
  | 'reader-slot-taken'
  | 'reader-firmware-bogus'
  | 'reader-protocol-refused'
  | 'transmit-failed'
  | 'reader-apdu-limit'
  | 'memory-card-told'
  | 'reader-vanished'
  | 'polkit-unreachable'
  | 'polkit-action-unknown'
  | 'usb-ccid-off'
  | 'usb-no-smart-card'
  | 'polkit-absent-told'
  | 'polkit-proc-hidden'
  | 'polkit-nobody'
  | 'libpcsclite-missing'
  | 'bundle-listed'
  | 'no-reader'
  | 'no-token'
  | 'slot-missing'
  | 'reader-listed'
  | 'internal-reader'
  | 'service-unusable'
  | 'pkcs11-provider'
  | 'card-data-garbled'
  | 'library-bundled'
  | 'usb-listed'
  | 'fedora'
  | 'trouble-told'
  | 'token-applet-off'
  | 'token-configured'
  | 'exclusive-told'
  | 'older-gnupg-cures'
  | 'pcscd-doubted'
  | 'lock-told'
  | 'cable-told'
  | 'applet-told'
  | 'udev-absent'
  | 'udev-rule-told'
  | 'fallback-told'
  | 'other-sees'
  | 'after-tool'
  | 'reader-reports-error'
  | 'other-reader-works'
  | 'own-process-told'
  | 'plug-order-told'
  | 'newer-cures'
  | 'usb-empty'
  | 'local-build'
  | 'reader-limit-told'
  | 'scdaemon-ended-at-start'
  | 'token-applet-missing'
  | 'pin-locked'
  | 'hid-only'
  | 'kernel-nfc-bound'
  | 'kernel-nfc-ruled-out'
  | 'kernel-usb-reset'
  | 'kernel-usb-gone'
  | 'kernel-usb-unauthorized'
  | 'kernel-usb-not-claimed'
  | 'kernel-usb-trouble'
  | 'kernel-suspend'
  | 'autosuspend'
  | 'usbguard'
  | 'usbip'
  | 'usbip-lends'
  | 'vm-holds-usb'
  | 'vm-reader'
  | 'sandbox-denied'
  | 'sandbox-app'
  | 'session-remote'
  | 'session-inactive'
  | 'macos-ctk'
  | 'macos-ctk-refused'
  | 'macos-driver-switch'
  | 'macos-driver-stuck'
  | 'macos-apple-driver'
  | 'macos-reader-listed'
  | 'nss-module'
  | 'clients-listed'
  | 'root-works'
  | 'udev-rule'
  | 'garbled-code'
  | 'reader-names-garbled'
  | 'kernel-nfc-device'
  | 'pcscd-of-snap'
  | 'pcscd-told-to-end'
  | 'scdaemons-side-by-side'
  | 'management-key-refused'
  | 'ledger'
  | 'known-curve-refused'
  | 'shows-as-cd'
  | 'reader-table-48'
  | 'hidepid'
  | 'reads-card'
  | 'polkit-rule'
  | 'wsl-systemd'
  | 'applet-changed'
  | 'hangs'
  | 'polled'
  | 'after-sleep'
  | 'after-upgrade'
  | 'closing-cures'
  | 'stopping-pcscd-cures'
  | 'pin-asked-again'
  | 'after-gpg'
  | 'works-once'
  | 'cure-told'
  | 'works-outside-told'
  | 'wrong-reader-told'
  | 'driver-list-lacks'
  | 'replug-cures'
  | 'replug-in-vain'
  | 'own-handle-leaked'
  | 'config-not-active'
  | 'over-ssh'
  | 'both-told'
  | 'polkit-told'
  | 'wsl-1'
  | 'reboot-cures'
  | 'own-driver-told'
  | 'java-no-terminal'
  | 'reader-missing-told'
  | 'pcsc-works-told'
  | 'installed-then-lost'
  | 'access-control-told'
  | 'firmware-told'
  | 'ubuntu-22.04'
  | 'bsd'
  | 'pcsc-downgraded'
  | 'ccid-regression-told'
  | 'pcscd-start-told'
  | 'mac-only-told'
  | 'kernel-nfc-told'
  | 'slot-told'
  | 'reader-not-usb'
  | 'counterfeit-told'
  | 'uninstall-cures'
  | 'gpg-named'
  | 'permission-told'
  | 'mismatch-told'
  | 'slot-listed'
  | 'not-attached-told'
  | 'library-doubted'
  | 'works-by-hand-told'
  | 'card-answered'
  | 'reader-worked-told'
  | 'gpg-works-told'
  | 'replug-works-told'
  | 'hid-part-works'
  | 'firmware-changed'
  | 'driver-broke'
  | 'agent-empty'
  | 'service-answers'
  | 'reader-connects'
  | 'ccid-not-found'
  | 'pin-locked-told'
  | 'other-commands-work'
  | 'device-node-denied'
  | 'device-strings-unread'
  | 'hid-slot-missing'
  | 'daemon-outdated'
  | 'scdaemon-disabled'
  | 'scdaemon-not-executed'
  | 'keytocard-time-refused'
  | 'cure-until-boot'
  | 'other-home-told'
  | 'second-scdaemon-told'
  | 'piv-certificate-told'
  | 'gpg1-drives-reader'
  | 'general-of-gnupg2'
  | 'openpgp-reset-apdus'
  | 'scdaemon-stale-told';

/** Every kind of observation with what it carries. */
export interface Details extends Record<Plain, object> {
  /** gpg, gpg-agent or scdaemon reports a failure; `era` is which gpg wrote it ("selecting openpgp" ended with 2.2.20). */
  'gpg-failed': { reason: GpgReason; era: 'before-2.2.20' | 'since-2.2.20' | null; apple: boolean };
  /** A libgpg-error number split into its parts (gpg-error.h: source << 24 | code). */
  'gpg-error-number': { source: number; code: number };
  /** scdaemon's own PC/SC call failed (scd/apdu.c). */
  'scdaemon-pcsc-failed': { call: string; code: number };
  'scdaemon-detected-reader': { reader: string };
  /** scdaemon claimed nothing: libusb's answer to its internal driver (scd/ccid-driver.c). */
  'scdaemon-claim-failed': { error: string };
  /** A line of scdaemon.conf was refused by the option parser. */
  'scdaemon-option-refused': { problem: string };
  /** A line of scdaemon.conf as pasted. */
  'scdaemon-config': { option: string; value: string };
  'scdaemon-no-application': { reason: GpgReason };
  /** Status word of an answer to a command (ISO 7816-4), as scdaemon or a tool prints it. */
  'status-word': { sw: string };
  /** A PC/SC result code; `by` says whose call it was, as far as the line tells. */
  'pcsc-code': { code: number; by: 'gpg' | 'exclusive-app' | 'agent' | 'client' | 'pcscd'; call: string | null };
  'pcscd-protocol': { side: 'client' | 'server'; minor: number };
  'polkit-refused': { user: number; action: string };
  /** A libusb call of libccid or pcscd failed. */
  'usb-failed': { op: 'claim' | 'open' | 'write' | 'read' | 'interrupt' | 'init' | 'configure'; error: string };
  /** pcscd looked for a driver of this USB device. */
  'driver-lookup': { vendor: string; product: string };
  /** A USB device that is a smart-card reader or token, seen on the bus (lsusb, dmesg). */
  'usb-device': { vendor: string };
  /** A process in a listing (ps, lsof, ss, fuser, maps); `connected`: the listing is about PC/SC users. */
  process: { program: string; role: Role; pid: number | null; connected: boolean };
  /** How a reader is taken, as pcsc_scan prints it (pcsc-tools pcsc_scan.c). */
  'reader-mode': { mode: 'exclusive' | 'shared' };
  /** Setting this option of scdaemon.conf is what helped. */
  'option-cures': { option: string };
  /** Somebody says in plain words that this program keeps the card from others. */
  'said-to-hold': { role: Role };
  /** A package installed or a service started: what people found to help. */
  supplied: { what: 'scdaemon' | 'pcscd' | 'libccid' | 'libpcsclite' };
  /** A program named in prose, a command or a log; `fails`: by a line of its own about a failure, so it is the victim there. */
  mentioned: { program: string; role: Role; fails: boolean };
  /** A command that ends or restarts something: what people found to help. */
  remedy: { target: 'scdaemon' | 'gpg-agent' | 'pcscd' | 'holder' | 'macos-service'; chained: boolean };
  /** …and what was found not to help. */
  'remedy-in-vain': { target: Details['remedy']['target'] };
  /** A client other than gpg could not reach the card. */
  'client-failed': { client: 'ykman' | 'yubico-piv-tool' | 'pkcs11' | 'opensc' | 'age' | 'agent' | 'ssh' | 'pcsc_scan' | 'other' };
  version: { of: 'gnupg' | 'pcsc-lite' | 'libccid' | 'ykman' | 'macos'; version: string };
  'driver-directory': { path: string };
  unit: { unit: string; state: 'active' | 'inactive' | 'failed' | 'masked' | 'disabled' | 'missing' };
  environment: { is: 'wsl' | 'container' | 'macos' | 'windows' | 'snap' | 'flatpak' | 'firejail' | 'ssh' | 'vm' | 'appimage' };
  /** A PC/SC call seen by pcsc-spy failed. */
  'spy-failed': { call: string; code: number; mode: 'EXCLUSIVE' | 'SHARED' | 'DIRECT' | null; ownHandles: number };
  /** A PC/SC call seen by pcsc-spy took long: it waited for somebody's transaction. */
  'spy-waited': { call: string; seconds: number };
  'spy-connected': { mode: 'EXCLUSIVE' | 'SHARED' | 'DIRECT' };
  'spy-unfinished': { call: string };
  /** Frightening, means nothing. */
  harmless: { why: string };
  /** A sound state somebody printed. */
  sound: { what: string };
}

export type ObservationName = keyof Details;
export type Observation = { [N in ObservationName]: { name: N } & Details[N] }[ObservationName];

/** One line as read: numbers start at 1. */
export interface Line {
  number: number;
  text: string;
}

/** One distinct observation and where it was made; a log repeats itself, so only the count grows. */
export interface Sighting<N extends ObservationName = ObservationName> {
  observation: Extract<Observation, { name: N }>;
  line: Line;
  lastLine: number;
  count: number;
}
