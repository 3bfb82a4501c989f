import { defineCheck } from '../src/check.ts';
import { valueOf } from '../src/snapshot/fact.ts';
import { deviceName, deviceSubject } from './readers.ts';
import { virtualMachine, virtualMachineDrivers } from './takers.ts';

export default defineCheck({
  code: 'CC304',
  needs: ['usbDevices'],
  wants: ['usbHolders'],
  about: ['usbDevices'],
  check({ usbDevices, usbHolders }) {
    return usbDevices
      .filter(({ ccidInterfaces }) => ccidInterfaces.length > 0)
      .flatMap((device) => {
        const driver = device.interfaces.map((one) => one.driver).find((name) => name !== null && virtualMachineDrivers.includes(name));
        const holder = (valueOf(usbHolders)?.holders ?? []).find(({ node, process }) => node === device.node && virtualMachine(process.comm) !== null);
        const taker = holder === undefined ? (driver ?? null) : `${virtualMachine(holder.process.comm) ?? holder.process.comm} (pid ${holder.process.pid})`;
        if (taker === null) return [];
        return [
          {
            subject: deviceSubject(device),
            data: { device: deviceName(device), taker },
            certainty: 'proven',
            evidence: [holder === undefined ? `The kernel driver ${taker} is bound to it.` : `${taker} has ${device.node} open.`],
            remedies: [
              { title: 'Detach the device from the virtual machine, in its own settings', kind: 'now', commands: [], edits: [], price: 'The guest loses the reader.' },
            ],
          },
        ];
      });
  },
});
