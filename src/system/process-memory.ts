import { closeSync, openSync, readFileSync, readlinkSync, readSync } from 'node:fs';
import type { Mapping, ProcessMemory } from '../attribution/memory.ts';
import { SystemError } from './port.ts';

/** A process's memory and the architecture of its program. */
export interface OpenedMemory extends ProcessMemory {
  /** ELF e_machine of the program. */
  machine: number;
  close(): void;
}

/** elf.h: bytes of the identification, the class for 64 bit and where e_machine stands. */
const ELF = { magic: Buffer.from('\x7fELF'), class: 4, class64: 2, machine: 18, headerLength: 20 } as const;

/**
 * Opens /proc/PID/mem for reading: needs root or CAP_SYS_PTRACE, or that the process is a dumpable one of the same
 * user's and Yama does not forbid it (ptrace(2)); it does not stop the process.
 * Reads are synchronous: each is a copy inside the kernel of a page or less, microseconds apart, so that a walk
 * sees as short a span of time as can be had.
 * @param library whose variables are looked at; without one the program's own
 * @throws SystemError
 */
export function openProcessMemory(pid: number, library?: RegExp): OpenedMemory {
  const folder = `/proc/${pid}`;
  try {
    const exe = readlinkSync(`${folder}/exe`);
    const machine = machineOf(`${folder}/exe`);
    const mappings = parseMaps(readFileSync(`${folder}/maps`, 'latin1'), (path) => (library === undefined ? path === exe : library.test(path)));
    const fd = openSync(`${folder}/mem`, 'r');
    return { machine, mappings, read: (address, length, into) => readAt(fd, address, length, into), close: () => closeSync(fd) };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw error instanceof SystemError ? error : new SystemError(code ?? 'EIO', folder);
  }
}

function machineOf(path: string): number {
  const fd = openSync(path, 'r');
  try {
    const header = Buffer.alloc(ELF.headerLength);
    readSync(fd, header, 0, header.length, 0);
    const known = header.subarray(0, ELF.magic.length).equals(ELF.magic) && header[ELF.class] === ELF.class64;
    return known ? header.readUInt16LE(ELF.machine) : 0;
  } finally {
    closeSync(fd);
  }
}

function readAt(fd: number, address: number, length: number, buffer: Buffer = Buffer.allocUnsafe(length)): Buffer | null {
  try {
    return readSync(fd, buffer, 0, length, address) === length ? buffer : null;
  } catch {
    return null;
  }
}

/** Number of the system call a thread is in; null: it is running, closed to this user, or no thread of this process. */
export function syscallOf(pid: number, tid: number): number | null {
  try {
    const number = Number.parseInt(readFileSync(`/proc/${pid}/task/${tid}/syscall`, 'latin1'), 10);
    return Number.isInteger(number) ? number : null;
  } catch {
    return null;
  }
}

/** proc_pid_maps(5): start-end perms offset dev inode pathname. */
const MAPPING = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \d+ *(.*)$/;

/**
 * The writable private mappings that can hold a program's own structures: its variables and everything anonymous.
 * @param maps text of /proc/PID/maps
 * @param isOwn whether the variables of a mapped file are wanted
 */
export function parseMaps(maps: string, isOwn: (path: string) => boolean): Mapping[] {
  const mappings: Mapping[] = [];
  for (const line of maps.split('\n')) {
    const match = MAPPING.exec(line);
    if (match === null || match[3] !== 'rw-p') continue;
    const [start, end, path] = [Number.parseInt(match[1] ?? '', 16), Number.parseInt(match[2] ?? '', 16), match[4] ?? ''];
    // .bss beyond the file's last page is an anonymous mapping right behind the program's own.
    const before = mappings.at(-1);
    const continuesData = path === '' && before?.kind === 'data' && before.end === start;
    if (continuesData || (path !== '' && isOwn(path))) mappings.push({ start, end, kind: 'data' });
    else if (path === '' || path === '[heap]') mappings.push({ start, end, kind: 'heap' });
  }
  return mappings;
}
