/** Who hands a USB device to a guest system. */

/** Kernel drivers that stand in for a device exported to another machine (Linux drivers/usb/usbip). */
export const virtualMachineDrivers: readonly string[] = ['usbip-host', 'vfio-pci'];

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
