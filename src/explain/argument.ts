import { formatCode, parseCode } from '../pcsc/codes.ts';
import { seeGpgNumber } from './signs/gpg.ts';

/**
 * A word of the command line as the message it stands for: a bare error number in any notation becomes the line
 * that would have printed it. A number that could be of PC/SC and of libgpg-error is of PC/SC.
 */
export function asMessage(word: string): string {
  const pcsc = parseCode(word);
  if (pcsc !== null && pcsc >>> 16 === 0x8010) return formatCode(pcsc);
  return /^\d{1,10}$/.test(word) && seeGpgNumber(Number(word)).length > 0 && Number(word) >= 1 << 24 ? `ERR ${word}` : word;
}
