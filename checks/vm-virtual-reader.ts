import { defineCheck } from '../src/check.ts';
import type { UsbDevice } from '../src/snapshot/schema.ts';
import { deviceName, deviceSubject } from './readers.ts';

/** By the names that emulated readers give themselves (QEMU hw/usb/dev-smartcard-reader.c; CCID readers/supported_readers.txt, VMware Virtual USB CCID). */
const makers: Readonly<Record<string, RegExp>> = { QEMU: /\bQEMU\b/, VMware: /\bVMware\b/i, VirtualBox: /\bVirtualBox\b/, Parallels: /\bParallels\b/ };

export default defineCheck({
  code: 'CC318',
  needs: ['usbDevices'],
  about: ['usbDevices'],
  check({ usbDevices }) {
    return usbDevices.flatMap((device) => {
      const maker = makerOf(device);
      if (maker === null) return [];
      return [
        {
          // Many work well; it matters where this reader is in trouble.
          severity: 'info' as const,
          subject: deviceSubject(device),
          data: { device: deviceName(device), maker },
          certainty: 'proven' as const,
          evidence: [`The device calls itself ${[device.manufacturer, device.product].filter((word) => word !== null).join(' ')}.`],
          remedies: [
            { title: 'Pass the USB device itself through, in the virtual machine\'s settings', kind: 'lasting' as const, commands: [], edits: [], price: 'The host loses the reader.' },
          ],
        },
      ];
    });
  },
});

const makerOf = ({ manufacturer, product, ccidInterfaces }: UsbDevice): string | null =>
  ccidInterfaces.length === 0 ? null : (Object.entries(makers).find(([, name]) => name.test(`${manufacturer} ${product}`))?.[0] ?? null);
