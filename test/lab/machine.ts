/**
 * Lab machines: QEMU boots Debian's own kernel without KVM; the root is a debootstrapped or an unpacked Debian, lent
 * read-only over 9p under a tmpfs. Everything fetched is kept in the user's cache folder and made again when it is gone.
 */
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { cache as allCaches, ownApt } from '../support/debian-packages.ts';

export const suites = ['bookworm', 'trixie', 'sid'] as const;
export type Suite = (typeof suites)[number];

/** Debian's mirror as this machine's apt knows it, so that no host is written down here. */
function mirror(): string {
  const sources = ['/etc/apt/sources.list', ...readdirSync('/etc/apt/sources.list.d').map((name) => `/etc/apt/sources.list.d/${name}`)];
  for (const path of sources) {
    if (!existsSync(path)) continue;
    const uri = /^(?:URIs:|deb(?:\s+\[[^\]]*\])?)\s+(\S+)/m.exec(readFileSync(path, 'utf8'))?.[1];
    if (uri !== undefined) return uri;
  }
  throw new Error('no Debian mirror in /etc/apt');
}

const cache = join(allCaches, 'lab');

/** What every root needs besides Debian's minimum; the first three because debootstrap does not follow polkitd's virtual packages. */
const rootPackages =
  'systemd-sysv,dbus,libpam-systemd,pcscd,libccid,scdaemon,gnupg,gpg-agent,usbutils,usbip,kmod,udev,iproute2,procps,util-linux,libstdc++6,libpcsclite1,vsmartcard-vpcd';

/**
 * What QEMU emulates, by Debian's name. `boot`: modules in the order in which a machine needs them; `later` ones wait
 * in /opt/modules, each list under its name, until a scenario loads it.
 */
const architectures = {
  amd64: {
    package: 'qemu-system-x86',
    emulator: 'qemu-system-x86_64',
    // The reader stays away until a scenario loads its controller's driver.
    options: ['-cpu', 'max', '-device', 'qemu-xhci', '-device', 'usb-ccid'],
    kernelOptions: 'console=ttyS0 random.trust_cpu=on',
    boot: ['virtio_pci', '9pnet_virtio', '9p', 'overlay', 'vhci-hcd', 'unix_diag'],
    later: { pn533: ['pn533_usb'], xhci: ['xhci_pci'], usbip: ['usbip-host'] },
  },
  arm64: {
    package: 'qemu-system-arm',
    emulator: 'qemu-system-aarch64',
    // Not `max`: QEMU computes its signed pointers in software, slowly (QEMU's Arm CPU features, pauth).
    options: ['-machine', 'virt', '-cpu', 'cortex-a72'],
    kernelOptions: 'console=ttyAMA0',
    boot: ['virtio_pci', '9pnet_virtio', '9p', 'overlay', 'unix_diag'],
    later: {},
  },
} as const satisfies Record<string, { later: Record<string, readonly string[]>; [property: string]: unknown }>;
export type Architecture = keyof typeof architectures;

export interface LabRun {
  exitCode: number | null;
  console: string;
  seconds: number;
}

function must(program: string, args: string[], options: { cwd?: string; input?: Buffer; quiet?: boolean } = {}): Buffer {
  const done = spawnSync(program, args, { cwd: options.cwd, input: options.input, maxBuffer: 512 * 1024 * 1024, env: { ...process.env, LC_ALL: 'C' } });
  if (done.error !== undefined) throw new Error(`${program}: ${done.error.message}`);
  if (done.status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${done.status}:\n${done.stderr.toString().slice(-2000)}`);
  return done.stdout;
}

/** Installs the lab's own needs with apt where they are missing. Needs root, as debootstrap does. */
export function prepareHost(say: (line: string) => void, architecture: Architecture = 'amd64'): void {
  if (process.geteuid?.() !== 0) throw new Error('the lab needs root: debootstrap and 9p shares keep owners and device rules');
  const { package: emulatorPackage, emulator } = architectures[architecture];
  const needed = { [emulatorPackage]: emulator, 'busybox-static': 'busybox', debootstrap: 'debootstrap', cpio: 'cpio', kmod: 'depmod' };
  const missing = Object.entries(needed)
    .filter(([, program]) => spawnSync('sh', ['-c', `command -v ${program}`], { env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` } }).status !== 0)
    .map(([name]) => name);
  if (missing.length === 0) return;
  say(`installing ${missing.join(' ')}`);
  must('apt-get', ['update', '-qq']);
  must('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing]);
}

/** The root folder of a suite, debootstrapped at first use. */
export function root(suite: Suite, say: (line: string) => void): string {
  const place = join(cache, 'roots', suite);
  if (existsSync(place)) return place;
  const half = `${place}.making`;
  rmSync(half, { recursive: true, force: true });
  mkdirSync(half, { recursive: true });
  say(`debootstrapping Debian ${suite}`);
  must('debootstrap', ['--variant=minbase', `--include=${rootPackages}`, suite, half, mirror()]);
  renameSync(half, place);
  return place;
}

interface Kernel {
  architecture: Architecture;
  image: string;
  initramfs: string;
}

/** Debian's kernel with its modules, and an initramfs that can mount the root. */
export async function kernel(scripts: string, say: (line: string) => void, architecture: Architecture = 'amd64'): Promise<Kernel> {
  const isForeign = architecture !== 'amd64';
  const base = isForeign ? join(cache, architecture) : cache;
  const place = join(base, 'kernel');
  if (!existsSync(join(place, 'boot'))) {
    const half = `${place}.making`;
    rmSync(half, { recursive: true, force: true });
    mkdirSync(half, { recursive: true });
    say(`fetching the Debian kernel${isForeign ? ` for ${architecture}` : ''}`);
    const apt = join(half, 'apt');
    const options = isForeign ? await ownApt(apt, { suite: 'bookworm', architecture }) : [];
    if (!isForeign) must('apt-get', ['update', '-qq']);
    const name = /Depends: (linux-image-\S+)/.exec(must('apt-cache', [...options, 'depends', `linux-image-${architecture}`]).toString())?.[1];
    if (name === undefined) throw new Error(`apt knows no kernel that linux-image-${architecture} depends on`);
    must('apt-get', [...options, 'download', name, ...(isForeign ? ['busybox-static'] : [])], { cwd: half });
    for (const archive of readdirSync(half).filter((file) => file.endsWith('.deb'))) {
      must('dpkg', ['-x', archive, '.'], { cwd: half });
      rmSync(join(half, archive));
    }
    rmSync(apt, { recursive: true, force: true });
    renameSync(half, place);
  }
  const image = readdirSync(join(place, 'boot')).find((file) => file.startsWith('vmlinuz-')) as string;
  const version = image.slice('vmlinuz-'.length);
  must('depmod', ['-b', place, version]);

  const tree = join(base, 'initramfs');
  rmSync(tree, { recursive: true, force: true });
  for (const folder of ['bin', 'modules', 'proc', 'sys', 'dev']) mkdirSync(join(tree, folder), { recursive: true });
  copyFileSync(join(isForeign ? place : '/', 'bin/busybox'), join(tree, 'bin/busybox'));
  copyFileSync(join(scripts, 'init.sh'), join(tree, 'init'));
  chmodSync(join(tree, 'init'), 0o755);
  chmodSync(join(tree, 'bin/busybox'), 0o755);
  const files = (modules: readonly string[]) => [
    ...new Set(
      modules.flatMap((module) =>
        [...must('modprobe', ['-d', place, '-S', version, '--show-depends', module]).toString().matchAll(/^insmod (\S+)/gm)].map((match) => match[1] as string),
      ),
    ),
  ];
  const atBoot = files(architectures[architecture].boot);
  const later = Object.entries(architectures[architecture].later).map(([list, modules]) => [list, files(modules).filter((file) => !atBoot.includes(file))] as const);
  for (const [list, wanted] of [['order', atBoot] as const, ...later]) {
    for (const file of wanted) copyFileSync(file, join(tree, 'modules', basename(file)));
    writeFileSync(join(tree, 'modules', list), wanted.map((file) => `${basename(file)}\n`).join(''));
  }
  const archive = must('sh', ['-c', 'find . | cpio -o -H newc --quiet'], { cwd: tree });
  const initramfs = join(base, 'initramfs.cpio');
  writeFileSync(initramfs, archive);
  return { architecture, image: join(place, 'boot', image), initramfs };
}

/**
 * Boots a machine and waits until it turns itself off.
 * @param shares folders of this machine by the name under which they are lent: `out` writable, `root`, `tool` and others read-only
 * @param timeoutMs after which the machine is pulled the plug
 * @param onConsole takes whole lines
 */
export async function boot(machine: Kernel, shares: Readonly<Record<string, string> & { root: string; tool: string; out: string }>, timeoutMs: number, onConsole: (text: string) => void): Promise<LabRun> {
  const started = Date.now();
  const { emulator, options, kernelOptions } = architectures[machine.architecture];
  const lend = ([tag, path]: [string, string]) => [
    '-virtfs',
    `local,path=${path},mount_tag=${tag},security_model=none,multidevs=remap${tag === 'out' ? '' : ',readonly=on'}`,
  ];
  const qemu = spawn(
    emulator,
    [
      ...options,
      ...['-accel', 'tcg,thread=multi', '-m', '2048', '-smp', '2', '-nographic', '-no-reboot', '-nic', 'none'],
      ...['-kernel', machine.image, '-initrd', machine.initramfs, '-append', `${kernelOptions} quiet panic=-1`],
      ...Object.entries(shares).flatMap(lend),
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let console = '';
  let begun = '';
  const hear = (chunk: Buffer) => {
    console = (console + chunk.toString()).slice(-1_000_000);
    begun += chunk.toString();
    const end = begun.lastIndexOf('\n') + 1;
    onConsole(begun.slice(0, end));
    begun = begun.slice(end);
  };
  qemu.stdout.on('data', hear);
  qemu.stderr.on('data', hear);
  const timer = setTimeout(() => qemu.kill('SIGKILL'), timeoutMs);
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    qemu.once('error', reject);
    qemu.once('close', resolve);
  });
  clearTimeout(timer);
  return { exitCode, console, seconds: (Date.now() - started) / 1000 };
}

/** Folder for what one boot gets and gives. */
export function workFolder(name: string): string {
  const place = join(cache, name);
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place, { recursive: true });
  return place;
}
