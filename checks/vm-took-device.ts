import { defineCheck } from '../src/check.ts';
import { valueOf } from '../src/snapshot/fact.ts';
import { deviceName, deviceSubject } from './readers.ts';
import { asRoot, quote } from './shell.ts';
import { USBIP, virtualMachine } from './takers.ts';

export default defineCheck({
  code: 'CC304',
  needs: ['usbDevices'],
  wants: ['usbHolders', 'host'],
  about: ['usbDevices'],
  check({ usbDevices, usbHolders, host }) {
    return usbDevices
      .filter(({ ccidInterfaces }) => ccidInterfaces.length > 0)
      .flatMap((device) => {
        const lent = device.interfaces.some(({ driver }) => driver === USBIP);
        const holder = (valueOf(usbHolders)?.holders ?? []).find(({ node, process }) => node === device.node && virtualMachine(process.comm) !== null);
        const taker = holder === undefined ? (lent ? 'usbip' : null) : `${virtualMachine(holder.process.comm) ?? holder.process.comm} (pid ${holder.process.pid})`;
        if (taker === null) return [];
        return [
          {
            subject: deviceSubject(device),
            data: { device: deviceName(device), taker },
            certainty: 'proven',
            evidence: [holder === undefined ? `The kernel driver ${USBIP} has it, which lends it to another machine.` : `${taker} has ${device.node} open.`],
            remedies: [
              holder === undefined
                ? { title: 'Take the device back', kind: 'now', commands: [asRoot(host, `usbip unbind --busid=${quote(device.path)}`)], edits: [], price: 'The other machine loses the reader.' }
                : { title: 'Detach the device from the virtual machine, in its own settings', kind: 'now', commands: [], edits: [], price: 'The guest loses the reader.' },
            ],
          },
        ];
      });
  },
});
