/** Where USB devices are kept away by the very place cardcheck runs in. */
import type { Fact, Host, UsbDevice } from '../src/snapshot/schema.ts';

/** Such an environment in words, or null where USB devices can be expected. */
export function withoutUsb(host: Fact<Host>, usbDevices: Fact<UsbDevice[]>): string | null {
  if (host.status !== 'ok' || (usbDevices.status === 'ok' && usbDevices.value.length > 0)) return null;
  if (host.value.wsl) return 'WSL';
  return host.value.container === null ? null : `a container (${host.value.container})`;
}
