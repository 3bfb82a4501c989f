/** What a reader can do, by its CCID class descriptor (USB CCID 1.1, 5.1). */
import type { UsbDevice } from '../src/snapshot/schema.ts';

type Descriptor = UsbDevice['ccid'][number];

const T1 = 0x2;
const TPDU_LEVEL = 0x1_0000;
const SHORT_APDU_LEVEL = 0x2_0000;
const EXTENDED_APDU_LEVEL = 0x4_0000;

/** What scdaemon's own driver misses in a reader (GnuPG 2.2.40 and 2.4.8 scd/ccid-driver.c, parse_ccid_descriptor); empty: nothing. */
export function missingForScdaemon({ protocols, features }: Descriptor): string[] {
  return [
    ...((protocols & T1) === 0 ? ['the protocol T=1'] : []),
    ...((features & (TPDU_LEVEL | SHORT_APDU_LEVEL | EXTENDED_APDU_LEVEL)) === 0 ? ['TPDU and APDU level exchange'] : []),
  ];
}

/** It takes whole commands, and short ones only: no driver can send it a long one (CCID src/ccid.h, CCID_CLASS_SHORT_APDU). */
export const takesShortCommandsOnly = ({ features }: Descriptor): boolean => (features & (TPDU_LEVEL | SHORT_APDU_LEVEL | EXTENDED_APDU_LEVEL)) === SHORT_APDU_LEVEL;

/** In words, for evidence. */
export const descriptorSays = ({ interface: number, protocols, features }: Descriptor): string =>
  `Its CCID descriptor (interface ${number}) says dwProtocols 0x${protocols.toString(16).padStart(8, '0')}, dwFeatures 0x${features.toString(16).padStart(8, '0')}.`;
