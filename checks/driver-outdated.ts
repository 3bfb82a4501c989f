import { defineCheck } from '../src/check.ts';
import { valueOf } from '../src/snapshot/fact.ts';
import type { UsbDevice } from '../src/snapshot/schema.ts';
import known from './data/driver-versions.json' with { type: 'json' };
import { isUnlisted } from './readers.ts';
import { upgrade } from './remedies.ts';
import { isAtLeast, isWithin } from './versions.ts';

type Product = keyof typeof known.products;
type Fault = (typeof known.products)[Product]['faults'][number];

export default defineCheck({
  code: 'CC309',
  needs: ['driverBundles', 'pcscdBuild'],
  wants: ['usbDevices', 'holdings', 'host'],
  about: ['driverBundles', 'pcscdBuild'],
  after: ['pcscd-not-running', 'sandbox-blocks-pcsc', 'usb-permission'],
  check({ driverBundles, pcscdBuild, usbDevices, holdings, host }) {
    const installed: Record<Product, string | null> = {
      libccid: driverBundles.bundles.find(({ driver }) => driver === 'CCIDCLASSDRIVER')?.version ?? null,
      'pcsc-lite': pcscdBuild.version,
    };
    const devices = (valueOf(usbDevices) ?? []).filter(({ ccidInterfaces }) => ccidInterfaces.length > 0);
    const unlisted = devices.filter((device) => isUnlisted(device, valueOf(holdings) ?? []));
    return (Object.keys(installed) as Product[]).flatMap((product) => {
      const version = installed[product];
      if (version === null) return [];
      return known.products[product].faults
        .filter((fault) => isWithin(version, fault.from, fault.to) && isMet(fault, installed) && concerns[fault.affects as Concern](devices))
        .map((fault) => ({
          // The fault is in the version; that it is this machine's trouble is only likely where a reader is missing.
          severity: unlisted.length > 0 && fault.affects === 'composite' ? ('error' as const) : ('warning' as const),
          subject: { kind: 'package' as const, name: product },
          data: { product, version, fault: fault.fault, fixedIn: fault.fixedIn, asOf: known.asOf },
          certainty: 'likely' as const,
          evidence: [`${product} ${version} is installed.`, ...(fault.needs === null ? [] : [`${fault.needs.product} ${installed[fault.needs.product as Product] ?? ''} is installed.`])],
          remedies: [upgrade(host, product === 'libccid' ? 'libccid' : 'pcscd', `Upgrade ${product} to ${fault.fixedIn} or later`)],
        }));
    });
  },
});

const isMet = ({ needs }: Fault, installed: Record<Product, string | null>): boolean => needs === null || isAtLeast(installed[needs.product as Product] ?? '0', needs.from);

type Concern = 'any' | 'composite' | 'multi-slot';

/** Whom a fault can hit, of the readers that are connected. */
const concerns: Record<Concern, (devices: readonly UsbDevice[]) => boolean> = {
  any: (devices) => devices.length > 0,
  composite: (devices) => devices.some(({ interfaces }) => interfaces.length > 1),
  'multi-slot': (devices) => devices.some(({ ccidInterfaces }) => ccidInterfaces.length > 1),
};
