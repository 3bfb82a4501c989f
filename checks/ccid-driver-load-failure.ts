import { defineCheck } from '../src/check.ts';
import { valueOf } from '../src/snapshot/fact.ts';
import type { DriverBundle } from '../src/snapshot/schema.ts';

export default defineCheck({
  code: 'CC307',
  needs: ['driverBundles'],
  wants: ['usbDevices'],
  about: ['driverBundles'],
  after: ['pcscd-not-running', 'sandbox-blocks-pcsc'],
  check({ driverBundles, usbDevices }) {
    const connected = new Set((valueOf(usbDevices) ?? []).map(({ id }) => id));
    return driverBundles.bundles.flatMap((bundle) => {
      const says = fault(bundle);
      if (says === null) return [];
      return [
        {
          severity: bundle.devices.some((id) => connected.has(id)) ? ('error' as const) : ('warning' as const),
          subject: { kind: 'file' as const, name: bundle.path },
          data: { bundle: bundle.name, says },
          certainty: 'proven' as const,
          evidence: [`Read from ${bundle.path}.`],
          remedies: [{ title: `Reinstall the package that ${bundle.name} comes from`, kind: 'lasting' as const, commands: [], edits: [], price: null }],
        },
      ];
    });
  },
});

const fault = ({ error, executable }: DriverBundle): string | null => error ?? (executable?.exists === false ? `its library ${executable.path} does not exist` : null);
