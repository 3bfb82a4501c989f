import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { appendFileSync, chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { OpenPgpCard } from '../../src/rig/openpgp-card.ts';
import type { Finding, Report } from '../../src/report/schema.ts';
import { CcidReader, type ReaderIdentity } from './ccid-reader.ts';
import { driverParts } from './lent-programs.ts';
import { UsbipServer } from './usbip.ts';

/** Emulated processors are slow; only a hang is longer than this. */
const patienceMs = 40_000;

export const yubikey: ReaderIdentity = {
  busId: '1-1',
  vendor: 0x1050,
  product: 0x0407,
  manufacturer: 'Yubico',
  name: 'YubiKey OTP+FIDO+CCID',
  hidInterfaces: 2,
};
export const nitrokey: ReaderIdentity = { busId: '1-2', vendor: 0x20a0, product: 0x42b2, manufacturer: 'Nitrokey', name: 'Nitrokey 3' };
export const builtIn: ReaderIdentity = { busId: '1-3', vendor: 0x058f, product: 0x9540, manufacturer: 'Generic', name: 'EMV Smartcard Reader', protocols: 3 };
export const oldReader: ReaderIdentity = { busId: '1-5', vendor: 0x08e6, product: 0x3437, manufacturer: 'Gemplus', name: 'USB SmartCard Reader', protocols: 1 };
/** What QEMU's usb-ccid calls itself (QEMU hw/usb/dev-smartcard-reader.c). */
export const emulatedReader: ReaderIdentity = { busId: '', vendor: 0x08e6, product: 0x4433, manufacturer: 'QEMU', name: 'QEMU USB CCID' };
export const acr122u: ReaderIdentity = { busId: '1-4', vendor: 0x072f, product: 0x2200, manufacturer: 'ACS', name: 'ACR122U PICC Interface', protocols: 3, pn532: true };

/** Where the daemons log; each run of cardcheck takes along what they have said. */
const SCDAEMON_LOG = '/tmp/scdaemon.log';
const PCSCD_LOG = '/tmp/pcscd.log';
const OTHER_PCSCD_LOG = '/tmp/pcscd-elsewhere.log';

/** Lent by lent-programs.ts. */
const EMULATOR = '/opt/tool/qemu';
const OLDER_DRIVER = '/opt/tool/libccid';

export interface Output {
  exitCode: number | null;
  text: string;
}

/** A held handle of another program. */
export interface OtherProgram {
  pid: number;
  release(): Promise<void>;
}

/** One lab machine while a scenario plays: its bus, its daemons, its GnuPG, and cardcheck. */
export class Workbench {
  readonly findings: string[][] = [];
  readonly notes: string[] = [];
  readonly #usb = new UsbipServer();
  readonly #readers = new Map<string, CcidReader>();
  readonly #children = new Set<ChildProcess>();
  readonly #scenario: string;
  #serial = 1;
  readonly #undo: (() => Promise<unknown>)[] = [];
  /** What programs said, as their user would paste it. */
  readonly #words: string[] = [];
  #pcscdArgs = '';
  /** What stands in front of the commands of gpg and cardcheck. */
  #through: readonly string[] = [];

  readonly home = '/root/.gnupg';
  /** GnuPG's version as a number, e.g. 2.4; and pcscd's. */
  gnupg = 0;
  pcscd = 0;

  describe(): string {
    return `GnuPG ${this.gnupg} and pcscd ${this.pcscd}`;
  }

  /** @param scenario names the snapshots that its runs of cardcheck leave in the results folder */
  constructor(scenario: string) {
    this.#scenario = scenario;
  }

  /** A machine without readers, daemons and configuration. */
  async begin(): Promise<void> {
    mkdirSync(this.home, { recursive: true });
    chmodSync(this.home, 0o700);
    for (const log of [SCDAEMON_LOG, PCSCD_LOG, OTHER_PCSCD_LOG]) rmSync(log, { force: true });
    this.configureScdaemon('verbose', 'debug-level expert', `log-file ${SCDAEMON_LOG}`);
    await this.run('dmesg', ['--clear']);
    mkdirSync('/run/pcscd', { recursive: true });
    // The virtual reader of vpcd is for the other tests; here the bus speaks.
    rmSync('/etc/reader.conf.d', { recursive: true, force: true });
    mkdirSync('/etc/reader.conf.d');
    this.gnupg = Number(/\) (\d+\.\d+)/.exec((await this.run('gpg', ['--version'])).text)?.[1]);
    // No D-Bus and no polkit run in a lab machine; older versions were built without it.
    const { text } = await this.run('pcscd', ['--version']);
    this.#pcscdArgs = text.includes('polkit') ? '--disable-polkit' : '';
    this.pcscd = Number(/version (\d+\.\d+)/.exec(text)?.[1]);
    await this.#usb.listen();
  }

  async end(): Promise<void> {
    for (const undo of this.#undo.reverse()) await undo();
    for (const child of this.#children) child.kill('SIGKILL');
    await this.run('gpgconf', ['--kill', 'all']);
    await this.#killByName('pcscd', 'scdaemon', 'gpg-agent');
    this.#usb.close();
    rmSync(this.home, { recursive: true, force: true });
    rmSync('/run/pcscd', { recursive: true, force: true });
    await sleep(1000);
  }

  /**
   * Runs a program to its end; the virtual readers, which live in this process, go on meanwhile.
   * @returns stdout and stderr together
   */
  run(program: string, args: readonly string[], uid?: number): Promise<Output> {
    const user = String(uid);
    const [command, all] = uid === undefined ? [program, args] : ['setpriv', ['--reuid', user, '--regid', user, '--clear-groups', '--', program, ...args]];
    const env = uid === undefined ? process.env : { ...process.env, HOME: '/tmp' };
    return new Promise((resolve) => {
      execFile(command, all, { encoding: 'utf8', timeout: patienceMs, env, maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) => {
        const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : null;
        resolve({ exitCode, text: `${stdout}${stderr}` });
      });
    });
  }

  // --- the bus

  /** Puts a reader with an OpenPGP card (unless told otherwise) on the bus and waits until the kernel has it. */
  async plug(identity: ReaderIdentity, card: 'openpgp' | 'none' = 'openpgp'): Promise<CcidReader> {
    const reader = new CcidReader(identity);
    if (card === 'openpgp') {
      const application = new OpenPgpCard(this.#serial++);
      reader.insert({
        powerOn: () => application.atr,
        powerOff: () => application.forget(),
        transmit: (apdu) => application.transmit(apdu),
      });
    }
    this.#readers.set(identity.busId, reader);
    this.#usb.add(reader);
    await this.#attach(identity);
    return reader;
  }

  unplug(identity: ReaderIdentity): Promise<void> {
    this.#usb.unplug(identity.busId);
    return this.until(`${identity.name} leaves the bus`, () => this.sysfsName(identity) === null);
  }

  /** The same reader comes back. */
  replug(identity: ReaderIdentity): Promise<void> {
    return this.#attach(identity);
  }

  /** Name of the device in /sys/bus/usb/devices, e.g. 1-1. */
  sysfsName(identity: ReaderIdentity): string | null {
    const id = identity.vendor.toString(16).padStart(4, '0');
    const product = identity.product.toString(16).padStart(4, '0');
    const read = (name: string, file: string) => {
      try {
        return readFileSync(`/sys/bus/usb/devices/${name}/${file}`, 'utf8').trim();
      } catch {
        return '';
      }
    };
    return readdirSync('/sys/bus/usb/devices').find((name) => read(name, 'idVendor') === id && read(name, 'idProduct') === product) ?? null;
  }

  /** The device's node, e.g. /dev/bus/usb/001/002. */
  node(identity: ReaderIdentity): string {
    const name = this.sysfsName(identity);
    const number = (file: string) => readFileSync(`/sys/bus/usb/devices/${name}/${file}`, 'utf8').trim().padStart(3, '0');
    return `/dev/bus/usb/${number('busnum')}/${number('devnum')}`;
  }

  /** What usbguard does with a device that no rule allows, and takes back. */
  async authorize(identity: ReaderIdentity, authorized: boolean): Promise<void> {
    // Not writeFileSync: the kernel waits for the reader meanwhile, and that lives in this very process.
    await this.run('sh', ['-c', `echo ${Number(authorized)} >/sys/bus/usb/devices/${this.sysfsName(identity)}/authorized`]);
  }

  async #attach(identity: ReaderIdentity): Promise<void> {
    // Not spawnSync: the server that usbip talks to lives in this very process.
    await this.#finished(this.#spawn('usbip', ['attach', '-r', '127.0.0.1', '-b', identity.busId]));
    await this.until(`${identity.name} appears on the bus`, () => this.sysfsName(identity) !== null && existsSync(this.node(identity)));
    await this.#finished(this.#spawn('udevadm', ['settle', '--timeout=10']));
  }

  /** The reader that the emulator gives to this machine, on a controller of its own, until the end of the scenario. */
  async plugEmulatedReader(): Promise<void> {
    this.#undo.push(() => this.unloadKernelDriver('xhci_pci', 'xhci_hcd'));
    await this.loadKernelDriver('xhci');
    await this.until('the emulated reader appears on the bus', () => this.sysfsName(emulatedReader) !== null && existsSync(this.node(emulatedReader)));
  }

  /** What `usbip attach` of another machine needs: the device is lent out. */
  async lendOut(identity: ReaderIdentity): Promise<void> {
    this.#undo.push(() => this.unloadKernelDriver('usbip_host'));
    await this.loadKernelDriver('usbip');
    const { exitCode, text } = await this.run('usbip', ['bind', '-b', this.sysfsName(identity) ?? '']);
    this.expect(`usbip bind works; it says: ${text.trim()}`, exitCode === 0);
  }

  /** A virtual machine is given the device. Its firmware, which looks for a keyboard, takes it; no system is started. @returns the emulator's pid */
  async passThrough(identity: ReaderIdentity): Promise<number> {
    const [, bus, device] = /(\d+)\/(\d+)$/.exec(this.node(identity)) as RegExpExecArray;
    const machine = ['-nodefaults', '-display', 'none', '-machine', 'pc', '-m', '32', '-L', EMULATOR, '-device', 'qemu-xhci', '-device', `usb-host,hostbus=${Number(bus)},hostaddr=${Number(device)}`];
    const child = this.#spawn('env', [`LD_LIBRARY_PATH=${EMULATOR}`, `QEMU_MODULE_DIR=${EMULATOR}`, `${EMULATOR}/qemu-system-x86_64`, ...machine]);
    child.stderr?.on('data', (chunk: Buffer) => this.notes.push(chunk.toString()));
    await this.until('the emulator takes the device', () => existsSync(`/sys/bus/usb/devices/${this.sysfsName(identity)}:1.0/driver`));
    return child.pid as number;
  }

  /** This machine's QEMU was lent. */
  get hasEmulator(): boolean {
    return existsSync(EMULATOR);
  }

  /** What powertop and laptop tools do to any device: it may sleep when nobody has it open. */
  async letSleep(identity: ReaderIdentity): Promise<void> {
    const power = `/sys/bus/usb/devices/${this.sysfsName(identity)}/power`;
    await this.run('sh', ['-c', `echo 0 >${power}/autosuspend_delay_ms; echo auto >${power}/control`]);
    await this.until(`${identity.name} sleeps`, () => readFileSync(`${power}/runtime_status`, 'utf8').trim() === 'suspended');
  }

  async loadKernelDriver(list: string): Promise<void> {
    for (const file of readFileSync(`/opt/modules/${list}`, 'utf8').split('\n').filter(Boolean)) await this.run('insmod', [`/opt/modules/${file}`]);
  }

  async unloadKernelDriver(...names: string[]): Promise<void> {
    for (const name of names) await this.run('rmmod', [name]);
  }

  // --- pcscd and its clients

  /** @returns the uid */
  async addUser(name: string): Promise<number> {
    await this.run('useradd', [name]);
    return Number((await this.run('id', ['-u', name])).text);
  }

  /** The system bus, and polkit behind it, until the scenario ends. */
  async startPolkit(): Promise<void> {
    mkdirSync('/run/dbus', { recursive: true });
    this.#spawn('dbus-daemon', ['--system', '--nofork', '--nopidfile']);
    await this.until('the bus is there', () => existsSync('/run/dbus/system_bus_socket'));
    this.#spawn('/usr/lib/polkit-1/polkitd', ['--no-debug']);
    const ask = () => this.run('pkcheck', ['--action-id', 'org.freedesktop.policykit.exec', '--process', String(process.pid)]);
    await this.until('polkit answers', async () => (await ask()).exitCode === 0);
  }

  /** Takes files away, as if their package had never brought them. @returns puts them back, which the end of the scenario does too */
  async takeAway(...paths: string[]): Promise<() => Promise<void>> {
    // Out of its folder: pcscd takes whatever lies where drivers are looked for.
    const aside = (path: string) => `/var/aside${path.replaceAll('/', '_')}`;
    const back = async () => {
      for (const path of paths) await this.run('mv', [aside(path), path]); // fails where it is back already
    };
    this.#undo.push(back);
    mkdirSync('/var/aside', { recursive: true });
    for (const path of paths) await this.run('mv', [path, aside(path)]);
    return back;
  }

  /** Another change to the machine for this scenario only. */
  async changeUntilTheEnd(change: string, back: string): Promise<void> {
    this.#undo.push(() => this.run('sh', ['-c', back]));
    this.expect(`${change} works`, (await this.run('sh', ['-c', change])).exitCode === 0);
  }

  /** Those there are of these patterns of a shell. */
  async filesLike(...patterns: string[]): Promise<string[]> {
    return (await this.run('sh', ['-c', `ls -d ${patterns.join(' ')} 2>/dev/null`])).text.split('\n').filter(Boolean);
  }

  /** From now on nothing that is plugged in is announced. */
  withoutUdev(): Promise<void> {
    return this.changeUntilTheEnd('pkill -x systemd-udevd || pkill systemd-udevd', 'for it in /usr/lib/systemd/systemd-udevd /lib/systemd/systemd-udevd; do [ ! -x $it ] || { $it --daemon && break; }; done');
  }

  /** pcscd as the user pcscd, whom its unit names since 2.4.0. */
  async startPcscdUnprivileged(): Promise<void> {
    await this.run('chown', ['pcscd:pcscd', '/run/pcscd']);
    await this.startPcscd(false, false, 'setpriv --reuid pcscd --regid pcscd --init-groups ');
  }

  /** @param elsewhere in a mount namespace of its own, as a snap or container would run it; polkit whether it asks polkit, which runs only after startPolkit; through a command that runs it */
  async startPcscd(elsewhere = false, polkit = false, through = ''): Promise<void> {
    const log = elsewhere ? OTHER_PCSCD_LOG : PCSCD_LOG;
    const command = `exec ${through}pcscd --foreground --debug ${polkit ? '' : this.#pcscdArgs} >>${log} 2>&1`;
    if (elsewhere) this.#spawn('unshare', ['-m', 'sh', '-c', `mount -t tmpfs tmpfs /run && mkdir /run/pcscd && ${command}`]);
    else this.#spawn('sh', ['-c', command]);
    const socketThere = elsewhere ? () => existsSync(log) && readFileSync(log, 'utf8').includes('ready') : () => existsSync('/run/pcscd/pcscd.comm');
    await this.until('pcscd is ready', socketThere);
    await sleep(3000); // its first scan of the bus powers every card
  }

  /** An older libccid than this Debian's takes its place until the end of the scenario; it is for readers plugged in from now on. */
  async installOlderDriver(): Promise<void> {
    await this.takeAway(...driverParts);
    const bring = driverParts.map((path) => `cp -a ${OLDER_DRIVER}${path} ${path}`);
    await this.changeUntilTheEnd([...bring, 'udevadm control --reload'].join(' && '), `rm -r ${driverParts.join(' ')}`);
  }

  /**
   * Debian's systemd, as the first process of namespaces of its own, listens for pcscd and for the system bus as after a
   * boot; it ends with the scenario. From now on gpg and cardcheck run inside.
   */
  async startSystemd(): Promise<void> {
    // What else a boot does takes minutes here, and most of it has been done.
    const units = { 'sysinit.target': '', 'lab.target': 'Wants=pcscd.socket dbus.socket\n' };
    for (const [name, lines] of Object.entries(units)) writeFileSync(`/etc/systemd/system/${name}`, `[Unit]\n${lines}`);
    this.#undo.push(() => this.run('sh', ['-c', `cd /etc/systemd/system && rm ${Object.keys(units).join(' ')} && rm -r /run/systemd /run/dbus`]));
    const boot = 'mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec /lib/systemd/systemd --system --unit=lab.target';
    const child = this.#spawn('unshare', ['--mount', '--pid', '--cgroup', '--fork', '--kill-child', '--mount-proc', 'sh', '-c', boot]);
    child.stderr?.on('data', (chunk: Buffer) => this.notes.push(chunk.toString()));
    await this.until('systemd listens for pcscd', () => existsSync('/run/pcscd/pcscd.comm'));
    const [init] = (await this.run('pgrep', ['-P', String(child.pid)])).text.split('\n');
    this.#through = ['nsenter', '--target', String(init), '--mount', '--pid'];
  }

  /** pcscd stands still until the scenario ends: it accepts, and never answers. */
  freezePcscd(): Promise<void> {
    return this.changeUntilTheEnd('pkill -STOP -x pcscd', 'pkill -CONT -x pcscd');
  }

  async stopPcscd(): Promise<void> {
    await this.#killByName('pcscd');
    await this.until('pcscd ends', async () => (await this.pids('pcscd')).length === 0);
    rmSync('/run/pcscd/pcscd.comm', { force: true });
    rmSync('/run/pcscd/pcscd.pid', { force: true });
  }

  /** A second program with a handle. @param part of the reader's name */
  async hold(mode: 'shared' | 'exclusive', part: string): Promise<OtherProgram> {
    const readers = await this.readers();
    const reader = readers.find((name) => name.includes(part));
    if (reader === undefined) throw new Error(`pcscd does not list a reader like "${part}"; it lists: ${readers.join(', ') || 'none'}`);
    const child = this.#spawn('/opt/tool/node', ['/opt/tool/guest.js', 'hold', mode, reader]);
    const said = await new Promise<string>((resolve) => {
      let text = '';
      child.stdout?.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        if (text.includes('holding')) resolve(text);
      });
      child.stderr?.on('data', (chunk: Buffer) => (text += chunk.toString()));
      child.once('exit', () => resolve(text));
    });
    if (!said.includes('holding')) throw new Error(`the other program could not connect: ${said.trim()}`);
    return {
      pid: child.pid as number,
      release: async () => {
        child.stdin?.end();
        await this.#finished(child);
      },
    };
  }

  /** Whether another program can have the reader shared right now. */
  async canShare(part: string): Promise<boolean> {
    try {
      await (await this.hold('shared', part)).release();
      return true;
    } catch (error) {
      this.notes.push(String(error));
      return false;
    }
  }

  /** Readers that pcscd lists, by cardcheck's own passive view. */
  async readers(): Promise<string[]> {
    const report = await this.#cardcheck(['--passive'], undefined);
    return report.readers.filter((reader) => reader.listed).map((reader) => reader.name);
  }

  // --- GnuPG

  /** `gpg --card-status`: takes the card. */
  async gpgCardStatus(uid?: number): Promise<Output> {
    const [program = '', ...args] = [...this.#through, 'gpg', '--card-status'];
    const output = await this.run(program, args, uid);
    this.#words.push('$ gpg --card-status', output.text);
    return output;
  }

  configureScdaemon(...lines: string[]): void {
    appendFileSync(`${this.home}/scdaemon.conf`, `${lines.join('\n')}\n`);
  }

  async restartScdaemon(): Promise<void> {
    await this.run('gpgconf', ['--kill', 'scdaemon']);
    await this.until('scdaemon ends', async () => (await this.pids('scdaemon')).length === 0);
    await sleep(1000); // gpg-agent reaps it; a command before that meets a broken pipe
  }

  async pids(comm: string): Promise<number[]> {
    return (await this.run('pgrep', ['-x', comm])).text.split('\n').filter(Boolean).map(Number);
  }

  // --- cardcheck

  /** A full run. @param uid as this user; default root */
  async cardcheck(uid?: number): Promise<Report> {
    const name = `${this.#scenario}-${this.findings.length + 1}.json`;
    const record = `/opt/out/${name}`;
    // Before the run: cardcheck's own visits are no part of the story.
    writeFileSync(record.replace(/json$/, 'log'), await this.#logs());
    // An ordinary user may not write into the results folder.
    const report = await this.#cardcheck(['--save', `/tmp/${name}`, '--no-redact'], uid);
    copyFileSync(`/tmp/${name}`, record);
    this.findings.push(report.findings.filter((finding) => finding.severity !== 'info').map((finding) => `${finding.severity}:${finding.id}`));
    return report;
  }

  /** Everything that was said so far, in one paste. */
  async #logs(): Promise<string> {
    // cardcheck and the other program announce protocol 4:4 first; a pcscd that wants another says so and goes on.
    const isOurs = (line: string) => /Communication protocol mismatch|(?:Client|Server) protocol is|CMD_VERSION .*0x8010001E/.test(line);
    const logs = [SCDAEMON_LOG, PCSCD_LOG, OTHER_PCSCD_LOG].filter(existsSync).flatMap((log) => readFileSync(log, 'utf8').split('\n').filter((line) => !isOurs(line)));
    // The lab's bus is a usbip import; what the kernel says of that is no machine's with a reader in its port.
    const kernel = (await this.run('dmesg', [])).text.split('\n').filter((line) => !line.includes('vhci_hcd'));
    return [...this.#words, ...logs, ...kernel].join('\n');
  }

  async #cardcheck(args: string[], uid: number | undefined): Promise<Report> {
    const [program = '', ...rest] = [...this.#through, '/opt/tool/node', '/opt/tool/cardcheck/bin/cardcheck.js', '--json', '--timeout', '8', ...args];
    const output = await this.run(program, rest, uid);
    try {
      return JSON.parse(output.text.slice(output.text.indexOf('{'), output.text.lastIndexOf('}') + 1)) as Report;
    } catch {
      throw new Error(`cardcheck printed no report (exit ${output.exitCode}): ${output.text.slice(0, 500)}`);
    }
  }

  /** pcscd was built with polkit. */
  get hasPolkit(): boolean {
    return this.#pcscdArgs !== '';
  }

  /** Does what a finding prints: each command of its remedies of that kind, as they stand, and each edit. */
  async apply(finding: Finding, kind: 'now' | 'lasting'): Promise<void> {
    for (const remedy of finding.remedies.filter((one) => one.kind === kind)) {
      for (const command of remedy.commands) {
        const done = await this.run('sh', ['-c', command.replace(/\bsudo /g, '')]);
        this.notes.push(`$ ${command} → ${done.exitCode}`);
      }
    }
  }

  // --- the scenario's own words

  expect(claim: string, isSo: boolean): void {
    if (!isSo) throw new Error(`expected: ${claim}`);
  }

  /** Exactly these error findings, in any order. */
  expectErrors(report: Report, ...ids: string[]): Finding[] {
    const found = report.findings.filter((finding) => finding.severity === 'error');
    const names = [...new Set(found.map((finding) => finding.id))].sort();
    this.expect(`errors ${ids.join(', ') || 'none'}; found ${names.join(', ') || 'none'}`, names.join() === [...ids].sort().join());
    return found;
  }

  /** At least this finding. */
  expectFinding(report: Report, id: string): Finding {
    const finding = report.findings.find((one) => one.id === id);
    if (finding === undefined) throw new Error(`expected: ${id}; found ${report.findings.map((one) => `${one.severity}:${one.id}`).join(', ') || 'nothing'}`);
    return finding;
  }

  async until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
    const end = Date.now() + patienceMs;
    while (!(await isSo())) {
      if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
      await sleep(200);
    }
  }

  #spawn(program: string, args: string[]): ChildProcess {
    const child = spawn(program, args, { stdio: 'pipe' });
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    child.on('error', (error) => this.notes.push(String(error)));
    return child;
  }

  #finished(child: ChildProcess): Promise<void> {
    return new Promise((resolve) => {
      if (child.exitCode !== null) resolve();
      child.once('exit', () => resolve());
    });
  }

  async #killByName(...names: string[]): Promise<void> {
    for (const pid of (await Promise.all(names.map((name) => this.pids(name)))).flat()) {
      try {
        process.kill(pid, 'SIGTERM');
      } catch {
        // It ended by itself meanwhile.
      }
    }
  }
}

