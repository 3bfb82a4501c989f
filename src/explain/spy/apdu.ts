import type { SpyApdu, SpyCall } from '../explanation.ts';

/** INS and P1 of SELECT by name (ISO 7816-4): the name of an application is no secret. */
const SELECT = [0xa4, 0x04];
const HEADER = 4;

const RAW_BUFFER = /^(?:[0-9A-F]{2} )+$/;
/** Offset, up to 16 bytes, then the same as text, which is as secret as the bytes. */
const DUMP = /^[0-9A-F]{4} ((?:[0-9A-F]{2} ?){1,16})/;

/** The bytes in a line that is a buffer of either form; none for any other line. */
export function bytesIn(value: string): number[] {
  const hex = RAW_BUFFER.test(value) ? value : DUMP.exec(value)?.[1];
  return (hex?.match(/[0-9A-F]{2}/g) ?? []).map((byte) => Number.parseInt(byte, 16));
}

/** What may be shown of a command: its header, the name it selects, the status it got. */
export function apduOf({ line, thread, seconds }: SpyCall, command: readonly number[], response: readonly number[]): SpyApdu {
  const selects = command[1] === SELECT[0] && command[2] === SELECT[1];
  const visible = selects ? command.slice(0, HEADER + 1 + (command[HEADER] ?? 0)) : command.slice(0, HEADER);
  const status = response.length >= 2 ? hex(response.slice(-2)).replace(' ', '') : null;
  return { line, thread, command: hex(visible), dataBytes: command.length - visible.length, status, seconds };
}

const hex = (bytes: readonly number[]): string => bytes.map((byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join(' ');
