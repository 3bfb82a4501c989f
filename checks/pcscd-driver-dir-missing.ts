import { defineCheck } from '../src/check.ts';
import { asRoot, quote } from './shell.ts';

export default defineCheck({
  code: 'CC306',
  needs: ['pcscdBuild', 'driverBundles'],
  wants: ['host'],
  about: ['pcscdBuild', 'driverBundles'],
  after: ['pcscd-not-running'],
  check({ pcscdBuild, driverBundles, host }) {
    const { usbDropDir, path } = pcscdBuild;
    const { bundles, dropDir } = driverBundles;
    if (usbDropDir === null || bundles.length === 0 || bundles.some((bundle) => bundle.path.startsWith(`${usbDropDir}/`))) return [];
    return [
      {
        subject: { kind: 'file', name: usbDropDir },
        data: { pcscdDir: usbDropDir, bundlesDir: dropDir },
        certainty: 'proven',
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
      },
    ];
  },
});
