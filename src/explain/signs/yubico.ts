import type { Observation } from '../observation.ts';
import { plain, type Sign } from '../sign.ts';

/** Headings of ykman --diagnose (ykman diagnostics.py): what is indented below the first are the readers PC/SC has. */
const READERS = /Detected PC\/SC readers:\s*$/;
const TOKENS = /Detected YubiKeys over PC\/SC:\s*$/;
const READER = /^\s*(?:[>|]\s*)?\S.*(?:: |\(connect: )(?:Success|<?\w*(?:Exception|Error))/;

/** An empty list under a heading shows at the next heading. Python prints it only if PC/SC answered. */
function diagnoseSign(): Sign {
  let readers: number | null = null;
  return {
    kind: 'ykman',
    needles: ['Detected PC/SC readers', 'Detected YubiKeys over PC/SC', ': Success', 'connect: ', 'ConnectionException', 'NoCardException'],
    see: (_, text) => {
      if (READERS.test(text)) {
        readers = 0;
        return null;
      }
      if (TOKENS.test(text)) {
        const none = readers === 0;
        readers = null;
        return none ? [{ name: 'no-reader' }, { name: 'service-answers' }] : null;
      }
      if (readers === null || !READER.test(text)) return null;
      readers++;
      return /Success/.test(text) ? [{ name: 'reader-connects' }, { name: 'reader-listed' }] : { name: 'reader-listed' };
    },
  };
}

/** Modes of a YubiKey as ykman and ykpersonalize set them: CCID is the interface of PIV, OATH and OpenPGP. */
function seeMode(match: RegExpExecArray): Observation {
  return { name: /CCID/i.test(match[1] as string) ? 'token-configured' : 'token-applet-missing' };
}

/** Messages of ykman, Yubico Authenticator and yubico-piv-tool that other programs do not write. */
export const yubicoSigns = (): readonly Sign[] => [
  diagnoseSign(),
  { kind: 'ykman', needles: ['config mode', 'ykman mode'], pattern: /ykman\S* (?:config )?mode ((?:OTP|FIDO|U2F|CCID)(?:\+(?:OTP|FIDO|U2F|CCID))*)/i, see: seeMode },
  // ykman knows the interfaces by the product number of the device: this one is off.
  plain('ykman', { name: 'token-configured' }, ['of the following USB interfaces to be enabled']),
  plain('ykman', { name: 'client-failed', client: 'ykman' }, ['of the following USB interfaces to be enabled', 'No matching device found', 'No driver found for serial']),
  // Authenticator 4 says so whenever the key shows over HID and not over PC/SC.
  plain('ykman', { name: 'ccid-not-found' }, ['CCID connection mode is not', 'CCID/OTP supported and compatible', 'CCID supported and compatible']),
  // A mode in which the serial number may not be read: yubico-piv-tool before 2.0 gave up there.
  plain('client', { name: 'token-applet-missing' }, ['retrieving serial number: 6', 'serial-api-visible'], /serial number: 69|serial-api-visible/),
  // What yubico-piv-tool -v and ykman --log-level print of commands: the connect worked, and the card gets them.
  plain('client', { name: 'reader-connects' }, ['> 00 a4 04', '> 00a404', 'SCardConnect succeeded', 'SEND: 00a404', 'Using exclusive CCID connection'], /^(?!.*winscard).*(?:> 00 ?a4 ?04|SCardConnect succeeded|SEND: 00a404|exclusive CCID)/i),
];
