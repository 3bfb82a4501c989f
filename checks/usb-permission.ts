import { defineCheck, type Draft } from '../src/check.ts';
import { valueOf } from '../src/snapshot/fact.ts';
import type { PcscdProcess, UsbDevice } from '../src/snapshot/schema.ts';
import { noScdaemon } from './causes.ts';
import { deviceName, deviceSubject, isUnlisted } from './readers.ts';
import { openDevice, shareReader, upgrade } from './remedies.ts';

export default defineCheck({
  code: 'CC407',
  needs: ['usbDevices'],
  wants: ['holdings', 'gnupg', 'scdaemonConfig', 'pcscdProcesses', 'host'],
  about: ['usbDevices'],
  after: ['usbguard', 'vm-took-device', 'kernel-driver-claims-reader', ...noScdaemon],
  check({ usbDevices, holdings, gnupg, scdaemonConfig, pcscdProcesses, host }) {
    const installed = valueOf(gnupg);
    const config = valueOf(scdaemonConfig);
    const devices = usbDevices.filter(({ ccidInterfaces }) => ccidInterfaces.length > 0);
    const unlisted = devices.filter((device) => isUnlisted(device, valueOf(holdings) ?? []));
    const pcscd = (valueOf(pcscdProcesses) ?? []).find(({ sameMountNamespace }) => sameMountNamespace !== false);

    const closedToPcscd: Draft<'CC407'>[] =
      pcscd === undefined
        ? []
        : unlisted
            .filter((device) => isClosedTo(device, pcscd))
            .map((device) => ({
              ...about(device, `pcscd, which runs as ${pcscd.process.user ?? `uid ${pcscd.process.uid}`},`),
              certainty: 'likely',
              remedies: [upgrade(host, 'libccid', 'Upgrade libccid to 1.7.0 or later, whose udev rule opens readers to pcscd, and replug the reader')],
            }));
    if (closedToPcscd.length > 0) return closedToPcscd;

    if (config?.backend !== 'usb-only' || !installed?.scdaemon) return [];
    const { scdaemon } = installed;
    // A reader that pcscd has is pcscd's: that scdaemon could not open it either is not what keeps it away.
    return (pcscd === undefined ? devices : unlisted)
      .filter(({ access }) => access.status === 'ok' && !access.value.readWrite)
      .map((device) => {
        const { evidence, ...rest } = about(device, `scdaemon ${scdaemon.version}, which opens readers as this user,`);
        const session = valueOf(host)?.session;
        const user = valueOf(host)?.calledBy?.name ?? valueOf(host)?.user.name;
        // To go through PC/SC instead there must be a pcscd.
        const remedies = [...(user === undefined ? [] : [openDevice(device, user, host)]), ...(pcscd === undefined ? [] : shareReader(installed, scdaemon, config))];
        const elsewhere = session?.place === 'remote' || session?.active === false ? [`udev opens readers to the active local session only, and this is another: ${session.evidence}.`] : [];
        return { ...rest, evidence: [...evidence, ...elsewhere], certainty: 'proven', remedies };
      });
  },
});

function about(device: UsbDevice, who: string): Pick<Draft<'CC407'>, 'subject' | 'data' | 'evidence'> {
  const rights = valueOf(device.access);
  return {
    subject: deviceSubject(device),
    data: { device: deviceName(device), node: device.node, who },
    evidence: rights === undefined ? [] : [`${device.node} has mode ${(rights.mode & 0o777).toString(8).padStart(4, '0')}, owner uid ${rights.uid}, group ${rights.group ?? rights.gid}.`],
  };
}

/** By mode and owner alone: udev opens readers to the group pcscd, which its user belongs to (CCID src/92_pcscd_ccid.rules). */
function isClosedTo({ access }: UsbDevice, { process }: PcscdProcess): boolean {
  if (access.status !== 'ok' || process.uid === 0) return false;
  const { mode, uid, group } = access.value;
  const asOwner = uid === process.uid && (mode & 0o600) === 0o600;
  const asGroup = group !== null && group === process.user && (mode & 0o060) === 0o060;
  return !asOwner && !asGroup && (mode & 0o006) !== 0o006;
}
