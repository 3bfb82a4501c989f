/**
 * What must never be repeated from somebody's log: PINs in command APDUs (VERIFY 20 and 21, CHANGE 24 and 25,
 * RESET RETRY COUNTER 2C; ISO 7816-4), in CCID frames around them, and in words.
 */
const hidden = (count: number): string => `[${count} bytes hidden]`;

/** Bytes apart; everything behind the header goes, because what carries a PIN may be wrapped or chained. */
const SPACED = /\b([0-9a-f]{2})((?:[ :][0-9a-f]{2}){3})((?:[ :][0-9a-f]{2})+)\b/gi;
/** Bytes run together: only behind what looks like one of those commands; serial numbers and fingerprints stay. */
const JOINED = /^(.*?[018acde][0-9a-f](?:2[01245]|2c)[0-9a-f]{4})([0-9a-f]{8,})$/i;
const WORDS = /\b((?:new|old|user|admin|so|card|current)?[ _-]?(?:pin|puk|passphrase|password|passwd|unblocking key|reset code|management[ -]key)["']?\s*(?:[=:]|\bis\b)\s*["']?)([^\s"',;]+)/gi;
const ARGUMENTS = /((?:--(?:so-|new-|admin-)?(?:pin|puk|passphrase|password|management-key|new-pin)|\s-(?:P|N|k)(?=[ =]))[= ]+["']?)([^\s"']+)/g;

/** An answer to reset starts so and holds no secret. */
const isAtr = (first: string): boolean => /^3[bf]$/i.test(first);

/** Bytes that an answer to reset has by its own account (ISO 7816-3, 8.2); a command may stand right behind it. */
function atrLength(bytes: readonly number[]): number {
  const [, format = 0] = bytes;
  let [length, present, hasCheck] = [2, format >> 4, false];
  while (present !== 0 && length < bytes.length) {
    length += [1, 2, 4, 8].filter((bit) => (present & bit) !== 0).length;
    if ((present & 8) === 0) break;
    const next = bytes[length - 1] ?? 0;
    hasCheck ||= (next & 0x0f) !== 0;
    present = next >> 4;
  }
  return length + (format & 0x0f) + Number(hasCheck);
}

/** An answer to reset as it is, without what runs on behind it. @param width characters a byte takes, and what stands between two */
function onlyAtr(run: string, width: number): string {
  const bytes = Array.from({ length: Math.ceil(run.length / width) }, (_, index) => Number.parseInt(run.slice(index * width, index * width + 2), 16));
  const length = atrLength(bytes);
  return length >= bytes.length ? run : `${run.slice(0, length * width).trimEnd()} ${hidden(bytes.length - length)}`;
}

/** The text without anything that may be a PIN or key. Linear in its length. */
export function withoutSecrets(text: string): string {
  return text
    .replace(SPACED, (whole, first: string, header: string, rest: string) => (isAtr(first) ? onlyAtr(whole, 3) : `${first}${header} ${hidden(rest.length / 3)}`))
    .replace(/\b[0-9a-f]{16,}\b/gi, (run) => (isAtr(run.slice(0, 2)) ? onlyAtr(run, 2) : run.replace(JOINED, (_, header: string, rest: string) => `${header}${hidden(rest.length / 2)}`)))
    .replace(WORDS, (whole, words: string, value: string) => (/^(?:\d+|\D{0,3})$/.test(value) && !/^\d{4,}$/.test(value) ? whole : `${words}[hidden]`))
    .replace(ARGUMENTS, '$1[hidden]');
}
