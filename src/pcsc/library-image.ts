/**
 * What the file of a libpcsclite tells of itself. It carries no version, but its code holds the protocol version it
 * announces, and its messages those that came later. Pure: takes bytes.
 */
import type { Protocol } from './compatibility.ts';

export interface LibraryImage {
  /** redirector: hands calls on to another library (pcsc-lite ≥ 2.1.0); client: speaks with pcscd itself. */
  role: 'client' | 'redirector';
  /** null: not found, or not without doubt. */
  protocol: Protocol | null;
  /** Asks a pcscd that refused it once more, in pcscd's version; null: it does not say. */
  adapts: boolean | null;
  /** Entries of the reader table it was built for; null: it learns that from pcscd (≥ 2.5.0), or it cannot be told. */
  slots: number | null;
}

/** Words of SCardEstablishContext (pcsc-lite src/winscard_clnt.c): of every version since 1.6.0, and since 2.4.1. */
const CLIENT_WORDS = 'Your pcscd is too old and does not support CMD_VERSION';
const ADAPTING_WORDS = 'Using backward compatibility';
/** What a redirector loads (pcsc-lite src/libredirect.c). */
const REDIRECTED = 'libpcsclite_real.so.1';

/** Whether these bytes hold libpcsclite's client, as a library of its own or linked into a program. */
export const holdsClient = (bytes: Buffer): boolean => bytes.includes(CLIENT_WORDS);

/** Whether the client in these bytes asks once more; only where `holdsClient`. */
export const holdsAdaptingClient = (bytes: Buffer): boolean => bytes.includes(ADAPTING_WORDS);

/** @returns null for what is no part of libpcsclite */
export function readLibraryImage(bytes: Buffer): LibraryImage | null {
  if (!holdsClient(bytes)) return bytes.includes(REDIRECTED) ? { role: 'redirector', protocol: null, adapts: null, slots: null } : null;
  const elf = readElf(bytes);
  const protocol = elf === null ? null : announcedProtocol(elf);
  return { role: 'client', protocol, adapts: holdsAdaptingClient(bytes), slots: elf === null ? null : tableSlots(elf, protocol) };
}

// --- the protocol version

const MAJOR = 4;
/** Minor versions there may be: the first with today's structures, and some to come. */
const isMinor = (minor: number): boolean => minor >= 2 && minor <= 9;

/**
 * A place where the code sets the two numbers of the version at once. Compilers put the pair into one constant of 64
 * bits, in the data or in an instruction.
 */
interface Place {
  section: '.text' | '.rodata';
  /** Bytes; code and data are aligned to it. */
  alignment: number;
  /** What it begins with. */
  mark: Buffer;
  /** The minor version that is set there; null: this is something else. */
  minor: (bytes: Buffer, at: number) => number | null;
}

const PAIR = Buffer.from([MAJOR, 0, 0, 0]);
const second = (bytes: Buffer, at: number): number | null => (at + 8 > bytes.length ? null : bytes.readUInt32LE(at + 4));

const constant: Place = { section: '.rodata', alignment: 8, mark: PAIR, minor: second };
/** movabs $imm64, %reg: REX.W (48, 49), opcode B8 to BF, the number. */
const movabs: Place = {
  section: '.text',
  alignment: 1,
  mark: PAIR,
  minor: (bytes, at) => ((bytes[at - 2] === 0x48 || bytes[at - 2] === 0x49) && ((bytes[at - 1] as number) & 0xf8) === 0xb8 ? second(bytes, at) : null),
};
/** movi v0.2s, #4: both numbers are four. */
const movi: Place = { section: '.text', alignment: 4, mark: Buffer.from([0x80, 0x04, 0x00, 0x0f]), minor: () => MAJOR };

/** By ELF e_machine: x86-64 and AArch64. Seen in Debian's libraries 1.9.1 to 2.5.3; others give no answer. */
const places: Readonly<Record<number, readonly Place[]>> = { 62: [constant, movabs], 183: [constant, movi] };

/** The one version that occurs; null where there is none, or more than one. */
function announcedProtocol({ machine, sections }: Elf): Protocol | null {
  const [minor, ...others] = new Set((places[machine] ?? []).flatMap((place) => minorsAt(place, sections.get(place.section)?.bytes ?? Buffer.alloc(0))));
  return minor === undefined || others.length > 0 ? null : { major: MAJOR, minor };
}

function minorsAt({ mark, alignment, minor }: Place, bytes: Buffer): number[] {
  const found: number[] = [];
  for (let at = bytes.indexOf(mark); at !== -1; at = bytes.indexOf(mark, at + 1)) {
    const one = at % alignment === 0 ? minor(bytes, at) : null;
    if (one !== null && isMinor(one)) found.push(one);
  }
  return found;
}

// --- the reader table

/** Bytes of an entry (READER_STATE), and of all other variables of the library at most. */
const ENTRY = 184;
const OTHER_VARIABLES = 1024;
/** PCSCLITE_MAX_READERS_CONTEXTS upstream, and with Fedora's pcsc-lite-maxreaders.patch. */
const TABLES = [16, 48];
/** From this minor version on the table is made as large as pcscd's. */
const MINOR_WITH_LENGTH = 6;

/** Up to 2.4.1 the table is a static variable (src/winscard_clnt.c: readerStates), by far the largest. */
function tableSlots(elf: Elf, protocol: Protocol | null): number | null {
  const size = elf.sections.get('.bss')?.size;
  if (size === undefined || (protocol !== null && protocol.minor >= MINOR_WITH_LENGTH)) return null;
  return TABLES.find((slots) => size >= slots * ENTRY && size < slots * ENTRY + OTHER_VARIABLES) ?? null;
}

// --- ELF

interface Section {
  bytes: Buffer;
  /** Also of what takes no place in the file. */
  size: number;
}

interface Elf {
  machine: number;
  sections: ReadonlyMap<string, Section>;
}

/** No file of interest has more. */
const MAX_SECTIONS = 128;
const NOBITS = 8;

/** Offsets of elf(5) for 64-bit files; others carry none of the patterns above. */
function readElf(bytes: Buffer): Elf | null {
  const is64BitLittleEndian = bytes.length >= 64 && bytes.readUInt32BE(0) === 0x7f454c46 && bytes[4] === 2 && bytes[5] === 1;
  if (!is64BitLittleEndian) return null;
  const table = Number(bytes.readBigUInt64LE(40));
  const [entrySize, count, namesIndex] = [58, 60, 62].map((offset) => bytes.readUInt16LE(offset)) as [number, number, number];
  if (entrySize < 64 || count > MAX_SECTIONS || table + count * entrySize > bytes.length) return null;
  const headers = Array.from({ length: count }, (_, index) => readHeader(bytes, table + index * entrySize));
  const names = headers[namesIndex];
  if (names === undefined) return null;
  const nameOf = (offset: number) => bytes.toString('latin1', names.offset + offset, names.offset + offset + 16).split('\0', 1)[0] as string;
  return { machine: bytes.readUInt16LE(18), sections: new Map(headers.map(({ name, type, offset, size }) => [nameOf(name), { size, bytes: type === NOBITS ? Buffer.alloc(0) : bytes.subarray(offset, offset + size) }])) };
}

const readHeader = (bytes: Buffer, at: number) => ({
  name: bytes.readUInt32LE(at),
  type: bytes.readUInt32LE(at + 4),
  offset: Number(bytes.readBigUInt64LE(at + 24)),
  size: Number(bytes.readBigUInt64LE(at + 32)),
});
