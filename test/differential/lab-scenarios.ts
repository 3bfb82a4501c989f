/** What each run of cardcheck in the lab (test/lab/scenarios.ts) has to find, by SCENARIO-N. */
import type { Id } from '../../checks/codes.ts';

interface Expected {
  live: Id | null;
  logsShow?: { id: Id | null; because: string };
}

export const labScenarios: Readonly<Record<string, Expected>> = {
  'healthy-1': { live: null },
  'internal-ccid-first-1': { live: 'ccid-vs-pcscd' },
  'internal-ccid-first-seen-by-a-user-1': { live: 'ccid-vs-pcscd' },
  'pcscd-first-1': { live: 'ccid-vs-pcscd' },
  'pcscd-first-with-fallback-1': { live: 'scdaemon-holds-card', logsShow: { id: null, because: 'scdaemon works; whom it keeps out is in no log' } },
  'other-program-first-with-fallback-1': { live: 'other-client-blocks-scdaemon' },
  'shared-gpg-first-1': { live: null },
  'shared-other-program-first-1': { live: null },
  'pcsc-shared-alone-1': { live: 'ccid-vs-pcscd' },
  'disable-ccid-alone-1': { live: 'other-client-blocks-scdaemon' },
  'second-pcscd-1': { live: 'second-pcscd', logsShow: { id: null, because: 'the lines do not tell who has the interface' } },
  'first-reader-wins-1': { live: 'wrong-reader-chosen' },
  'two-readers-on-2.4-1': { live: null },
  'reader-without-t1-1': { live: 'internal-ccid-driver-limited' },
  'polkit-refuses-1': { live: null },
  'polkit-refuses-2': { live: 'polkit-denied' },
  'polkit-without-policy-1': { live: 'polkit-denied' },
  'polkit-unreachable-1': { live: 'polkit-unreachable' },
  'polkit-behind-hidepid-1': { live: 'polkit-error-hidepid' },
  'driver-not-installed-1': { live: 'ccid-driver-missing' },
  'driver-without-its-library-1': { live: 'ccid-driver-load-failure' },
  'driver-folder-missing-1': { live: 'pcscd-driver-dir-missing', logsShow: { id: 'ccid-driver-missing', because: 'the folder comes with the driver, and pcscd names the folder' } },
  'key-newer-than-driver-1': { live: 'driver-does-not-know-device' },
  'library-not-installed-1': { live: 'libpcsclite-missing' },
  'scdaemon-not-installed-1': { live: 'scdaemon-not-installed' },
  'pcscd-frozen-1': { live: 'pcscd-unresponsive', logsShow: { id: null, because: 'a pcscd that stands still writes nothing' } },
  'device-not-authorized-1': { live: 'usbguard', logsShow: { id: 'hotplug-not-seen', because: 'the kernel does not log that it was switched off, and pcscd has not looked at it' } },
  'plugged-in-unnoticed-1': { live: 'hotplug-not-seen' },
  'smart-card-switched-off-1': { live: 'token-configuration' },
  'key-without-smart-card-1': { live: 'not-pcsc-but-hid' },
  'reader-for-short-commands-1': { live: 'reader-hardware-limit', logsShow: { id: null, because: 'nothing has gone wrong yet' } },
  'emulated-reader-1': { live: 'vm-virtual-reader' },
  'lent-to-another-machine-1': { live: 'vm-took-device' },
  'passed-through-to-a-machine-1': { live: 'vm-took-device', logsShow: { id: 'ccid-vs-pcscd', because: 'the logs say that the interface is taken, and not by whom' } },
  'pcscd-asleep-1': { live: 'scdaemon-conflict-latent', logsShow: { id: null, because: 'nothing has gone wrong yet' } },
  'pcscd-asleep-2': { live: 'pcscd-woken', logsShow: { id: null, because: 'nothing has gone wrong yet' } },
  'pcscd-under-its-unit-1': { live: null },
  'reader-falls-silent-1': { live: 'suspend-resume-stale', logsShow: { id: null, because: 'without a word of sleep the logs do not tell what made the reader silent' } },
  'reader-sleeps-unnoticed-1': { live: 'usb-power-management', logsShow: { id: 'hotplug-not-seen', because: 'the kernel does not log that a device sleeps' } },
  'driver-older-than-pcscd-1': { live: 'usb-permission' },
  'driver-older-than-pcscd-2': { live: 'driver-outdated', logsShow: { id: 'usb-permission', because: 'the logs keep what pcscd met as its own user, before it was started as root' } },
  'kernel-driver-bound-1': { live: 'kernel-driver-claims-reader' },
};
