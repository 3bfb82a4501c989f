/** Programs that a lab machine gets from outside because its own Debian has none, or another version. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { cache, fetchInto } from '../support/debian-packages.ts';

const EMULATOR = '/usr/bin/qemu-system-x86_64';
/** QEMU's parts that are loaded when they are needed: the processor, and a host's USB devices. */
const EMULATOR_PARTS = ['accel-tcg-x86_64.so', 'hw-usb-host.so'].map((name) => `/usr/lib/x86_64-linux-gnu/qemu/${name}`);
const FIRMWARE = ['/usr/share/seabios/bios-256k.bin', '/usr/share/qemu/kvmvapic.bin'];
/** The machine's own fit its dynamic linker, and serve older programs too. */
const isOfLibc = (path: string): boolean => /\/lib(?:c|m|rt|dl|pthread|resolv|util)\.so\.\d+$/.test(path);

/** This machine's QEMU and what it loads, in one folder; nothing where it is installed otherwise. */
export function bringEmulator(folder: string): void {
  if (![EMULATOR, ...EMULATOR_PARTS, ...FIRMWARE].every(existsSync)) return;
  mkdirSync(folder);
  const linked = spawnSync('ldd', [EMULATOR, ...EMULATOR_PARTS], { encoding: 'utf8' }).stdout;
  const libraries = [...linked.matchAll(/=> (\/\S+)/g)].map(([, path]) => path as string).filter((path) => !isOfLibc(path));
  for (const path of new Set([EMULATOR, ...EMULATOR_PARTS, ...FIRMWARE, ...libraries])) copyFileSync(path, join(folder, basename(path)));
}

/** The last Debian whose libccid leaves readers to root alone (before 1.7.0). */
const OLDER_SUITE = 'trixie';

/** Its driver, the driver's list of readers, and its udev rules. */
export const driverParts = ['/usr/lib/pcsc/drivers/ifd-ccid.bundle', '/etc/libccid_Info.plist', '/usr/lib/udev/rules.d/92-libccid.rules'] as const;

/** An older libccid than sid's, as it lies under the root. */
export async function bringOlderDriver(folder: string): Promise<void> {
  const fetched = join(cache, `libccid-${OLDER_SUITE}`);
  if (!existsSync(fetched)) await fetchInto(fetched, { suite: OLDER_SUITE, names: ['libccid'] });
  for (const part of driverParts) cpSync(join(fetched, 'root', part), join(folder, part), { recursive: true, verbatimSymlinks: true });
}
