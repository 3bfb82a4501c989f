import { defineCheck, type Draft } from '../src/check.ts';
import { valueOf } from '../src/snapshot/fact.ts';
import { install } from './remedies.ts';
import { asRoot, quote } from './shell.ts';

export default defineCheck({
  code: 'CC306',
  needs: ['pcscdBuild'],
  wants: ['driverBundles', 'usbDevices', 'host'],
  about: ['pcscdBuild'],
  after: ['pcscd-not-running', 'sandbox-blocks-pcsc'],
  check({ pcscdBuild, driverBundles, usbDevices, host }) {
    const { usbDropDir, path } = pcscdBuild;
    const pcscdDir = usbDropDir ?? 'its drop directory';
    const finding = (bundlesDir: string | null, rest: Pick<Draft<'CC306'>, 'evidence' | 'remedies'>): Draft<'CC306'>[] => [
      { subject: { kind: 'file', name: pcscdDir }, data: { pcscdDir, bundlesDir }, certainty: 'proven', ...rest },
    ];

    if (driverBundles.status === 'absent') {
      const needsOne = (valueOf(usbDevices) ?? []).some(({ ccidInterfaces }) => ccidInterfaces.length > 0);
      return needsOne ? finding(null, { evidence: [`${driverBundles.reason}.`], remedies: [install(host, 'libccid', 'Install the CCID driver, which brings the directory along')] }) : [];
    }
    if (driverBundles.status !== 'ok' || usbDropDir === null) return [];
    const { bundles, dropDir } = driverBundles.value;
    if (bundles.length === 0 || bundles.some((bundle) => bundle.path.startsWith(`${usbDropDir}/`))) return [];
    return finding(dropDir, {
      evidence: [`${path} says usbdropdir=${usbDropDir}.`, `${bundles.map(({ name }) => name).join(', ')} is in ${dropDir}.`],
      remedies: [
        {
          title: 'Lead pcscd to the installed drivers',
          kind: 'lasting',
          commands: [asRoot(host, `ln -s ${quote(dropDir)} ${quote(usbDropDir)}`), asRoot(host, 'systemctl restart pcscd.service')],
          edits: [],
          price: 'Every PC/SC program loses its connection. The pcscd of the distribution is the cleaner cure.',
        },
      ],
    });
  },
});
