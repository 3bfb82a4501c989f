/** Vendors of USB devices, by the number that lsusb, the kernel and pcscd print (usb.ids). */

/** They make readers and tokens, and nothing else that is plugged in. */
export const readerMakers: ReadonlySet<string> = new Set(['1050', '20a0', '072f', '08e6', '04e6', '076b', '0b97', '0c4b', '234b', '316d', '2c97', '0529', '096e', '1a44', '0783']);

/** Makers of what libccid lists (CCID readers/supported_readers.txt), without those that make everything. */
const known: ReadonlySet<string> = new Set(
  (
    '046a 04a4 04e6 0529 058f 072f 073d 076b 0783 079b 08c3 08df 08e6 096e 0973 0982 09be 09c3 09d8 0a5c 0a89 0b0c 0b81 0b97 0bda 0bf8 0c4b 0ca6 0d46 0db5 0dc3 0e0f 0f14 0f1a ' +
    '1050 1059 1206 1209 14dd 15cf 163c 1677 1862 19a6 19c8 19e7 1a44 1a74 1b0e 1c34 1cf0 1db2 1e0d 1fc9 1fd3 1ffa 20a0 2021 21ab 234b 23a0 2406 24a2 24dc 257b 25dd 28b9 2a17 2c97 2ce3 316d 349e 413c a625'
  ).split(' '),
);

/** They make readers or tokens, perhaps among other things. */
export const mayMakeReaders = (vendor: string): boolean => known.has(vendor);
