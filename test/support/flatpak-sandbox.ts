/** A sandbox as flatpak 1.14 makes it of bubblewrap; flatpak itself would need a runtime of its own. */
import { writeFile } from 'node:fs/promises';
import { rigFolder } from '../../src/rig/namespace.ts';
import { pcscdSocket } from '../../src/rig/private-pcscd.ts';
import type { Rig } from '../../src/rig/rig.ts';

export const flatpakApp = 'org.example.Signer';

interface FlatpakOptions {
  /** --socket=pcsc; default true. */
  pcsc?: boolean;
  /** --share=network; default false. */
  network?: boolean;
  /** Folders that are the same inside, besides /usr, which is the runtime's. */
  writable?: readonly string[];
}

/** @returns what stands in front of a command that is to run inside */
export async function flatpak(rig: Rig, { pcsc = true, network = false, writable = [] }: FlatpakOptions = {}): Promise<[string, ...string[]]> {
  const path = `${rigFolder}/flatpak-info`;
  await writeFile(rig.namespace.path(path), info(pcsc));
  const links = ['bin', 'sbin', 'lib', 'lib64'].flatMap((name) => ['--symlink', `usr/${name}`, `/${name}`]);
  // No runtime has these.
  const daemons = ['--tmpfs', '/usr/lib/pcsc', '--ro-bind', '/dev/null', '/usr/sbin/pcscd'];
  const own = [rig.app, rig.node].flatMap((one) => ['--ro-bind', one, one]);
  const sandbox = ['--ro-bind', '/usr', '/usr', ...daemons, ...links, ...own, '--ro-bind-data', '3', '/.flatpak-info', '--proc', '/proc', '--dev', '/dev'];
  const socket = pcsc ? ['--ro-bind', pcscdSocket, pcscdSocket, '--setenv', 'PCSCLITE_CSOCK_NAME', pcscdSocket] : [];
  const folders = writable.flatMap((one) => ['--bind', one, one]);
  const walls = ['--unshare-user-try', '--unshare-pid', '--unshare-ipc', ...(network ? [] : ['--unshare-net']), '--die-with-parent'];
  return ['sh', '-c', `exec bwrap "$@" 3<${path}`, 'sh', ...sandbox, ...socket, ...folders, ...walls, '--'];
}

const info = (pcsc: boolean): string =>
  `[Application]\nname=${flatpakApp}\nruntime=runtime/org.example.Platform/x86_64/1\n\n[Instance]\ninstance-id=1\nflatpak-version=1.14.10\n\n[Context]\nsockets=${pcsc ? 'pcsc;' : ''}\n`;
