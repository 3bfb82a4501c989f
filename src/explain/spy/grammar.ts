/**
 * The two forms of a pcsc-spy log (pcsc-lite src/spy): the raw stream of libpcscspy.c, `THREAD@payload`, and
 * the listing that the script pcsc-spy makes of it, which web pages run together into one line.
 */
import { parseCode } from '../../pcsc/codes.ts';

export type SpyEvent =
  | { kind: 'enter'; thread: string; call: string; atUs: number | null }
  | { kind: 'value'; thread: string; direction: 'in' | 'out' | null; name: string | null; value: string }
  | { kind: 'leave'; thread: string; call: string | null; code: number; atUs: number | null; seconds: number | null };

const CALLS = [
  'SCardEstablishContext', 'SCardReleaseContext', 'SCardIsValidContext', 'SCardConnect', 'SCardReconnect', 'SCardDisconnect', 'SCardBeginTransaction', 'SCardEndTransaction', 'SCardStatus',
  'SCardGetStatusChange', 'SCardControl', 'SCardTransmit', 'SCardListReaderGroups', 'SCardListReaders', 'SCardFreeMemory', 'SCardCancel', 'SCardGetAttrib', 'SCardSetAttrib',
] as const;
/** The script misspells one (pcsc-spy, _SCardControl). */
const misspelt = new Map([['SCarControl', 'SCardControl']]);
const known = new Set<string>(CALLS);

/** Words in a line that a spy log can be known by; from there on every line is read. */
export const spyNeedles: readonly string[] = ['|SCardEstablishContext', '|SCardConnect', '|SCardReconnect', '|SCardListReaders', '|SCardGetStatusChange', '|SCardBeginTransaction', ' i hCo', ' i hCa', ' i dwSc', ' i dwSh', '=> SCARD', ' => SCARD_S_SUCCESS [0x'];

/** Whether a line of the listing is about a parameter going in. */
export const startsParameters = (text: string): boolean => /^\s*(?:\(t\d+\) )? ?i (?:hContext|hCard|dwScope)/.test(text);

const RAW = /^([0-9A-F]{1,16})@(.*)$/;
const RAW_MARK = /^([<>])\|(\d+)\|(\d+)\|(SCard\w+)(?:\|(0x[0-9A-F]{8,16}))?$/;

/** The event of one raw line, null when it is none. */
export function rawEvent(text: string): SpyEvent | null {
  const line = RAW.exec(text);
  if (line === null) return null;
  const [, thread, payload] = line as unknown as [string, string, string];
  const mark = RAW_MARK.exec(payload);
  if (mark === null) return { kind: 'value', thread, direction: null, name: null, value: payload };
  const [, way, seconds, micros, call, rv] = mark as unknown as [string, string, string, string, string, string | undefined];
  const atUs = Number(seconds) * 1e6 + Number(micros);
  if (way === '>') return { kind: 'enter', thread, call, atUs };
  return { kind: 'leave', thread, call, code: parseCode(rv ?? '') ?? 0, atUs, seconds: null };
}

// Where one line of the listing ends and the next begins, when a web page took the line ends away.
const SEAMS = /(?<=\[(?:\d+\.\d{6}|\?\?\.\?\?)\])\s*(?=\S)|(?=\s=> SCARD_)|(?=\s[io] {1,2}(?:hContext|phContext|szReader|dw[A-Z]|hCard|phCard|pdw|pio|bSend|bRecv|cReaders|mszReaders|mszGroups|pcch|cch|cb[A-Z]|bAttr|attr|rg|\d{4} ))/;
const LISTED_CALL = /^\s*(?:\((t\d+)\) )?(SCard?\w+)\s*$/;
const LISTED_VALUE = /^\s*(?:\((t\d+)\) )?([io]) {1,2}(\S.*)$/;
const LISTED_RESULT = /^\s*(?:\((t\d+)\) )?\s*=> (SCARD_\w+) \[(0x[0-9A-F]{8,16})\]\s*(?:\[(\d+\.\d{1,9}|\?\?\.\?\?)\])?\s*$/i;

/** The events of one line of a listing; empty when it is none. */
export function listedEvents(text: string): SpyEvent[] {
  const indent = (/^ */.exec(text) as RegExpExecArray)[0].length;
  // Further threads are indented by four columns each unless the log names them.
  const thread = `t${Math.floor(indent / 4)}`;
  const pieces = text.slice(indent).split(SEAMS).filter((piece) => piece.trim() !== '');
  const events: SpyEvent[] = [];
  for (const piece of pieces) {
    const event = listedEvent(piece, thread);
    if (event === null) return [];
    events.push(event);
  }
  return events;
}

function listedEvent(text: string, indented: string): SpyEvent | null {
  const result = LISTED_RESULT.exec(text);
  if (result !== null) {
    const [, thread, name, hex, seconds] = result as unknown as [string, string | undefined, string, string, string | undefined];
    return { kind: 'leave', thread: thread ?? indented, call: null, code: parseCode(hex) ?? parseCode(name) ?? 0, atUs: null, seconds: seconds === undefined || seconds.startsWith('?') ? null : Number(seconds) };
  }
  const call = LISTED_CALL.exec(text);
  if (call !== null) {
    const name = misspelt.get(call[2] as string) ?? (call[2] as string);
    return known.has(name) ? { kind: 'enter', thread: call[1] ?? indented, call: name, atUs: null } : null;
  }
  const value = LISTED_VALUE.exec(text);
  if (value === null) return null;
  const [, thread, direction, rest] = value as unknown as [string, string | undefined, string, string];
  const named = /^([A-Za-z]\w*(?:\.\w+)?):? (.*)$/.exec(rest);
  return { kind: 'value', thread: thread ?? indented, direction: direction === 'i' ? 'in' : 'out', name: named?.[1] ?? null, value: named?.[2] ?? rest };
}
