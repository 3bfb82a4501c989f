/** What each check says of each situation: the exact findings where it is named, none where it is listed as silent. */
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Code, codes, type Id } from '../../checks/codes.ts';
import { checks } from '../../checks/index.ts';
import type { AnyCheck, CodeRow, InputName } from '../../src/check.ts';
import { judge } from '../../src/judge.ts';
import { factsOf, situation, situations } from '../support/situations.ts';

const YUBIKEY = 'Yubico YubiKey OTP+FIDO+CCID 00 00';
const VIRTUAL = 'Virtual PCD 00 00';
const CONF = '/home/alice/.gnupg/scdaemon.conf';

/** [situation, check, subjects of its findings; an empty list is a near miss] */
const grid: [string, Id, string[]][] = [
  ['rig-gpg-holds', 'scdaemon-holds-card', [VIRTUAL]],
  ['gpg-holds', 'scdaemon-holds-card', [YUBIKEY]],
  ['yubikey-agent-holds', 'scdaemon-holds-card', []],
  ['gpg-shares-beside-firefox', 'scdaemon-holds-card', []],
  ['somebody-unseen-holds', 'scdaemon-holds-card', []],

  ['rig-gpg-blocked', 'other-client-blocks-scdaemon', [VIRTUAL]],
  ['gpg-blocked', 'other-client-blocks-scdaemon', [YUBIKEY]],
  ['gpg-blocked-by-somebody-unseen', 'other-client-blocks-scdaemon', [YUBIKEY]],
  ['gpg-2.2.27-blocked', 'other-client-blocks-scdaemon', [YUBIKEY]],
  ['gpg-blocked-still-connected', 'other-client-blocks-scdaemon', [YUBIKEY]],
  ['pkcs11-module-blocks-gpg', 'other-client-blocks-scdaemon', [YUBIKEY]],
  ['gpg-shares-beside-firefox', 'other-client-blocks-scdaemon', []],
  ['latent-2.2', 'other-client-blocks-scdaemon', []],
  ['transaction', 'other-client-blocks-scdaemon', []],

  ['rig-exclusive', 'other-client-holds-card', [VIRTUAL]],
  ['yubikey-agent-holds', 'other-client-holds-card', [YUBIKEY]],
  ['somebody-unseen-holds', 'other-client-holds-card', [YUBIKEY]],
  ['gpg-holds', 'other-client-holds-card', []],
  ['scdaemon-took-usb', 'other-client-holds-card', []],

  ['rig-transaction', 'other-client-holds-transaction', [VIRTUAL]],
  ['transaction', 'other-client-holds-transaction', [YUBIKEY]],
  ['gpg-blocked', 'other-client-holds-transaction', []],

  ['rig-two-scdaemons', 'multiple-scdaemon', ['scdaemon']],
  ['two-scdaemons', 'multiple-scdaemon', ['scdaemon']],
  ['gpg-holds', 'multiple-scdaemon', []],

  ['rig-latent', 'scdaemon-conflict-latent', ['scdaemon']],
  ['latent-2.2', 'scdaemon-conflict-latent', ['scdaemon']],
  ['latent-exclusive', 'scdaemon-conflict-latent', ['scdaemon']],
  ['gpg-2.4-empty-reader', 'scdaemon-conflict-latent', ['scdaemon']],
  ['base', 'scdaemon-conflict-latent', []],
  ['no-gnupg', 'scdaemon-conflict-latent', []],
  ['gpg-blocked', 'scdaemon-conflict-latent', []],
  ['stale-reader-port', 'scdaemon-conflict-latent', []],

  ['rig-config-invalid', 'scdaemon-config-invalid', ['/run/rig/home/root/.gnupg/scdaemon.conf']],
  ['config-invalid-fatal', 'scdaemon-config-invalid', [CONF]],
  ['config-trailing-comment', 'scdaemon-config-invalid', [CONF]],
  ['config-is-fifo', 'scdaemon-config-invalid', [CONF]],
  ['agent-conf-is-directory', 'scdaemon-config-invalid', []],
  ['config-unreadable', 'scdaemon-config-invalid', []],

  ['lab-pcsc-shared-alone', 'scdaemon-config-ineffective', ['/root/.gnupg/scdaemon.conf']],
  ['config-shared-over-usb', 'scdaemon-config-ineffective', [CONF]],
  ['config-unreadable', 'scdaemon-config-ineffective', [CONF]],
  ['base', 'scdaemon-config-ineffective', []],
  ['config-trailing-comment', 'scdaemon-config-ineffective', []],

  ['config-not-active', 'scdaemon-config-not-active', ['scdaemon']],
  ['config-newer-but-idle', 'scdaemon-config-not-active', ['scdaemon']],
  ['gpg-shares-beside-firefox', 'scdaemon-config-not-active', []],

  ['built-in-reader-first', 'wrong-reader-chosen', [VIRTUAL]],
  ['stale-reader-port', 'wrong-reader-chosen', [CONF]],
  ['library-lacks-one-reader', 'wrong-reader-chosen', []],

  ['gpg-2.4-beside-pcscd', 'gnupg-version-bug', ['gnupg']],
  ['lab-healthy', 'gnupg-version-bug', []],
  ['macos', 'gnupg-version-bug', []],
  ['base', 'gnupg-version-bug', []],

  ['lab-scdaemon-not-installed', 'scdaemon-not-installed', ['scdaemon']],
  ['no-scdaemon', 'scdaemon-not-installed', ['scdaemon']],
  ['no-gnupg', 'scdaemon-not-installed', []],

  ['lab-internal-ccid-first', 'ccid-vs-pcscd', ['Yubico YubiKey OTP+FIDO+CCID']],
  ['lab-pcscd-first', 'ccid-vs-pcscd', ['Yubico YubiKey OTP+FIDO+CCID [YubiKey OTP+FIDO+CCID] 00 00']],
  ['lab-healthy', 'ccid-vs-pcscd', []],
  ['gpg-2.4-beside-pcscd', 'ccid-vs-pcscd', [YUBIKEY]],
  ['scdaemon-took-usb', 'ccid-vs-pcscd', ['Yubico YubiKey OTP+FIDO+CCID']],
  ['gpg-2.4-empty-reader', 'ccid-vs-pcscd', []],
  ['latent-2.2', 'ccid-vs-pcscd', []],

  ['lab-second-pcscd', 'second-pcscd', ['pcscd']],
  ['second-pcscd', 'second-pcscd', ['pcscd']],
  ['scdaemon-took-usb', 'second-pcscd', []],
  ['lab-pcscd-under-its-unit', 'second-pcscd', []],

  ['lab-kernel-driver', 'kernel-driver-claims-reader', ['1-1']],
  ['kernel-nfc-driver', 'kernel-driver-claims-reader', ['1-2']],
  ['kernel-nfc-driver-absent', 'kernel-driver-claims-reader', []],

  ['lab-passed-through-to-a-machine', 'vm-took-device', ['1-1']],
  ['lab-lent-to-another-machine', 'vm-took-device', ['17-1']],
  ['vm-took-device', 'vm-took-device', ['1-2']],
  ['not-noticed', 'vm-took-device', []],

  ['lab-driver-not-installed', 'ccid-driver-missing', ['libccid']],
  ['no-ccid-driver', 'ccid-driver-missing', ['libccid']],
  ['no-reader', 'ccid-driver-missing', []],
  ['driver-elsewhere', 'ccid-driver-missing', []],

  ['lab-driver-folder-missing', 'pcscd-driver-dir-missing', ['/usr/lib/pcsc/drivers']],
  ['driver-elsewhere', 'pcscd-driver-dir-missing', ['/usr/local/lib/pcsc/drivers']],
  ['no-driver-directory', 'pcscd-driver-dir-missing', ['/usr/lib/pcsc/drivers']],
  ['no-ccid-driver', 'pcscd-driver-dir-missing', []],

  ['lab-driver-without-its-library', 'ccid-driver-load-failure', ['/usr/lib/pcsc/drivers/ifd-ccid.bundle']],
  ['driver-broken', 'ccid-driver-load-failure', ['/usr/lib/pcsc/drivers/ifd-ccid.bundle']],
  ['not-noticed', 'ccid-driver-load-failure', []],

  ['lab-key-newer-than-driver', 'driver-does-not-know-device', ['1-1']],
  ['device-unknown-to-driver', 'driver-does-not-know-device', ['1-2']],
  ['not-noticed', 'driver-does-not-know-device', []],
  ['no-ccid-driver', 'driver-does-not-know-device', []],

  ['lab-driver-older-than-pcscd', 'driver-outdated', ['libccid']],
  ['lab-device-closed-to-pcscd', 'driver-outdated', []],
  ['libccid-1.8.1', 'driver-outdated', ['libccid']],
  ['libccid-1.8.2', 'driver-outdated', []],
  ['base', 'driver-outdated', []],

  ['sixteen-readers', 'reader-limit', ['pcscd']],
  ['built-in-reader-first', 'reader-limit', []],

  ['rig-library-for-48-readers', 'reader-limit-abi-mismatch', ['/run/rig/bundle/libpcsclite.so.1']],
  ['library-of-16-asked-on-fedora', 'reader-limit-abi-mismatch', ['/usr/local/lib64/libpcsclite.so.1']],
  ['flatpak-library-of-16-on-fedora', 'reader-limit-abi-mismatch', ['/var/lib/flatpak/app/de.bund.ausweisapp.ausweisapp2/current/active/files/lib/libpcsclite.so.1']],
  ['new-library-adapts', 'reader-limit-abi-mismatch', []],

  ['macos-apple-driver-mute', 'macos-apple-ccid-driver', ['macOS']],
  ['macos-14.1-apple-driver', 'macos-apple-ccid-driver', ['macOS']],
  ['macos-libccid-mute', 'macos-apple-ccid-driver', []],
  ['macos', 'macos-apple-ccid-driver', []],

  ['macos-pivtoken-holds', 'macos-ctk-holds-card', ['Yubico YubiKey OTP+FIDO+CCID']],
  ['macos-pivtoken-idle', 'macos-ctk-holds-card', []],

  ['macos-service-stuck', 'macos-system-driver-stuck', ['com.apple.ifdreader']],
  ['macos', 'macos-system-driver-stuck', []],

  ['lab-plugged-in-unnoticed', 'hotplug-not-seen', ['1-1']],
  ['not-noticed', 'hotplug-not-seen', ['1-2']],
  ['scdaemon-took-usb', 'hotplug-not-seen', []],
  ['lab-pcscd-woken', 'hotplug-not-seen', []],
  ['lab-lent-to-another-machine', 'hotplug-not-seen', []],
  ['second-pcscd', 'hotplug-not-seen', []],
  ['lab-device-closed-to-pcscd', 'hotplug-not-seen', []],

  ['rig-no-pcscd', 'pcscd-not-running', ['pcscd']],
  ['no-pcscd', 'pcscd-not-running', ['pcscd']],
  ['pcscd-not-installed', 'pcscd-not-running', ['pcscd']],
  ['lab-pcscd-asleep', 'pcscd-not-running', []],
  ['pcscd-asleep', 'pcscd-not-running', []],
  ['pcscd-silent', 'pcscd-not-running', []],

  ['lab-library-not-installed', 'libpcsclite-missing', ['libpcsclite']],
  ['no-libpcsclite', 'libpcsclite-missing', ['libpcsclite']],
  ['no-addon', 'libpcsclite-missing', []],

  ['rig-protocol-mismatch', 'protocol-mismatch', ['/run/rig/bundle/libpcsclite.so.1', '/usr/lib/x86_64-linux-gnu/libpcsclite.so.1']],
  ['protocol-mismatch', 'protocol-mismatch', ['/usr/local/lib/libpcsclite.so.1']],
  ['old-library-in-flatpak', 'protocol-mismatch', ['/var/lib/flatpak/runtime/org.kde.Platform/x86_64/6.5/active/files/lib/libpcsclite.so.1']],
  ['library-refused-by-old-pcscd', 'protocol-mismatch', ['/usr/local/lib/libpcsclite_real.so.1']],
  ['yubico-authenticator-refused', 'protocol-mismatch', ['/snap/yubioath-desktop/current/usr/lib/x86_64-linux-gnu/libpcsclite_real.so.1']],
  ['polkit-denied', 'protocol-mismatch', []],
  ['new-library-adapts', 'protocol-mismatch', []],

  ['polkit-denied', 'polkit-denied', ['alice']],
  ['polkit-refuses-but-root', 'polkit-denied', []],
  ['lab-polkit-denied', 'polkit-denied', ['user1']],
  ['lab-polkit-denied', 'polkit-unreachable', []],
  ['polkit-without-policy', 'polkit-denied', ['root']],
  ['polkit-without-policy', 'polkit-unreachable', []],
  ['pcscd-silent', 'polkit-denied', []],

  ['rig-socket-closed', 'sandbox-blocks-pcsc', ['nobody']],
  ['rig-flatpak-without-pcsc', 'sandbox-blocks-pcsc', ['flatpak org.example.Signer']],
  ['rig-flatpak-without-pcsc', 'pcscd-not-running', []],
  ['socket-closed', 'sandbox-blocks-pcsc', ['alice']],
  ['polkit-denied', 'sandbox-blocks-pcsc', []],

  ['lab-device-closed', 'usb-permission', ['1-1']],
  ['usb-closed', 'usb-permission', ['1-2']],
  ['lab-device-closed-to-pcscd', 'usb-permission', ['1-1']],
  ['stale-reader-port', 'usb-permission', []],

  ['lab-device-not-authorized', 'usbguard', ['1-1']],
  ['usb-not-authorised', 'usbguard', ['1-2']],
  ['not-noticed', 'usbguard', []],

  ['rig-container-without-usb', 'no-usb-in-environment', ['a container (docker)']],
  ['rig-socket-closed', 'no-usb-in-environment', []],
  ['no-reader', 'no-usb-in-environment', []],

  ['rig-library-looks-elsewhere', 'library-daemon-disagree', ['libpcsclite']],
  ['library-sees-nothing', 'library-daemon-disagree', ['libpcsclite']],
  ['library-lacks-one-reader', 'library-daemon-disagree', ['libpcsclite']],
  ['no-addon', 'library-daemon-disagree', []],

  ['lab-pcscd-frozen', 'pcscd-unresponsive', ['pcscd']],
  ['pcscd-silent', 'pcscd-unresponsive', ['pcscd']],
  ['pcscd-dies', 'pcscd-unresponsive', ['pcscd']],
  ['transaction', 'pcscd-unresponsive', []],
  ['polkit-denied', 'pcscd-unresponsive', []],

  ['mute-card', 'card-defect', [VIRTUAL]],
  ['gpg-2.4-empty-reader', 'card-defect', []],

  ['lab-no-reader', 'no-reader', ['readers']],
  ['no-reader', 'no-reader', ['readers']],
  ['not-noticed', 'no-reader', []],
  ['rig-container-without-usb', 'no-reader', []],
  ['no-pcscd', 'no-reader', []],

  ['lab-smart-card-switched-off', 'token-configuration', ['1-1']],
  ['ccid-switched-off', 'token-configuration', ['1-2']],
  ['fido-only-key', 'token-configuration', []],
  ['lab-key-without-smart-card', 'not-pcsc-but-hid', ['1-1']],
  ['fido-only-key', 'not-pcsc-but-hid', ['1-2']],
  ['ccid-switched-off', 'not-pcsc-but-hid', []],

  ['lab-reader-for-short-commands', 'reader-hardware-limit', ['1-1']],
  ['short-apdu-reader', 'reader-hardware-limit', ['1-2']],
  ['extended-apdu-reader', 'reader-hardware-limit', []],

  ['lab-emulated-reader', 'vm-virtual-reader', ['17-1']],
  ['vm-took-device', 'vm-virtual-reader', []],

  ['suspend-failed', 'usb-power-management', ['1-2']],
  ['lab-reader-sleeps-unnoticed', 'usb-power-management', ['1-1']],
  ['not-noticed', 'usb-power-management', []],

  ['lab-reader-falls-silent', 'suspend-resume-stale', ['Yubico YubiKey OTP+FIDO+CCID [YubiKey OTP+FIDO+CCID] 00 00']],
  ['lab-reader-falls-silent', 'card-defect', []],
  ['mute-card', 'suspend-resume-stale', []],

  ['lab-polkit-unreachable', 'polkit-unreachable', ['polkit']],
  ['polkit-without-bus', 'polkit-unreachable', ['polkit']],
  ['polkit-without-bus', 'polkit-denied', []],
  ['polkit-denied', 'polkit-unreachable', []],

  ['lab-hidepid', 'polkit-error-hidepid', ['/proc']],
  ['polkit-hidepid', 'polkit-error-hidepid', ['/proc']],
  ['polkit-hidepid', 'polkit-denied', []],
  ['hidepid-without-polkit', 'polkit-error-hidepid', []],

  ['rig-login-from-afar', 'remote-session', ['root']],
  ['ssh-with-reader', 'remote-session', []],
  ['no-reader', 'remote-session', []],

  ['scdaemon-outlived-pcscd', 'scdaemon-stale', ['scdaemon']],
  ['scdaemon-older-and-idle', 'scdaemon-stale', []],
  ['rig-pcscd-restarted', 'scdaemon-stale', []],
  ['rig-gpg-holds', 'scdaemon-stale', []],

  ['rig-insisting-program', 'other-client-blocks-exclusive-app', [VIRTUAL]],
  ['insisting-program-idle', 'other-client-blocks-exclusive-app', []],
  ['rig-exclusive', 'other-client-blocks-exclusive-app', []],

  ['rig-leaking-client', 'client-leaks-connection', ['leaking-program']],
  ['rig-insisting-program', 'client-leaks-connection', []],

  ['rig-shared', 'shared-applet-switched', [VIRTUAL]],
  ['rig-gpg-blocked', 'shared-applet-switched', []],
  ['rig-free', 'shared-applet-switched', []],

  ['rig-ykman', 'other-tool-kills-scdaemon', ['scdaemon']],
  ['ykman-beside-sharing-gpg', 'other-tool-kills-scdaemon', []],

  ['rig-home-taken', 'gnupg-home-unusable', ['/run/rig/home/user1/.gnupg']],
  ['socket-path-too-long', 'gnupg-home-unusable', ['/srv/build-build-build-build-build-build-build-build-build-build-build-build-build-build-build-build-home/gnupg']],
  ['agent-conf-is-directory', 'gnupg-home-unusable', ['/home/alice/.gnupg']],
  ['config-is-fifo', 'gnupg-home-unusable', []],
  ['base', 'gnupg-home-unusable', []],

  ['rig-agent-socket-taken', 'agent-socket-taken', ['/run/rig/home/root/.gnupg/S.gpg-agent']],
  ['agent-asleep', 'agent-socket-taken', []],

  ['rig-ssh-asks-another-agent', 'agent-not-used', ['SSH_AUTH_SOCK']],
  ['ssh-asks-another-agent', 'agent-not-used', ['SSH_AUTH_SOCK']],
  ['ssh-asks-gpg-agent', 'agent-not-used', []],
  ['base', 'agent-not-used', []],

  ['reader-without-t1', 'internal-ccid-driver-limited', ['1-1']],
  ['lab-internal-ccid-first', 'internal-ccid-driver-limited', []],
  ['reader-without-t1-through-pcscd', 'internal-ccid-driver-limited', []],

  ['rig-no-addon', 'addon-unavailable', ['pcsclite']],
  ['no-addon', 'addon-unavailable', ['pcsclite']],
  ['pcscd-asleep', 'addon-unavailable', []],

  ['rig-seen-by-a-user', 'unseen-without-root', ['root']],
  ['base', 'unseen-without-root', ['root']],
  ['polkit-refuses-but-root', 'unseen-without-root', []],

  ['lab-pcscd-woken', 'pcscd-woken', ['pcscd']],
  ['lab-pcscd-asleep', 'pcscd-woken', []],
  ['base', 'pcscd-woken', []],
];

describe('each check, in each situation', () => {
  test.each(grid)('%s: %s', (name, id, subjects) => {
    const findings = judge(checks, factsOf(situation(name))).findings.filter((finding) => finding.id === id);
    expect(findings.map(({ subject }) => subject.name)).toEqual(subjects);
  });
});

/** What a newcomer sees: one cause, one error. */
const onlyErrors: [string, Id[]][] = [
  ['base', []],
  ['gpg-shares-beside-firefox', []],
  ['no-gnupg', []],
  ['no-addon', []],
  ['pcscd-asleep', []],
  ['latent-2.2', []],
  ['rig-free', []],
  ['lab-healthy', []],
  ['lab-scdaemon-not-installed', []],
  ['lab-key-without-smart-card', []],
  ['lab-smart-card-switched-off', []],
  ['lab-reader-for-short-commands', []],
  ['lab-plugged-in-unnoticed', []],
  ['rig-no-addon', []],
  ['rig-latent', []],
  ['rig-ssh-asks-another-agent', []],
  ['lab-device-closed', ['usb-permission']],
  ['lab-device-not-authorized', ['usbguard']],
  ['lab-driver-folder-missing', ['pcscd-driver-dir-missing']],
  ['lab-driver-not-installed', ['ccid-driver-missing']],
  ['lab-driver-without-its-library', ['ccid-driver-load-failure']],
  ['lab-key-newer-than-driver', ['driver-does-not-know-device']],
  ['lab-library-not-installed', ['libpcsclite-missing']],
  ['lab-pcscd-frozen', ['pcscd-unresponsive']],
  ['lab-hidepid', ['polkit-error-hidepid']],
  ['lab-polkit-denied', ['polkit-denied']],
  ['polkit-without-policy', ['polkit-denied']],
  ['rig-protocol-mismatch', ['protocol-mismatch']],
  ['lab-no-reader', []],
  ['lab-internal-ccid-first', ['ccid-vs-pcscd']],
  ['lab-pcscd-first', ['ccid-vs-pcscd']],
  ['lab-second-pcscd', ['second-pcscd']],
  ['lab-kernel-driver', ['kernel-driver-claims-reader']],
  ['rig-container-without-usb', []],
  ['rig-login-from-afar', []],
  ['rig-socket-closed', ['sandbox-blocks-pcsc']],
  ['rig-flatpak-without-pcsc', ['sandbox-blocks-pcsc']],
  ['rig-library-for-48-readers', ['reader-limit-abi-mismatch']],
  ['rig-library-looks-elsewhere', ['library-daemon-disagree']],
  ['rig-shared', []],
  ['rig-pcscd-restarted', []],
  ['rig-insisting-program', []],
  ['rig-leaking-client', []],
  ['fido-only-key', []],
  ['ccid-switched-off', []],
  ['rig-gpg-holds', ['scdaemon-holds-card']],
  ['rig-gpg-blocked', ['other-client-blocks-scdaemon']],
  ['rig-exclusive', ['other-client-holds-card']],
  ['rig-transaction', ['other-client-holds-transaction']],
  ['rig-two-scdaemons', ['multiple-scdaemon']],
  ['rig-no-pcscd', ['pcscd-not-running']],
  ['rig-home-taken', ['gnupg-home-unusable']],
  ['lab-reader-falls-silent', ['suspend-resume-stale']],
  ['lab-emulated-reader', []],
  ['lab-reader-sleeps-unnoticed', []],
  ['lab-pcscd-asleep', []],
  ['lab-pcscd-woken', []],
  ['lab-pcscd-under-its-unit', []],
  ['lab-passed-through-to-a-machine', ['vm-took-device']],
  ['lab-lent-to-another-machine', ['vm-took-device']],
  ['lab-polkit-unreachable', ['polkit-unreachable']],
  ['polkit-without-bus', ['polkit-unreachable']],
  ['polkit-hidepid', ['polkit-error-hidepid']],
  ['reader-without-t1', ['internal-ccid-driver-limited']],
  ['gpg-holds', ['scdaemon-holds-card']],
  ['gpg-blocked', ['other-client-blocks-scdaemon']],
  ['yubikey-agent-holds', ['other-client-holds-card']],
  ['transaction', ['other-client-holds-transaction']],
  ['config-not-active', ['scdaemon-config-not-active']],
  ['config-invalid-fatal', ['scdaemon-config-invalid']],
  ['config-is-fifo', ['scdaemon-config-invalid']],
  ['agent-conf-is-directory', ['gnupg-home-unusable']],
  ['two-scdaemons', ['multiple-scdaemon']],
  ['gpg-2.4-beside-pcscd', ['ccid-vs-pcscd']],
  ['scdaemon-took-usb', ['ccid-vs-pcscd']],
  ['second-pcscd', ['second-pcscd']],
  ['kernel-nfc-driver', ['kernel-driver-claims-reader']],
  ['vm-took-device', ['vm-took-device']],
  ['no-ccid-driver', ['ccid-driver-missing']],
  ['no-pcscd', ['pcscd-not-running']],
  ['no-libpcsclite', ['libpcsclite-missing']],
  ['protocol-mismatch', ['protocol-mismatch']],
  ['library-refused-by-old-pcscd', ['protocol-mismatch']],
  ['library-of-16-asked-on-fedora', ['reader-limit-abi-mismatch']],
  ['yubico-authenticator-refused', []],
  ['macos', []],
  ['macos-apple-driver-mute', ['macos-apple-ccid-driver']],
  ['macos-pivtoken-holds', ['macos-ctk-holds-card']],
  ['polkit-denied', ['polkit-denied']],
  ['socket-closed', ['sandbox-blocks-pcsc']],
  ['pcscd-silent', ['pcscd-unresponsive']],
  ['pcscd-dies', ['pcscd-unresponsive']],
  ['lab-device-closed-to-pcscd', ['usb-permission']],
  ['lab-driver-older-than-pcscd', []],
  ['usb-not-authorised', ['usbguard']],
  ['mute-card', ['card-defect']],
];

test.each(onlyErrors)('%s has these errors and no other: %j', (name, ids) => {
  const errors = judge(checks, factsOf(situation(name))).findings.filter(({ severity }) => severity === 'error');
  expect(errors.map(({ id }) => id)).toEqual(ids);
});

test.each(situations)('%s leaves no question open', (name) => {
  const open = judge(checks, factsOf(situation(name))).outcomes.filter(({ outcome }) => outcome === 'unknown' || outcome === 'crashed');
  expect(open).toEqual([]);
});

describe('the catalogue of checks', () => {
  const idOf = (check: AnyCheck): Id => codes[check.code].id;
  const live = checks.map(idOf);

  test('a check has the name of its id, and each file is listed', () => {
    const files = readdirSync(new URL('../../checks/', import.meta.url)).flatMap((file) => (file.endsWith('.ts') ? [file.slice(0, -3)] : []));
    const ids = new Set<string>(Object.values(codes).map(({ id }) => id));
    expect(files.filter((file) => ids.has(file)).sort()).toEqual([...live].sort());
  });

  test('what has no check says why', () => {
    const silent = (Object.values(codes) as CodeRow<never>[]).filter(({ explainOnly }) => explainOnly !== undefined).map(({ id }) => id);
    expect(silent.filter((id) => live.includes(id as Id))).toEqual([]);
    // Those of macOS and of a table that was misread are another chapter.
    const others = Object.values(codes).map(({ id }) => id).filter((id) => !live.includes(id) && !silent.includes(id) && !/^macos-|^reader-limit-abi-mismatch$/.test(id));
    expect(others).toEqual([]);
  });

  test('no id and no check is there twice', () => {
    const ids = Object.values(codes).map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(new Set(live).size).toBe(live.length);
  });

  test.each(live)('%s has a situation in which it speaks and a near miss in which it does not', (id) => {
    const rows = grid.filter(([, of]) => of === id);
    expect(rows.some(([, , subjects]) => subjects.length > 0)).toBe(true);
    expect(rows.some(([, , subjects]) => subjects.length === 0)).toBe(true);
  });

  test.each(live)('%s reads the facts it declares, and no others', (id) => {
    const check = checks.find((one) => idOf(one) === id) as AnyCheck;
    const read = new Set<string>();
    for (const name of situations) {
      const facts = factsOf(situation(name));
      const input: Record<string, unknown> = {};
      for (const fact of check.needs) {
        const value = facts[fact];
        if (value.status !== 'ok') break;
        input[fact] = value.value;
      }
      if (Object.keys(input).length < check.needs.length) continue;
      for (const fact of check.wants ?? []) input[fact] = facts[fact];
      check.check(new Proxy(input, { get: (target, key: string) => (read.add(key), target[key]) }));
    }
    expect([...read].sort()).toEqual([...check.needs, ...((check.wants ?? []) as InputName[])].sort());
  });

  test.each(Object.keys(codes) as Code[])('%s is written out', (code) => {
    const { title, why, sources, layer } = codes[code];
    expect(title.length).toBeLessThanOrEqual(64);
    expect(why).toMatch(/\.$/);
    if (layer !== null) expect(sources).not.toEqual([]);
  });
});
