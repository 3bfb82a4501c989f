import type { AnyCheck } from '../src/check.ts';
import addonUnavailable from './addon-unavailable.ts';
import agentNotUsed from './agent-not-used.ts';
import agentSocketTaken from './agent-socket-taken.ts';
import cardDefect from './card-defect.ts';
import ccidDriverLoadFailure from './ccid-driver-load-failure.ts';
import ccidDriverMissing from './ccid-driver-missing.ts';
import ccidVsPcscd from './ccid-vs-pcscd.ts';
import clientLeaksConnection from './client-leaks-connection.ts';
import driverDoesNotKnowDevice from './driver-does-not-know-device.ts';
import driverOutdated from './driver-outdated.ts';
import gnupgHomeUnusable from './gnupg-home-unusable.ts';
import gnupgVersionBug from './gnupg-version-bug.ts';
import hotplugNotSeen from './hotplug-not-seen.ts';
import internalCcidDriverLimited from './internal-ccid-driver-limited.ts';
import kernelDriverClaimsReader from './kernel-driver-claims-reader.ts';
import libpcscliteMissing from './libpcsclite-missing.ts';
import libraryDaemonDisagree from './library-daemon-disagree.ts';
import macosAppleCcidDriver from './macos-apple-ccid-driver.ts';
import macosCtkHoldsCard from './macos-ctk-holds-card.ts';
import macosSystemDriverStuck from './macos-system-driver-stuck.ts';
import multipleScdaemon from './multiple-scdaemon.ts';
import noReader from './no-reader.ts';
import noUsbInEnvironment from './no-usb-in-environment.ts';
import notPcscButHid from './not-pcsc-but-hid.ts';
import otherClientBlocksExclusiveApp from './other-client-blocks-exclusive-app.ts';
import otherClientBlocksScdaemon from './other-client-blocks-scdaemon.ts';
import otherClientHoldsCard from './other-client-holds-card.ts';
import otherClientHoldsTransaction from './other-client-holds-transaction.ts';
import otherToolKillsScdaemon from './other-tool-kills-scdaemon.ts';
import pcscdDriverDirMissing from './pcscd-driver-dir-missing.ts';
import pcscdNotRunning from './pcscd-not-running.ts';
import pcscdUnresponsive from './pcscd-unresponsive.ts';
import pcscdWoken from './pcscd-woken.ts';
import polkitDenied from './polkit-denied.ts';
import polkitErrorHidepid from './polkit-error-hidepid.ts';
import polkitUnreachable from './polkit-unreachable.ts';
import protocolMismatch from './protocol-mismatch.ts';
import readerHardwareLimit from './reader-hardware-limit.ts';
import readerLimitAbiMismatch from './reader-limit-abi-mismatch.ts';
import readerLimit from './reader-limit.ts';
import remoteSession from './remote-session.ts';
import sandboxBlocksPcsc from './sandbox-blocks-pcsc.ts';
import scdaemonConfigIneffective from './scdaemon-config-ineffective.ts';
import scdaemonConfigInvalid from './scdaemon-config-invalid.ts';
import scdaemonConfigNotActive from './scdaemon-config-not-active.ts';
import scdaemonConflictLatent from './scdaemon-conflict-latent.ts';
import scdaemonHoldsCard from './scdaemon-holds-card.ts';
import scdaemonNotInstalled from './scdaemon-not-installed.ts';
import scdaemonStale from './scdaemon-stale.ts';
import secondPcscd from './second-pcscd.ts';
import sharedAppletSwitched from './shared-applet-switched.ts';
import suspendResumeStale from './suspend-resume-stale.ts';
import tokenConfiguration from './token-configuration.ts';
import unseenWithoutRoot from './unseen-without-root.ts';
import usbPermission from './usb-permission.ts';
import usbPowerManagement from './usb-power-management.ts';
import usbguard from './usbguard.ts';
import vmTookDevice from './vm-took-device.ts';
import vmVirtualReader from './vm-virtual-reader.ts';
import wrongReaderChosen from './wrong-reader-chosen.ts';

/** Every live check, in the order of the layers. */
export const checks: readonly AnyCheck[] = [
  // device
  noUsbInEnvironment,
  noReader,
  usbguard,
  tokenConfiguration,
  notPcscButHid,
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
  readerHardwareLimit,
  vmVirtualReader,
  readerLimit,
  readerLimitAbiMismatch,
  macosAppleCcidDriver,
  hotplugNotSeen,
  usbPowerManagement,
  suspendResumeStale,
  // service
  pcscdNotRunning,
  libpcscliteMissing,
  macosSystemDriverStuck,
  protocolMismatch,
  pcscdUnresponsive,
  libraryDaemonDisagree,
  // access
  sandboxBlocksPcsc,
  polkitUnreachable,
  polkitErrorHidepid,
  polkitDenied,
  remoteSession,
  // sharing
  secondPcscd,
  multipleScdaemon,
  scdaemonStale,
  ccidVsPcscd,
  otherClientHoldsTransaction,
  scdaemonHoldsCard,
  macosCtkHoldsCard,
  otherClientHoldsCard,
  otherClientBlocksScdaemon,
  otherClientBlocksExclusiveApp,
  clientLeaksConnection,
  sharedAppletSwitched,
  otherToolKillsScdaemon,
  // card
  cardDefect,
  // gnupg
  scdaemonNotInstalled,
  gnupgHomeUnusable,
  agentSocketTaken,
  agentNotUsed,
  internalCcidDriverLimited,
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
