/** A login from afar into a rig: Debian's own dropbear, fetched and unpacked, serves it on the rig's loopback interface. */
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { rigFolder } from '../../src/rig/namespace.ts';
import type { Rig } from '../../src/rig/rig.ts';
import { until } from '../../src/rig/until.ts';
import { cache, fetchInto } from './debian-packages.ts';

/** The oldest here, whose programs run on any libc of this machine's. */
const SUITE = 'bookworm';
const inside = `${rigFolder}/dropbear`;

/** What it needs besides libc, which is this machine's. */
const isOwnLibrary = (name: string): boolean => /^lib(?:tom|gmp|crypt)\w*\.so\.\d+$/.test(name);

/**
 * Starts the server, and lets root in by a key.
 * @returns what stands in front of a command that is to run in the session of that login
 * @throws Error when apt cannot fetch it
 */
export async function loginFromAfar(rig: Rig): Promise<[string, ...string[]]> {
  await bringDropbear(rig);
  const env = { LD_LIBRARY_PATH: inside };
  const run = (script: string) => rig.run('sh', ['-ec', script], { env, cwd: inside });
  // A login has the home folder of the account, which outside is that of this machine.
  await run('mount --bind "$HOME" /root; mkdir -p -m 700 /root/.ssh');
  await run('./dropbearkey -t ed25519 -f host-key; ./dropbearkey -t ed25519 -f key | grep ^ssh- >/root/.ssh/authorized_keys; chmod 600 /root/.ssh/authorized_keys');
  const server = await rig.spawn(`${inside}/dropbear`, ['-F', '-E', '-r', `${inside}/host-key`, '-p', '127.0.0.1:22'], { env, cwd: '/' });
  await until('dropbear listens', async () => server.said.stderr().includes('Not backgrounding'));
  return ['env', `LD_LIBRARY_PATH=${inside}`, `${inside}/dbclient`, '-y', '-y', '-i', `${inside}/key`, 'root@127.0.0.1'];
}

async function bringDropbear(rig: Rig): Promise<void> {
  const folder = join(cache, 'dropbear');
  if (!existsSync(folder)) await fetchInto(folder, { suite: SUITE, names: ['dropbear-bin'] });
  const usr = join(folder, 'root/usr');
  const lib = (await readdir(join(usr, 'lib'))).map((name) => join(usr, 'lib', name)).find((name) => existsSync(join(name, 'libtomcrypt.so.1')));
  if (lib === undefined) throw new Error(`${usr} holds no dropbear`);
  await mkdir(rig.namespace.path(inside));
  const bring = (path: string, name: string) => copyFile(path, rig.namespace.path(`${inside}/${name}`));
  for (const name of (await readdir(lib)).filter(isOwnLibrary)) await bring(join(lib, name), name);
  for (const path of ['sbin/dropbear', 'bin/dropbearkey', 'bin/dbclient']) await bring(join(usr, path), path.slice(path.indexOf('/') + 1));
}
