import type { ProbeOutcome } from '../snapshot/schema.ts';

/** One result code of PC/SC. */
export interface PcscCode {
  /** Unsigned 32 bits, e.g. 0x8010000B. */
  number: number;
  /** SCARD_E_SHARING_VIOLATION */
  name: string;
  /** What it means, one short sentence. */
  text: string;
}

// Numbers and names: pcsc-lite PCSC/pcsclite.h. Those pcsc-lite never returns itself come from Windows, macOS or middleware.
const rows: readonly (readonly [number, string, string])[] = [
  [0x00000000, 'SCARD_S_SUCCESS', 'The command succeeded.'],
  [0x80100001, 'SCARD_F_INTERNAL_ERROR', 'An internal consistency check failed, or the real libpcsclite behind the redirector could not be loaded.'],
  [0x80100002, 'SCARD_E_CANCELLED', 'The call was cancelled by SCardCancel.'],
  [0x80100003, 'SCARD_E_INVALID_HANDLE', 'The context or card handle is not valid.'],
  [0x80100004, 'SCARD_E_INVALID_PARAMETER', 'A parameter is missing or impossible.'],
  [0x80100005, 'SCARD_E_INVALID_TARGET', 'The registry names no usable target.'],
  [0x80100006, 'SCARD_E_NO_MEMORY', 'No memory, or one context has as many handles as pcscd allows.'],
  [0x80100007, 'SCARD_F_WAITED_TOO_LONG', 'An internal timer ran out.'],
  [0x80100008, 'SCARD_E_INSUFFICIENT_BUFFER', 'The caller\'s buffer is too small for the answer.'],
  [0x80100009, 'SCARD_E_UNKNOWN_READER', 'No reader has this name: it was unplugged or renamed.'],
  [0x8010000a, 'SCARD_E_TIMEOUT', 'Nothing happened in the time the caller allowed.'],
  [0x8010000b, 'SCARD_E_SHARING_VIOLATION', 'Another handle on the reader does not allow this kind of access.'],
  [0x8010000c, 'SCARD_E_NO_SMARTCARD', 'No card is in the reader.'],
  [0x8010000d, 'SCARD_E_UNKNOWN_CARD', 'The card is not known to the system.'],
  [0x8010000e, 'SCARD_E_CANT_DISPOSE', 'The card could not be left in the state asked for.'],
  [0x8010000f, 'SCARD_E_PROTO_MISMATCH', 'The card already speaks another protocol than the ones asked for.'],
  [0x80100010, 'SCARD_E_NOT_READY', 'The reader or card cannot take commands yet.'],
  [0x80100011, 'SCARD_E_INVALID_VALUE', 'A parameter has an impossible value, or the reader behind the handle is gone.'],
  [0x80100012, 'SCARD_E_SYSTEM_CANCELLED', 'The system cancelled the call, e.g. at log-off.'],
  [0x80100013, 'SCARD_F_COMM_ERROR', 'The connection to the PC/SC service broke in the middle of a call.'],
  [0x80100014, 'SCARD_F_UNKNOWN_ERROR', 'An error without further description.'],
  [0x80100015, 'SCARD_E_INVALID_ATR', 'The card\'s answer to reset makes no sense.'],
  [0x80100016, 'SCARD_E_NOT_TRANSACTED', 'No transaction is open, or the reader failed to pass the command on.'],
  [0x80100017, 'SCARD_E_READER_UNAVAILABLE', 'The reader is listed, but its driver cannot reach it.'],
  [0x80100018, 'SCARD_P_SHUTDOWN', 'The call was ended because the system shuts down.'],
  [0x80100019, 'SCARD_E_PCI_TOO_SMALL', 'The protocol header handed over is too small.'],
  [0x8010001a, 'SCARD_E_READER_UNSUPPORTED', 'The driver does not do what the service needs.'],
  [0x8010001b, 'SCARD_E_DUPLICATE_READER', 'A reader of this name exists already.'],
  [0x8010001c, 'SCARD_E_CARD_UNSUPPORTED', 'The card does not do what the service needs.'],
  [0x8010001d, 'SCARD_E_NO_SERVICE', 'The PC/SC service (pcscd) cannot be reached.'],
  [0x8010001e, 'SCARD_E_SERVICE_STOPPED', 'With pcsc-lite: libpcsclite and pcscd speak different protocol versions.'],
  [0x8010001f, 'SCARD_E_UNSUPPORTED_FEATURE', 'The driver does not know this function (on Windows this number is SCARD_E_UNEXPECTED).'],
  [0x80100020, 'SCARD_E_ICC_INSTALLATION', 'The card has no primary provider.'],
  [0x80100021, 'SCARD_E_ICC_CREATEORDER', 'Objects on the card cannot be made in this order.'],
  [0x80100022, 'SCARD_E_UNSUPPORTED_FEATURE', 'Windows: the card does not support this function.'],
  [0x80100023, 'SCARD_E_DIR_NOT_FOUND', 'The card has no such directory.'],
  [0x80100024, 'SCARD_E_FILE_NOT_FOUND', 'The card has no such file.'],
  [0x80100025, 'SCARD_E_NO_DIR', 'The path is not a directory of the card.'],
  [0x80100026, 'SCARD_E_NO_FILE', 'The path is not a file of the card.'],
  [0x80100027, 'SCARD_E_NO_ACCESS', 'The card denies access to the file.'],
  [0x80100028, 'SCARD_E_WRITE_TOO_MANY', 'The card has not enough memory for the data.'],
  [0x80100029, 'SCARD_E_BAD_SEEK', 'The card\'s file pointer could not be set.'],
  [0x8010002a, 'SCARD_E_INVALID_CHV', 'The PIN is wrong.'],
  [0x8010002b, 'SCARD_E_UNKNOWN_RES_MNG', 'A layer below answered with a code nobody knows.'],
  [0x8010002c, 'SCARD_E_NO_SUCH_CERTIFICATE', 'The certificate does not exist.'],
  [0x8010002d, 'SCARD_E_CERTIFICATE_UNAVAILABLE', 'The certificate could not be read.'],
  [0x8010002e, 'SCARD_E_NO_READERS_AVAILABLE', 'The service runs, but knows no reader.'],
  [0x8010002f, 'SCARD_E_COMM_DATA_LOST', 'Data to or from the card got lost.'],
  [0x80100030, 'SCARD_E_NO_KEY_CONTAINER', 'The card has no such key container.'],
  [0x80100031, 'SCARD_E_SERVER_TOO_BUSY', 'The service is too busy.'],
  [0x80100065, 'SCARD_W_UNSUPPORTED_CARD', 'The reader cannot talk to this card.'],
  [0x80100066, 'SCARD_W_UNRESPONSIVE_CARD', 'The card does not answer a reset.'],
  [0x80100067, 'SCARD_W_UNPOWERED_CARD', 'The card could not be powered up: it is mute, inserted wrongly or broken.'],
  [0x80100068, 'SCARD_W_RESET_CARD', 'Another program reset the card; its PIN state is lost.'],
  [0x80100069, 'SCARD_W_REMOVED_CARD', 'The card was taken out.'],
  [0x8010006a, 'SCARD_W_SECURITY_VIOLATION', 'Access was refused, usually by polkit.'],
  [0x8010006b, 'SCARD_W_WRONG_CHV', 'The PIN is wrong.'],
  [0x8010006c, 'SCARD_W_CHV_BLOCKED', 'The PIN is blocked after too many wrong tries.'],
  [0x8010006d, 'SCARD_W_EOF', 'The end of the card\'s file was reached.'],
  [0x8010006e, 'SCARD_W_CANCELLED_BY_USER', 'The user cancelled.'],
  [0x8010006f, 'SCARD_W_CARD_NOT_AUTHENTICATED', 'No PIN was presented to the card.'],
];

/** Every PC/SC code, by ascending number. */
export const pcscCodes: readonly PcscCode[] = rows.map(([number, name, text]) => ({ number, name, text }));

const byNumber = new Map(pcscCodes.map((code) => [code.number, code]));
// The first row of a name wins: pcsc-lite's own number before the one of Windows.
const byName = new Map([...pcscCodes].reverse().map((code) => [code.name, code]));

/** The code with this number (any width or sign, see `to32`), or undefined. */
export function findCode(rv: number | bigint): PcscCode | undefined {
  return byNumber.get(to32(rv));
}

/** The code with this name, in any case, or undefined. */
export function findCodeByName(name: string): PcscCode | undefined {
  return byName.get(name.toUpperCase());
}

/**
 * A result as unsigned 32 bits. macOS prints it as a negative 32-bit number, 64-bit Linux programs sometimes
 * sign-extended to 16 hex digits; both are the same code.
 */
export function to32(rv: number | bigint): number {
  return Number(BigInt.asUintN(32, BigInt(rv)));
}

/** `0x8010000B`: eight digits, upper case. */
export function hexOf(rv: number | bigint): string {
  return `0x${to32(rv).toString(16).toUpperCase().padStart(8, '0')}`;
}

/** Name and number of a result; the name is null where PC/SC defines none for the number. */
export function describeCode(rv: number | bigint): { code: string | null; hex: string } {
  return { code: findCode(rv)?.name ?? null, hex: hexOf(rv) };
}

/** `SCARD_E_SHARING_VIOLATION (0x8010000B)`, or `unknown PC/SC code (0x53204253)`. */
export function formatCode(rv: number | bigint): string {
  return `${findCode(rv)?.name ?? 'unknown PC/SC code'} (${hexOf(rv)})`;
}

const INTEGER = /^(?:(-)?0x([0-9a-f]{1,16})|(-?\d{1,20})|([0-9a-f]{8}|[0-9a-f]{16}))$/i;

/**
 * Reads a code as people and logs write it: `0x8010000B`, `8010000b`, `0xFFFFFFFF8010000B`, `-2146435061`,
 * `2148532235`, `SCARD_E_SHARING_VIOLATION`.
 * @returns unsigned 32 bits, or null when the text is no such thing, or a number that does not fit in 32 bits
 *   with or without sign extension
 */
export function parseCode(text: string): number | null {
  const trimmed = text.trim();
  const named = findCodeByName(trimmed);
  if (named !== undefined) return named.number;
  const match = INTEGER.exec(trimmed);
  if (match === null) return null;
  const [, minus, prefixed, decimal, bare] = match;
  // Eight digits that are all decimal are a hex code when they look like one: nobody writes 80100009 otherwise.
  if (decimal !== undefined && /^8010\d{4}$/.test(decimal)) return Number.parseInt(decimal, 16);
  const magnitude = BigInt(decimal ?? `0x${prefixed ?? bare}`);
  return fits32(minus === undefined ? magnitude : -magnitude);
}

/** The value as unsigned 32 bits when the bits above are none or copies of the sign. */
function fits32(value: bigint): number | null {
  const signed64 = BigInt.asIntN(64, value);
  const sameIn64 = BigInt.asUintN(64, value) === value || signed64 === value;
  const sameIn32 = BigInt.asUintN(32, signed64) === signed64 || BigInt.asIntN(32, signed64) === signed64;
  return sameIn64 && sameIn32 ? to32(signed64) : null;
}

const outcomes = new Map<number, ProbeOutcome>([
  [0x00000000, 'ok'],
  [0x8010000b, 'sharing-violation'],
  [0x8010000c, 'no-card'],
  [0x80100069, 'no-card'],
  [0x80100067, 'unpowered'],
  [0x80100066, 'unresponsive'],
  [0x8010000f, 'proto-mismatch'],
  [0x8010006a, 'access-denied'],
  [0x8010001d, 'no-service'],
  [0x8010001e, 'protocol-mismatch'],
]);

/** What the result of a connect says about sharing; codes that say nothing about it are `error`. */
export function outcomeOf(rv: number | bigint): ProbeOutcome {
  return outcomes.get(to32(rv)) ?? 'error';
}
