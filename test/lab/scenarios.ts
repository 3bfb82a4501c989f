import { setTimeout as sleep } from 'node:timers/promises';
import type { Report } from '../../src/report/schema.ts';
import type { ReaderIdentity } from './ccid-reader.ts';
import { acr122u, type Workbench, builtIn, emulatedReader, nitrokey, oldReader, yubikey } from './workbench.ts';

export interface Scenario {
  name: string;
  /** Whether the installed GnuPG can show it at all. */
  on?(bench: Workbench): boolean;
  play(bench: Workbench): Promise<void>;
}

/** GnuPG 2.2 falls back to PC/SC when its internal driver cannot have the reader; 2.3 gave that up. */
const fallsBack = (bench: Workbench) => bench.gnupg < 2.3;
const gpgWorks = async (bench: Workbench) => {
  const output = await bench.gpgCardStatus();
  bench.expect(`gpg --card-status works; it says: ${output.text.trim().slice(-200)}`, output.exitCode === 0);
};
const gpgFails = async (bench: Workbench) => {
  const output = await bench.gpgCardStatus();
  bench.expect('gpg --card-status fails with "No such device"', output.exitCode !== 0 && output.text.includes('No such device'));
};
const gpgFailsAnyhow = async (bench: Workbench, uid?: number) => bench.expect('gpg --card-status fails', (await bench.gpgCardStatus(uid)).exitCode !== 0);
const DRIVERS = '/usr/lib/pcsc/drivers';
const share = (bench: Workbench) => bench.configureScdaemon('disable-ccid', 'pcsc-shared');

/** Applies what the finding prints for good, restarts what must be restarted, and proves that both programs work. */
async function cured(bench: Workbench, report: Report): Promise<void> {
  const finding = report.findings.find((one) => one.severity === 'error');
  if (finding === undefined) throw new Error('no error finding to apply the remedy of');
  await bench.apply(finding, 'lasting');
  await bench.restartScdaemon();
  await bench.stopPcscd();
  await bench.startPcscd();
  const other = await bench.hold('shared', 'YubiKey');
  await gpgWorks(bench);
  bench.expectErrors(await bench.cardcheck());
  await other.release();
}

/** A part of libccid is missing, and what is found is this. */
const withoutDriver = (name: string, missing: string, finding: string): Scenario => ({
  name,
  async play(bench) {
    await bench.takeAway(missing);
    await bench.plug(yubikey);
    share(bench);
    await bench.startPcscd();
    await bench.gpgCardStatus();
    bench.expectErrors(await bench.cardcheck(), finding);
  },
});

/** A key shows nothing but HID, and what is found is this. */
const hidAlone = (name: string, key: ReaderIdentity, finding: string): Scenario => ({
  name,
  async play(bench) {
    await bench.plug({ ...key, hasSmartCard: false }, 'none');
    share(bench);
    await bench.startPcscd();
    await gpgFailsAnyhow(bench);
    bench.expectFinding(await bench.cardcheck(), finding);
  },
});

export const scenarios: readonly Scenario[] = [
  {
    name: 'healthy',
    async play(bench) {
      await bench.plug(yubikey);
      share(bench);
      await bench.startPcscd();
      await gpgWorks(bench);
      bench.expectErrors(await bench.cardcheck());
    },
  },
  {
    name: 'internal-ccid-first',
    async play(bench) {
      await bench.plug(yubikey);
      await gpgWorks(bench);
      const [scdaemon] = await bench.pids('scdaemon');
      await bench.startPcscd();
      const report = await bench.cardcheck();
      const [finding] = bench.expectErrors(report, 'ccid-vs-pcscd');
      bench.expect(`the finding names scdaemon's pid ${scdaemon}`, JSON.stringify(finding).includes(String(scdaemon)));
      bench.expect('the finding names the device', /1050:0407|YubiKey/.test(JSON.stringify(finding)));
      await cured(bench, report);
    },
  },
  {
    name: 'internal-ccid-first-seen-by-a-user',
    async play(bench) {
      await bench.plug(yubikey);
      await gpgWorks(bench);
      await bench.startPcscd();
      // As a login session's ACL would: the device is open to this user as well.
      await bench.run('chmod', ['666', bench.node(yubikey)]);
      // Without root the open device node is invisible, but scdaemon's thread name is not.
      const report = await bench.cardcheck(65534);
      bench.expectErrors(report, 'ccid-vs-pcscd');
    },
  },
  {
    name: 'pcscd-first',
    on: (bench) => !fallsBack(bench),
    async play(bench) {
      await bench.plug(yubikey);
      await bench.startPcscd();
      await gpgFails(bench);
      const report = await bench.cardcheck();
      bench.expectErrors(report, 'ccid-vs-pcscd');
      await cured(bench, report);
    },
  },
  {
    name: 'pcscd-first-with-fallback',
    on: fallsBack,
    async play(bench) {
      await bench.plug(yubikey);
      await bench.startPcscd();
      await gpgWorks(bench);
      const [scdaemon] = await bench.pids('scdaemon');
      const report = await bench.cardcheck();
      const [finding] = bench.expectErrors(report, 'scdaemon-holds-card');
      bench.expect(`the finding names scdaemon's pid ${scdaemon}`, JSON.stringify(finding).includes(String(scdaemon)));
      await cured(bench, report);
    },
  },
  {
    name: 'other-program-first-with-fallback',
    on: fallsBack,
    async play(bench) {
      await bench.plug(yubikey);
      await bench.startPcscd();
      const other = await bench.hold('shared', 'YubiKey');
      await gpgFails(bench);
      const report = await bench.cardcheck();
      const [finding] = bench.expectErrors(report, 'other-client-blocks-scdaemon');
      bench.expect(`the finding names the other program's pid ${other.pid}`, JSON.stringify(finding).includes(String(other.pid)));
      await other.release();
      await cured(bench, report);
    },
  },
  {
    name: 'shared-gpg-first',
    async play(bench) {
      await bench.plug(yubikey);
      share(bench);
      await bench.startPcscd();
      await gpgWorks(bench);
      bench.expect('another program can share the card', await bench.canShare('YubiKey'));
      bench.expectErrors(await bench.cardcheck());
    },
  },
  {
    name: 'shared-other-program-first',
    async play(bench) {
      await bench.plug(yubikey);
      share(bench);
      await bench.startPcscd();
      const other = await bench.hold('shared', 'YubiKey');
      await gpgWorks(bench);
      bench.expectErrors(await bench.cardcheck());
      await other.release();
    },
  },
  {
    name: 'pcsc-shared-alone',
    on: (bench) => !fallsBack(bench),
    async play(bench) {
      await bench.plug(yubikey);
      bench.configureScdaemon('pcsc-shared');
      await bench.startPcscd();
      await gpgFails(bench);
      const report = await bench.cardcheck();
      const [finding] = bench.expectErrors(report, 'ccid-vs-pcscd');
      bench.expect('the remedy adds the missing line', JSON.stringify(finding?.remedies).includes('disable-ccid'));
      bench.expect(
        'pcsc-shared without disable-ccid is called ineffective',
        report.findings.some((one) => one.id === 'scdaemon-config-ineffective'),
      );
      await cured(bench, report);
    },
  },
  {
    name: 'disable-ccid-alone',
    async play(bench) {
      await bench.plug(yubikey);
      bench.configureScdaemon('disable-ccid');
      await bench.startPcscd();
      const other = await bench.hold('shared', 'YubiKey');
      await gpgFails(bench);
      const report = await bench.cardcheck();
      const [finding] = bench.expectErrors(report, 'other-client-blocks-scdaemon');
      bench.expect('the remedy adds the missing line', JSON.stringify(finding?.remedies).includes('pcsc-shared'));
      await other.release();
      await cured(bench, report);
    },
  },
  {
    name: 'second-pcscd',
    async play(bench) {
      await bench.plug(yubikey);
      share(bench);
      await bench.startPcscd(true);
      await bench.startPcscd();
      const report = await bench.cardcheck();
      bench.expectErrors(report, 'second-pcscd');
    },
  },
  {
    name: 'device-removed-and-back',
    async play(bench) {
      await bench.plug(yubikey);
      share(bench);
      await bench.startPcscd();
      await gpgWorks(bench);
      await bench.unplug(yubikey);
      await bench.until('pcscd drops the reader', async () => (await bench.readers()).length === 0);
      bench.expectErrors(await bench.cardcheck());
      await bench.replug(yubikey);
      await bench.until('pcscd lists the reader again', async () => (await bench.readers()).length === 1);
      await gpgWorks(bench);
      bench.expectErrors(await bench.cardcheck());
    },
  },
  {
    name: 'device-closed-to-the-user',
    on: (bench) => !fallsBack(bench),
    async play(bench) {
      await bench.plug(yubikey);
      const user = 65534;
      await bench.run('chmod', ['600', bench.node(yubikey)]);
      bench.expectFinding(await bench.cardcheck(user), 'usb-permission');
    },
  },
  {
    name: 'first-reader-wins',
    on: fallsBack,
    async play(bench) {
      await bench.plug(builtIn, 'none');
      bench.configureScdaemon('disable-ccid', 'pcsc-shared');
      await bench.startPcscd();
      await bench.plug(nitrokey);
      await bench.until('pcscd lists both readers', async () => (await bench.readers()).length === 2);
      await gpgFails(bench);
      const report = await bench.cardcheck();
      const [finding] = bench.expectErrors(report, 'wrong-reader-chosen');
      if (finding !== undefined) await bench.apply(finding, 'lasting');
      await bench.restartScdaemon();
      await gpgWorks(bench);
      bench.expectErrors(await bench.cardcheck());
    },
  },
  {
    name: 'two-readers-on-2.4',
    on: (bench) => !fallsBack(bench),
    async play(bench) {
      await bench.plug(builtIn, 'none');
      share(bench);
      await bench.startPcscd();
      await bench.plug(nitrokey);
      await bench.until('pcscd lists both readers', async () => (await bench.readers()).length === 2);
      await gpgWorks(bench);
      bench.expectErrors(await bench.cardcheck());
    },
  },
  {
    name: 'reader-without-t1',
    on: (bench) => !fallsBack(bench),
    async play(bench) {
      await bench.plug(oldReader);
      // Without it the log says only that the reader was skipped.
      bench.configureScdaemon('debug-ccid-driver');
      await gpgFails(bench);
      bench.expectErrors(await bench.cardcheck(), 'internal-ccid-driver-limited');
    },
  },
  {
    name: 'polkit-unreachable',
    on: (bench) => bench.hasPolkit,
    async play(bench) {
      await bench.plug(yubikey);
      share(bench);
      await bench.startPcscd(false, true);
      await gpgFailsAnyhow(bench);
      bench.expectErrors(await bench.cardcheck(), 'polkit-unreachable');
    },
  },
  {
    name: 'polkit-refuses',
    on: (bench) => bench.hasPolkit,
    async play(bench) {
      const alice = await bench.addUser('alice');
      await bench.startPolkit();
      await bench.plug(yubikey);
      share(bench);
      await bench.startPcscd(false, true);
      await gpgWorks(bench);
      bench.expectErrors(await bench.cardcheck());
      await bench.run('sh', ['-c', 'mkdir -m 700 ~/.gnupg && echo disable-ccid >~/.gnupg/scdaemon.conf'], alice);
      await gpgFailsAnyhow(bench, alice);
      const [finding] = bench.expectErrors(await bench.cardcheck(alice), 'polkit-denied');
      bench.expect('it is proven', finding?.certainty === 'proven');
    },
  },
  {
    name: 'polkit-without-policy',
    on: (bench) => bench.hasPolkit,
    async play(bench) {
      const putBack = await bench.takeAway('/usr/share/polkit-1/actions/org.debian.pcsc-lite.policy');
      await bench.startPolkit();
      await bench.plug(yubikey);
      share(bench);
      await bench.startPcscd(false, true);
      await gpgFailsAnyhow(bench);
      bench.expectErrors(await bench.cardcheck(), 'polkit-denied');
      await putBack();
      await sleep(2000); // polkit watches the folder
      await bench.restartScdaemon();
      await gpgWorks(bench);
      bench.expectErrors(await bench.cardcheck());
    },
  },
  {
    name: 'polkit-behind-hidepid',
    on: (bench) => bench.hasPolkit,
    async play(bench) {
      await bench.startPolkit();
      await bench.changeUntilTheEnd('mount -o remount,hidepid=2 /proc', 'mount -o remount,hidepid=0 /proc');
      await bench.plug(yubikey);
      share(bench);
      await bench.startPcscd(false, true);
      await bench.gpgCardStatus();
      bench.expectErrors(await bench.cardcheck(), 'polkit-error-hidepid');
    },
  },
  withoutDriver('driver-not-installed', `${DRIVERS}/ifd-ccid.bundle`, 'ccid-driver-missing'),
  withoutDriver('driver-without-its-library', `${DRIVERS}/ifd-ccid.bundle/Contents/Linux/libccid.so`, 'ccid-driver-load-failure'),
  withoutDriver('driver-folder-missing', DRIVERS, 'pcscd-driver-dir-missing'),
  {
    name: 'key-newer-than-driver',
    async play(bench) {
      await bench.plug({ ...yubikey, product: 0x04ff });
      share(bench);
      await bench.startPcscd();
      await bench.gpgCardStatus();
      bench.expectErrors(await bench.cardcheck(), 'driver-does-not-know-device');
    },
  },
  {
    name: 'library-not-installed',
    async play(bench) {
      await bench.takeAway(...(await bench.filesLike('/usr/lib/*-linux-gnu/libpcsclite*.so.1*')));
      await bench.plug(yubikey);
      share(bench);
      await bench.startPcscd();
      await gpgFailsAnyhow(bench);
      bench.expectErrors(await bench.cardcheck(), 'libpcsclite-missing');
    },
  },
  {
    name: 'scdaemon-not-installed',
    async play(bench) {
      await bench.takeAway(...(await bench.filesLike('/usr/lib/gnupg/scdaemon', '/usr/lib/gnupg2/scdaemon', '/usr/libexec/scdaemon')));
      await bench.plug(yubikey);
      await bench.startPcscd();
      await gpgFailsAnyhow(bench);
      bench.expectFinding(await bench.cardcheck(), 'scdaemon-not-installed');
    },
  },
  {
    name: 'pcscd-frozen',
    async play(bench) {
      await bench.plug(yubikey);
      share(bench);
      await bench.startPcscd();
      await bench.freezePcscd();
      bench.expectErrors(await bench.cardcheck(), 'pcscd-unresponsive');
    },
  },
  {
    name: 'device-not-authorized',
    async play(bench) {
      await bench.plug(yubikey);
      await bench.authorize(yubikey, false);
      share(bench);
      await bench.startPcscd();
      await gpgFailsAnyhow(bench);
      bench.expectErrors(await bench.cardcheck(), 'usbguard');
    },
  },
  {
    name: 'plugged-in-unnoticed',
    async play(bench) {
      share(bench);
      await bench.startPcscd();
      await bench.withoutUdev();
      await bench.plug(yubikey);
      await gpgFailsAnyhow(bench);
      bench.expectFinding(await bench.cardcheck(), 'hotplug-not-seen');
    },
  },
  hidAlone('smart-card-switched-off', { ...yubikey, product: 0x0403, name: 'YubiKey OTP+FIDO' }, 'token-configuration'),
  hidAlone('key-without-smart-card', { ...yubikey, product: 0x0120, name: 'Security Key by Yubico', hidInterfaces: 1 }, 'not-pcsc-but-hid'),
  {
    name: 'reader-for-short-commands',
    async play(bench) {
      await bench.plug({ ...builtIn, shortApdus: true });
      share(bench);
      await bench.startPcscd();
      const report = await bench.cardcheck();
      bench.expectErrors(report);
      bench.expectFinding(report, 'reader-hardware-limit');
    },
  },
  {
    name: 'emulated-reader',
    async play(bench) {
      await bench.plugEmulatedReader();
      share(bench);
      await bench.startPcscd();
      await gpgFailsAnyhow(bench);
      const report = await bench.cardcheck();
      bench.expectErrors(report);
      bench.expectFinding(report, 'vm-virtual-reader');
    },
  },
  {
    name: 'lent-to-another-machine',
    async play(bench) {
      await bench.plugEmulatedReader(); // usbip does not lend what it has lent itself
      await bench.lendOut(emulatedReader);
      share(bench);
      await bench.startPcscd();
      await gpgFailsAnyhow(bench);
      const report = await bench.cardcheck();
      const [finding] = bench.expectErrors(report, 'vm-took-device');
      if (finding !== undefined) await bench.apply(finding, 'now');
      await bench.until('pcscd lists the reader', async () => (await bench.readers()).length === 1);
    },
  },
  {
    name: 'passed-through-to-a-machine',
    on: (bench) => bench.hasEmulator,
    async play(bench) {
      await bench.plug({ ...yubikey, keyboard: true });
      const pid = await bench.passThrough(yubikey);
      share(bench);
      await bench.startPcscd();
      await gpgFailsAnyhow(bench);
      const [finding] = bench.expectErrors(await bench.cardcheck(), 'vm-took-device');
      bench.expect(`the finding names QEMU's pid ${pid}`, JSON.stringify(finding).includes(String(pid)));
    },
  },
  {
    name: 'pcscd-asleep',
    async play(bench) {
      await bench.plug(yubikey);
      await bench.startSystemd();
      await gpgWorks(bench);
      bench.expectErrors(await bench.cardcheck());
      bench.expect('pcscd sleeps on while scdaemon has the reader', (await bench.pids('pcscd')).length === 0);
      await gpgWorks(bench);
      await bench.restartScdaemon();
      const report = await bench.cardcheck();
      // The woken pcscd takes the reader, which only 2.2 falls back to.
      bench.expectErrors(report, ...(fallsBack(bench) ? [] : ['ccid-vs-pcscd']));
      bench.expectFinding(report, 'pcscd-woken');
      bench.expect('no reader is missed', !report.findings.some(({ id }) => id === 'hotplug-not-seen'));
    },
  },
  {
    name: 'pcscd-under-its-unit',
    async play(bench) {
      await bench.plug(yubikey);
      share(bench);
      await bench.startSystemd();
      await gpgWorks(bench);
      const report = await bench.cardcheck();
      bench.expectErrors(report);
      bench.expect(`scdaemon is proven to hold the reader; there is ${JSON.stringify(report.readers)}`, report.readers.some(({ holders }) => holders.some(({ command, certainty }) => command === 'scdaemon' && certainty === 'proven')));
    },
  },
  {
    name: 'reader-falls-silent',
    async play(bench) {
      const reader = await bench.plug(yubikey);
      share(bench);
      await bench.startPcscd();
      await gpgWorks(bench);
      await bench.restartScdaemon();
      reader.fallSilent();
      await gpgFailsAnyhow(bench);
      bench.expectErrors(await bench.cardcheck(), 'suspend-resume-stale');
    },
  },
  {
    name: 'reader-sleeps-unnoticed',
    async play(bench) {
      share(bench);
      await bench.startPcscd();
      await bench.withoutUdev();
      await bench.plug(yubikey);
      await bench.letSleep(yubikey);
      await gpgFailsAnyhow(bench);
      bench.expectFinding(await bench.cardcheck(), 'usb-power-management');
    },
  },
  {
    name: 'driver-older-than-pcscd',
    on: (bench) => bench.pcscd >= 2.4,
    async play(bench) {
      await bench.installOlderDriver();
      await bench.plug(yubikey);
      share(bench);
      await bench.startPcscdUnprivileged();
      await gpgFailsAnyhow(bench);
      const [finding] = bench.expectErrors(await bench.cardcheck(), 'usb-permission');
      bench.expect('the remedy is a newer libccid', JSON.stringify(finding?.remedies).includes('1.7.0'));
      await bench.restartScdaemon();
      await bench.stopPcscd();
      await bench.startPcscd();
      await gpgWorks(bench);
      const report = await bench.cardcheck();
      bench.expectErrors(report);
      bench.expectFinding(report, 'driver-outdated');
    },
  },
  {
    name: 'kernel-driver-bound',
    async play(bench) {
      await bench.loadKernelDriver('pn533');
      await bench.plug(acr122u, 'none');
      share(bench);
      await bench.startPcscd();
      const report = await bench.cardcheck();
      bench.expectErrors(report, 'kernel-driver-claims-reader');
      await bench.unloadKernelDriver('pn533_usb', 'pn533', 'nfc');
    },
  },
];
