import type * as z from 'zod';
import { type Process, type Snapshot, snapshotSchema } from '../../src/snapshot/schema.ts';
import { absent, ok, skipped } from '../../src/snapshot/fact.ts';

export function processNamed(comm: string, over: Partial<Process> = {}): Process {
  return {
    pid: 100, ppid: 1, uid: 1000, user: 'alice', comm, argv: [comm], exe: `/usr/bin/${comm}`, startedAt: '2026-11-24T08:00:00.000Z',
    tty: null, unit: null, parents: [], confinement: null, hidden: false, ...over,
  };
}

/** A sound desktop of alice's with one free reader, as a whole snapshot. */
export function soundSnapshot(facts: Partial<z.input<typeof snapshotSchema>['facts']> = {}): Snapshot {
  const none = absent('not part of this snapshot');
  return snapshotSchema.parse({
    schemaVersion: 1,
    tool: { name: 'cardcheck', version: '0.1.0' },
    startedAt: '2026-11-24T10:00:00.000Z',
    durationMs: 80,
    redacted: false,
    options: { passive: false, wake: true, exclusive: true, timeoutMs: 1500, reader: null },
    facts: {
      host: ok({
        platform: 'linux', distribution: { id: 'debian', like: [], version: '12', name: 'Debian GNU/Linux 12 (bookworm)' }, kernel: '6.1.0', arch: 'x64',
        user: { uid: 1000, name: 'alice', groups: ['alice'] }, root: false,
        session: { place: 'local', active: true, seat: 'seat0', evidence: 'loginctl' }, container: null, wsl: false,
      }, '/etc/os-release'),
      usbDevices: ok([], '/sys/bus/usb/devices'), usbHolders: ok({ holders: [], unseenProcesses: 0 }, '/proc'), driverBundles: none, libraries: none, macosDriver: none, macosReaders: none, macosServices: none, macosGnupg: none,
      pcscdProcesses: ok([{ process: processNamed('pcscd', { uid: 0, user: 'root', pid: 7 }), sameMountNamespace: true, sameNetworkNamespace: true, listensOn: ['/run/pcscd/pcscd.comm'] }], '/proc'),
      pcscdBuild: none, pcscdSocket: none, pcscdUnits: none, pcscdConfig: none, polkit: none,
      daemon: ok({ protocol: { major: 4, minor: 4 }, announced: { major: 4, minor: 4 }, slots: 16, woken: false }, 'pcscd'),
      readers: ok([{ name: 'Yubico YubiKey CCID 00 00', present: true, atr: '3BFD1300008131FE158073C021C057597562694B657940', sharing: 0, eventCounter: 1, state: 0x34, protocol: 0 }], 'pcscd'),
      probes: ok([], 'pcscd'), addon: none, libraryReaders: none, libraryContext: skipped('not asked'),
      clients: ok({ clients: [], unattributed: 0, hiddenByNamespace: 0 }, 'ss'), pkcs11Hosts: ok([], '/proc'), handles: ok([], '/proc/7/mem'),
      securityKeys: none, cardPrograms: none, gnupgHome: none, gpgAgent: none,
      gnupg: none, scdaemonConfig: none, scdaemons: ok([], '/proc'), self: ok({ pids: [1], backends: ['daemon'], blind: [] }, 'cardcheck'),
      ...facts,
    },
  });
}
