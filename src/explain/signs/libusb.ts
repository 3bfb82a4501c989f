import type { Observation } from '../observation.ts';
import { plain, type Sign } from '../sign.ts';

type UsbFailed = Extract<Observation, { name: 'usb-failed' }>;

/** libusb_strerror (libusb strerror.c), and errno in words, as libccid prints it of a command that did not get through (CCID commands.c). */
const texts: readonly (readonly [RegExp, string])[] = [
  [/Access denied \(insufficient|Permission denied|Operation not permitted/i, 'LIBUSB_ERROR_ACCESS'],
  [/Resource busy|resource busy/i, 'LIBUSB_ERROR_BUSY'],
  [/No such device/i, 'LIBUSB_ERROR_NO_DEVICE'],
  [/Input\/Output Error|Protocol error/i, 'LIBUSB_ERROR_IO'],
  [/timed out/i, 'LIBUSB_ERROR_TIMEOUT'],
  [/Pipe error|Broken pipe/i, 'LIBUSB_ERROR_PIPE'],
  [/\bOverflow\b|Value too large/i, 'LIBUSB_ERROR_OVERFLOW'],
];
const errorOf = (text: string): string | null => texts.find(([pattern]) => pattern.test(text))?.[1] ?? null;

/** errno(3) by number, as libusb prints it on Linux. */
const errnos = new Map([['1', 'LIBUSB_ERROR_ACCESS'], ['13', 'LIBUSB_ERROR_ACCESS'], ['16', 'LIBUSB_ERROR_BUSY'], ['19', 'LIBUSB_ERROR_NO_DEVICE'], ['2', 'LIBUSB_ERROR_NO_DEVICE'], ['71', 'LIBUSB_ERROR_IO'], ['110', 'LIBUSB_ERROR_TIMEOUT']]);
/** enum libusb_error of libusb.h, where only the number is printed. */
export const libusbNumbers: ReadonlyMap<string, string> = new Map([['-1', 'LIBUSB_ERROR_IO'], ['-3', 'LIBUSB_ERROR_ACCESS'], ['-4', 'LIBUSB_ERROR_NO_DEVICE'], ['-6', 'LIBUSB_ERROR_BUSY'], ['-7', 'LIBUSB_ERROR_TIMEOUT'], ['-8', 'LIBUSB_ERROR_OVERFLOW'], ['-9', 'LIBUSB_ERROR_PIPE']]);

/** A failed call, and, where the device is gone, that; null where the error is none of the known. */
export function usbFailed(op: UsbFailed['op'], error: string | null | undefined): Observation | readonly Observation[] | null {
  if (error === null || error === undefined) return null;
  const seen: Observation = { name: 'usb-failed', op, error };
  return error === 'LIBUSB_ERROR_NO_DEVICE' ? [seen, { name: 'reader-vanished' }] : seen;
}

const opOf = (text: string): UsbFailed['op'] => (/claim/i.test(text) ? 'claim' : /configuration/i.test(text) ? 'configure' : /write/i.test(text) ? 'write' : /read|transfer|ICC /i.test(text) ? 'read' : 'open');

/** libusb's own log, and programs that print its errors in words or numbers. */
export const libusbSigns: readonly Sign[] = [
  {
    kind: 'libccid',
    // linux_usbfs.c, get_usbfs_fd: the node of the device.
    needles: ["libusb couldn't open USB device"],
    pattern: /couldn't open USB device \S+[,:] (?:errno=(\d+)|.*)/,
    see: (match, text) => usbFailed('open', match[1] === undefined ? errorOf(text) : errnos.get(match[1])),
  },
  { kind: 'libccid', needles: ['requires write access to USB device', 'Missing rw usbfs access'], see: () => usbFailed('open', 'LIBUSB_ERROR_ACCESS') },
  {
    kind: 'libccid',
    needles: ['claim interface failed', 'disconnect-and-claim failed', 'claim_interface failed'],
    pattern: /claim(?:[ _]interface)? failed,.*errno[= ](\d+)/,
    see: (match) => usbFailed('claim', errnos.get(match[1] as string)),
  },
  // darwin_usb.c: kIOReturnExclusiveAccess, in the words of darwin_error_str; libusb makes "access" of it.
  {
    kind: 'macos',
    needles: ['has device opened for exclusive access', '[darwin_open]', '[darwin_claim_interface]'],
    pattern: /opened for exclusive access|exclusive access and device already open|0xe00002c5/i,
    see: () => [{ name: 'usb-failed', op: 'claim', error: 'LIBUSB_ERROR_ACCESS' }, { name: 'environment', is: 'macos' }],
  },
  {
    kind: 'usb',
    // Nothing to look at: no usbfs, no bus.
    needles: ['could not find usbfs', 'unable to initialize libusb', 'unable to initialize usb', "opendir '/dev/bus/usb' failed", 'opendir buses failed', "opendir '/sys/bus/usb"],
    see: () => ({ name: 'usb-failed', op: 'init', error: 'LIBUSB_ERROR_OTHER' }),
  },
  {
    kind: 'libccid',
    // libusb_strerror beside a call, or its number alone.
    needles: ['insufficient permissions', 'it may have been disconnected', 'Resource busy', 'Pipe error', 'Operation timed out', 'libusb_open(', 'libusb_open_device', 'usb_open'],
    pattern: /^(?!.*(?:USBError|Errno))(?=.*(?:usb|interface)).*(?:Access denied \(insuff|may have been disconnected|Resource busy|Pipe error|Operation timed out|libusb_open\w*(?:\([\d/]*\)|\b)[^-]{0,30}(-\d{1,2})\b(?! LIBUSB))/i,
    see: (match, text) => usbFailed(opOf(text), match[1] === undefined ? errorOf(text) : libusbNumbers.get(match[1])),
  },
  {
    kind: 'libccid',
    needles: ['ICC Slot Status failed', 'ICC SlotStatus failed', 'ICC Xfr Block failed', 'ICC Power On failed', 'ICC Power Off failed', 'ICC Data Block failed'],
    pattern: /ICC [\w ]{7,11} failed: (.+)/,
    see: (match) => usbFailed('read', errorOf(match[1] as string)),
  },
  {
    kind: 'libccid',
    // libnfc's drivers, which set the configuration and then claim (libnfc drivers/*_usb.c).
    needles: ['Unable to open USB device', 'Unable to set USB configuration', 'Unable to set alternate setting'],
    pattern: /Unable to (open|set)\b.*\(([^)]+)\)/,
    see: (match) => usbFailed(/busy/i.test(match[2] as string) ? 'claim' : 'open', errorOf(match[2] as string)),
  },
  // usbip and usbipd, virtual machines and containers: the device was not handed over.
  {
    kind: 'usb',
    needles: ['Attach Request for', 'usbipd: error: ', 'vhci_driver', 'usbip: error: ', 'usbipd: warning: '],
    pattern: /Attach Request for \S+ failed|usbipd: error: (?!Multiple|Policy|Not all)|vhci_driver|usbip: error: (?!.*usb\.ids)|firewall (?:may be|appears to be) blocking/i,
    see: () => [{ name: 'usbip' }, { name: 'not-attached-told' }],
  },
  plain('usb', { name: 'not-attached-told' }, ['Failed to attach the USB device', 'Failed to create a proxy device', 'VERR_PDM_NO_USB_PORTS', 'to its ideal host controller', 'while adding custom device', 'failed to open host usb device', 'The connection for the USB device', 'Failed to attach USB device'], /attach (?:the )?USB device|proxy device|NO_USB_PORTS|ideal host controller|custom device "\/dev\/(?:bus\/usb|hidraw|usb)|host usb device|USB device .* was unsuccessful/i),
];
