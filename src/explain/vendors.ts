/** Vendors of USB devices, by the number that lsusb, the kernel and pcscd print (usb.ids). */

/** They make readers and tokens, and nothing else that is plugged in. */
export const readerMakers: ReadonlySet<string> = new Set(['1050', '20a0', '072f', '08e6', '04e6', '076b', '0b97', '0c4b', '234b', '316d', '2c97', '0529', '096e', '1a44', '0783']);

/** They make readers or tokens among other things. */
const others = ['0bda', '058f', '1209', '0a5c', '413c', '046a'];

export const mayMakeReaders = (vendor: string): boolean => readerMakers.has(vendor) || others.includes(vendor);
