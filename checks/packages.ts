/** Packages as the distributions name them. */
import type { Fact, Host } from '../src/snapshot/schema.ts';
import { asRoot } from './shell.ts';

export type Part = 'scdaemon' | 'pcscd' | 'libpcsclite' | 'libccid' | 'modutil';

interface PackageManager {
  install: string;
  upgrade: string;
  reinstall: string;
  packages: Record<Part, string>;
}

const debian: PackageManager = {
  install: 'apt-get install',
  upgrade: 'apt-get install --only-upgrade',
  reinstall: 'apt-get install --reinstall',
  packages: { scdaemon: 'scdaemon', pcscd: 'pcscd', libpcsclite: 'libpcsclite1', libccid: 'libccid', modutil: 'libnss3-tools' },
};
const fedora: PackageManager = {
  install: 'dnf install',
  upgrade: 'dnf upgrade',
  reinstall: 'dnf reinstall',
  packages: { scdaemon: 'gnupg2-scdaemon', pcscd: 'pcsc-lite', libpcsclite: 'pcsc-lite-libs', libccid: 'pcsc-lite-ccid', modutil: 'nss-tools' },
};
const suse: PackageManager = {
  install: 'zypper install',
  upgrade: 'zypper update',
  reinstall: 'zypper install --force',
  packages: { scdaemon: 'gpg2', pcscd: 'pcsc-lite', libpcsclite: 'libpcsclite1', libccid: 'pcsc-ccid', modutil: 'mozilla-nss-tools' },
};

/** By ID and ID_LIKE of os-release(5). */
const managers: Readonly<Record<string, PackageManager>> = {
  debian,
  ubuntu: debian,
  fedora,
  rhel: fedora,
  suse,
  opensuse: suse,
  arch: {
    install: 'pacman -S',
    upgrade: 'pacman -Syu',
    reinstall: 'pacman -S',
    packages: { scdaemon: 'gnupg', pcscd: 'pcsclite', libpcsclite: 'pcsclite', libccid: 'ccid', modutil: 'nss' },
  },
  alpine: {
    install: 'apk add',
    upgrade: 'apk add --upgrade',
    reinstall: 'apk fix --reinstall',
    packages: { scdaemon: 'gnupg-scdaemon', pcscd: 'pcsc-lite', libpcsclite: 'pcsc-lite-libs', libccid: 'ccid', modutil: 'nss-tools' },
  },
};

/** The command that installs, upgrades or puts back a part here; none on a system whose packages are not known. */
export function packageCommands(host: Fact<Host>, action: 'install' | 'upgrade' | 'reinstall', part: Part): string[] {
  const distribution = host.status === 'ok' ? host.value.distribution : null;
  const id = [distribution?.id ?? '', ...(distribution?.like ?? [])].find((known) => Object.hasOwn(managers, known));
  const manager = id === undefined ? undefined : managers[id];
  return manager === undefined ? [] : [asRoot(host, `${manager[action]} ${manager.packages[part]}`)];
}
