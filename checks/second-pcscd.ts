import { defineCheck } from '../src/check.ts';
import { valueOf } from '../src/snapshot/fact.ts';
import type { Fact, Host, PcscdProcess } from '../src/snapshot/schema.ts';
import { deviceName } from './readers.ts';
import { asOwner, asRoot, quote } from './shell.ts';

export default defineCheck({
  code: 'CC302',
  needs: ['pcscdProcesses'],
  wants: ['pcscdSocket', 'usbHolders', 'usbDevices', 'host'],
  about: ['pcscdProcesses'],
  after: ['usbguard'],
  check({ pcscdProcesses, pcscdSocket, usbHolders, usbDevices, host }) {
    const devices = (valueOf(usbDevices) ?? []).filter(({ ccidInterfaces }) => ccidInterfaces.length > 0);
    // Without a USB reader they have nothing to fight for; each has its own virtual ones.
    if (devices.length === 0) return [];
    const ours = pcscdProcesses.find((one) => isReached(one, valueOf(pcscdSocket)?.path ?? null));
    const others = pcscdProcesses.filter((one) => one !== ours);
    if (others.length === 0) return [];
    const pids = new Set(others.map(({ process }) => process.pid));
    const taken = (valueOf(usbHolders)?.holders ?? []).filter(({ process }) => pids.has(process.pid)).flatMap(({ node }) => devices.find((device) => device.node === node) ?? []);
    return [
      {
        severity: taken.length > 0 ? 'error' : 'warning',
        subject: { kind: 'service', name: 'pcscd' },
        data: {
          others: others.map((other) => ({ command: 'pcscd', pid: other.process.pid, user: other.process.user, where: whereIs(other) })),
          takes: taken.map(deviceName),
        },
        certainty: 'proven',
        evidence: pcscdProcesses.map(({ process, listensOn }) => `pcscd runs as pid ${process.pid}${listensOn.length === 0 ? '' : ` and listens on ${listensOn.join(', ')}`}.`),
        remedies: others.map((other) => ({
          title: `Stop the pcscd ${whereIs(other)}`,
          kind: 'now',
          commands: [stopCommand(other.process, host)],
          edits: [],
          price: 'The programs that talk to it lose their readers.',
        })),
      },
    ];
  },
});

const isReached = ({ process, listensOn, sameMountNamespace }: PcscdProcess, socket: string | null): boolean =>
  process.confinement === null && sameMountNamespace !== false && (socket === null || listensOn.length === 0 || listensOn.includes(socket));

function whereIs({ process, sameMountNamespace }: PcscdProcess): string {
  if (process.confinement !== null) return `in the ${process.confinement.kind} ${process.confinement.name}`;
  if (sameMountNamespace === false) return 'in another namespace';
  return process.unit === null ? 'started by hand' : `of ${process.unit}`;
}

const stopCommand = ({ confinement, uid, pid }: PcscdProcess['process'], host: Fact<Host>): string =>
  confinement?.kind === 'snap' ? asRoot(host, `snap stop ${quote(confinement.name)}`) : asOwner(host, uid, `kill ${pid}`);
