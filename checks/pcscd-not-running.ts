import { defineCheck, notApplicable } from '../src/check.ts';
import type { Remedy } from '../src/report/schema.ts';
import { valueOf } from '../src/snapshot/fact.ts';
import type { Fact, Facts, Host, ScdaemonConfig } from '../src/snapshot/schema.ts';
import { withheldFrom } from './refusals.ts';
import { install } from './remedies.ts';
import { asRoot } from './shell.ts';

export default defineCheck({
  code: 'CC401',
  needs: ['pcscdSocket'],
  wants: ['daemon', 'pcscdUnits', 'pcscdBuild', 'usbDevices', 'scdaemonConfig', 'host'],
  about: ['pcscdSocket'],
  check({ pcscdSocket, daemon, pcscdUnits, pcscdBuild, usbDevices, scdaemonConfig, host }) {
    if (valueOf(host)?.platform === 'darwin') return notApplicable('macOS has a service of its own');
    if (withheldFrom(pcscdSocket, host) !== null) return notApplicable('this flatpak was not given pcscd\'s socket');
    const { path, kind, from, listening } = pcscdSocket;
    const nobodyListens = kind === 'missing' || kind === 'other' || (kind === 'socket' && (listening === false || daemon.status === 'absent'));
    if (daemon.status === 'ok' || !nobodyListens) return [];
    const situation = situations.find(({ applies }) => applies({ from, pcscdBuild, pcscdUnits, host }));
    const gpgNeedsNone = usesUsb(valueOf(scdaemonConfig)) && (valueOf(usbDevices) ?? []).some(({ ccidInterfaces }) => ccidInterfaces.length > 0);
    return [
      {
        // With its own USB driver GnuPG works without pcscd; then only other programs are without a card.
        severity: gpgNeedsNone ? 'warning' : 'error',
        subject: { kind: 'service', name: 'pcscd' },
        data: { socket: path, says: situation?.says ?? 'No pcscd runs' },
        certainty: 'proven',
        evidence: [kind === 'socket' ? `${path} is there, and a connect to it is refused.` : kind === 'other' ? `${path} is no socket.` : `${path} does not exist.`],
        remedies: situation?.remedies(host) ?? [startNow(host)],
      },
    ];
  },
});

const usesUsb = (config: ScdaemonConfig | undefined): boolean => config?.backend === 'usb-only' || config?.backend === 'usb-then-pcsc';

interface Surroundings {
  from: 'default' | 'PCSCLITE_CSOCK_NAME';
  pcscdBuild: Facts['pcscdBuild'];
  pcscdUnits: Facts['pcscdUnits'];
  host: Fact<Host>;
}

const PRICE = 'pcscd claims every reader it can open and powers the cards in them; a gpg that used a reader over USB loses it.';

const startNow = (host: Fact<Host>): Remedy => ({ title: 'Start pcscd', kind: 'now', commands: [asRoot(host, 'pcscd')], edits: [], price: PRICE });

const systemctl = (host: Fact<Host>, title: string, ...commands: string[]): Remedy => ({
  title,
  kind: 'lasting',
  commands: commands.map((command) => asRoot(host, `systemctl ${command}`)),
  edits: [],
  price: PRICE,
});

const socketUnit = ({ pcscdUnits }: Surroundings) => valueOf(pcscdUnits)?.find(({ name }) => name === 'pcscd.socket');

/** Why nobody listens, and the cure; the first that applies. */
const situations: { applies: (surroundings: Surroundings) => boolean; says: string; remedies: (host: Fact<Host>) => Remedy[] }[] = [
  {
    applies: ({ from }) => from === 'PCSCLITE_CSOCK_NAME',
    says: 'PCSCLITE_CSOCK_NAME leads programs to a socket of its own',
    remedies: () => [{ title: 'Use the system\'s pcscd', kind: 'now', commands: ['unset PCSCLITE_CSOCK_NAME'], edits: [], price: null }],
  },
  {
    applies: ({ pcscdBuild, host }) => pcscdBuild.status !== 'ok' && valueOf(host)?.container != null,
    says: 'This container has neither a pcscd nor the socket of its host\'s',
    remedies: () => [
      { title: 'Hand the host\'s socket in: mount /run/pcscd/pcscd.comm', kind: 'lasting', commands: [], edits: [], price: 'Programs in the container can use any card of the host.' },
    ],
  },
  {
    applies: ({ pcscdBuild }) => pcscdBuild.status === 'absent',
    says: 'pcscd is not installed',
    remedies: (host) => [install(host, 'pcscd', 'Install pcscd')],
  },
  {
    applies: (surroundings) => socketUnit(surroundings)?.fileState === 'masked' || socketUnit(surroundings)?.load === 'masked',
    says: 'pcscd.socket is masked: somebody forbade systemd to start it',
    remedies: (host) => [systemctl(host, 'Allow and enable pcscd.socket', 'unmask pcscd.socket pcscd.service', 'enable --now pcscd.socket')],
  },
  {
    applies: (surroundings) => socketUnit(surroundings) !== undefined,
    says: 'pcscd is installed, but neither runs nor is pcscd.socket active',
    remedies: (host) => [systemctl(host, 'Enable pcscd.socket, which starts pcscd when a program connects', 'enable --now pcscd.socket')],
  },
];
