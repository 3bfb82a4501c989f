/** Who hands a USB device to a guest system. */

/** Lends a whole device to another machine (Linux drivers/usb/usbip). What vfio-pci takes, a controller, is off the bus with all its devices. */
export const USBIP = 'usbip-host';

/** Programs that pass devices through, by what /proc/PID/comm begins with (15 characters at most). */
const virtualMachines: Readonly<Record<string, string>> = {
  'qemu-system': 'QEMU',
  'qemu-kvm': 'QEMU',
  VirtualBoxVM: 'VirtualBox',
  VBoxHeadless: 'VirtualBox',
  'vmware-vmx': 'VMware',
};

/** The virtual machine's name where the process is one, else null. */
export function virtualMachine(comm: string): string | null {
  const start = Object.keys(virtualMachines).find((known) => comm.startsWith(known));
  return start === undefined ? null : (virtualMachines[start] ?? null);
}
