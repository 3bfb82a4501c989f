import type { AnyCheck } from '../src/check.ts';
import addonUnavailable from './addon-unavailable.ts';
import cardDefect from './card-defect.ts';
import ccidDriverLoadFailure from './ccid-driver-load-failure.ts';
import ccidDriverMissing from './ccid-driver-missing.ts';
import ccidVsPcscd from './ccid-vs-pcscd.ts';
import driverDoesNotKnowDevice from './driver-does-not-know-device.ts';
import driverOutdated from './driver-outdated.ts';
import gnupgVersionBug from './gnupg-version-bug.ts';
import hotplugNotSeen from './hotplug-not-seen.ts';
import kernelDriverClaimsReader from './kernel-driver-claims-reader.ts';
import libpcscliteMissing from './libpcsclite-missing.ts';
import libraryDaemonDisagree from './library-daemon-disagree.ts';
import macosAppleCcidDriver from './macos-apple-ccid-driver.ts';
import macosCtkHoldsCard from './macos-ctk-holds-card.ts';
import macosSystemDriverStuck from './macos-system-driver-stuck.ts';
import multipleScdaemon from './multiple-scdaemon.ts';
import noReader from './no-reader.ts';
import noUsbInEnvironment from './no-usb-in-environment.ts';
import otherClientBlocksScdaemon from './other-client-blocks-scdaemon.ts';
import otherClientHoldsCard from './other-client-holds-card.ts';
import otherClientHoldsTransaction from './other-client-holds-transaction.ts';
import pcscdDriverDirMissing from './pcscd-driver-dir-missing.ts';
import pcscdNotRunning from './pcscd-not-running.ts';
import pcscdUnresponsive from './pcscd-unresponsive.ts';
import pcscdWoken from './pcscd-woken.ts';
import polkitDenied from './polkit-denied.ts';
import protocolMismatch from './protocol-mismatch.ts';
import readerLimitAbiMismatch from './reader-limit-abi-mismatch.ts';
import readerLimit from './reader-limit.ts';
import sandboxBlocksPcsc from './sandbox-blocks-pcsc.ts';
import scdaemonConfigIneffective from './scdaemon-config-ineffective.ts';
import scdaemonConfigInvalid from './scdaemon-config-invalid.ts';
import scdaemonConfigNotActive from './scdaemon-config-not-active.ts';
import scdaemonConflictLatent from './scdaemon-conflict-latent.ts';
import scdaemonHoldsCard from './scdaemon-holds-card.ts';
import scdaemonNotInstalled from './scdaemon-not-installed.ts';
import secondPcscd from './second-pcscd.ts';
import unseenWithoutRoot from './unseen-without-root.ts';
import usbPermission from './usb-permission.ts';
import usbguard from './usbguard.ts';
import vmTookDevice from './vm-took-device.ts';
import wrongReaderChosen from './wrong-reader-chosen.ts';

/** Every live check, in the order of the layers. */
export const checks: readonly AnyCheck[] = [
  // device
  noUsbInEnvironment,
  noReader,
  usbguard,
  // permission
  usbPermission,
  // driver
  vmTookDevice,
  kernelDriverClaimsReader,
  pcscdDriverDirMissing,
  ccidDriverMissing,
  ccidDriverLoadFailure,
  driverDoesNotKnowDevice,
  driverOutdated,
  readerLimit,
  readerLimitAbiMismatch,
  macosAppleCcidDriver,
  hotplugNotSeen,
  // service
  pcscdNotRunning,
  libpcscliteMissing,
  macosSystemDriverStuck,
  protocolMismatch,
  pcscdUnresponsive,
  libraryDaemonDisagree,
  // access
  sandboxBlocksPcsc,
  polkitDenied,
  // sharing
  secondPcscd,
  multipleScdaemon,
  ccidVsPcscd,
  otherClientHoldsTransaction,
  scdaemonHoldsCard,
  macosCtkHoldsCard,
  otherClientHoldsCard,
  otherClientBlocksScdaemon,
  // card
  cardDefect,
  // gnupg
  scdaemonNotInstalled,
  gnupgVersionBug,
  scdaemonConfigInvalid,
  scdaemonConfigIneffective,
  scdaemonConfigNotActive,
  wrongReaderChosen,
  scdaemonConflictLatent,
  // cardcheck
  addonUnavailable,
  unseenWithoutRoot,
  pcscdWoken,
];
