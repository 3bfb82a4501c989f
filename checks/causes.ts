/** Groups of root causes that take the ground from under later questions. */
import type { Id } from './codes.ts';

/** PC/SC as a whole does not answer: nobody can say anything about readers. */
export const noService = ['pcscd-not-running', 'libpcsclite-missing', 'pcscd-unresponsive', 'protocol-mismatch', 'sandbox-blocks-pcsc', 'polkit-unreachable', 'polkit-error-hidepid', 'polkit-denied'] as const satisfies readonly Id[];

/** scdaemon does not start at all, so what it would do with a reader does not matter. */
export const noScdaemon = ['scdaemon-not-installed', 'scdaemon-config-invalid', 'gnupg-home-unusable'] as const satisfies readonly Id[];

/** Why pcscd does not list a reader that is there. */
export const readerTaken = [
  'usbguard',
  'usb-permission',
  'pcscd-driver-dir-missing',
  'ccid-driver-missing',
  'driver-does-not-know-device',
  'kernel-driver-claims-reader',
  'vm-took-device',
  'second-pcscd',
  'ccid-vs-pcscd',
] as const satisfies readonly Id[];
