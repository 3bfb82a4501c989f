import { closeSync, constants, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { type FileStat, type System, SystemError } from './port.ts';
import { run } from './run.ts';

const MEBIBYTE = 1024 * 1024;

function systemError(error: unknown, path: string): SystemError {
  const code = (error as NodeJS.ErrnoException).code;
  return new SystemError(typeof code === 'string' ? code : 'EIO', path);
}

function orSystemErrorSync<T>(path: string, work: (path: string) => T): T {
  try {
    return work(path);
  } catch (error) {
    throw systemError(error, path);
  }
}

async function orSystemError<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw systemError(error, path);
  }
}

/**
 * Files that the kernel makes up in memory are read at once: six times faster than a turn through the thread pool
 * per call, and there are thousands. Not /sys: some of its attributes wait for a lock that a device in trouble holds.
 */
const isProc = (path: string): boolean => path.startsWith('/proc/');

function readProc(path: string, offset: number, length: number): Buffer {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const buffer = Buffer.allocUnsafe(Math.min(65536, length));
    const chunks: Buffer[] = [];
    for (let read = 0; read < length; ) {
      const bytesRead = readSync(file, buffer, 0, Math.min(buffer.length, length - read), offset === 0 ? null : offset + read);
      if (bytesRead === 0) break;
      chunks.push(Buffer.from(buffer.subarray(0, bytesRead)));
      read += bytesRead;
    }
    return Buffer.concat(chunks);
  } finally {
    closeSync(file);
  }
}

async function readBytes(path: string, offset: number, length: number): Promise<Buffer> {
  if (isProc(path)) return readProc(path, offset, length);
  // O_NONBLOCK: opening a FIFO that somebody put where a file belongs must not hang.
  const handle = await fs.open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    // Files of /proc and /sys report size 0, so the length asked for is read, not the size.
    const chunks: Buffer[] = [];
    let read = 0;
    while (read < length) {
      const chunk = Buffer.allocUnsafe(Math.min(65536, length - read));
      const { bytesRead } = await handle.read(chunk, 0, chunk.length, offset === 0 ? null : offset + read);
      if (bytesRead === 0) break;
      chunks.push(chunk.subarray(0, bytesRead));
      read += bytesRead;
    }
    return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
  } finally {
    await handle.close();
  }
}

/** What of lstat or stat the collectors use. */
export function fileStat(stat: Awaited<ReturnType<typeof fs.stat>>): FileStat {
  const kind = stat.isFile()
    ? 'file'
    : stat.isDirectory()
      ? 'directory'
      : stat.isSocket()
        ? 'socket'
        : stat.isCharacterDevice()
          ? 'character-device'
          : stat.isFIFO()
            ? 'fifo'
            : 'other';
  return {
    kind,
    mode: Number(stat.mode) & 0o7777,
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    size: Number(stat.size),
    mtimeMs: Number(stat.mtimeMs),
    inode: Number(stat.ino),
  };
}

/** The machine cardcheck runs on. */
export function realSystem(): System {
  return {
    platform: process.platform === 'darwin' ? 'darwin' : 'linux',
    uid: process.geteuid?.() ?? 0,
    gid: process.getegid?.() ?? 0,
    groups: process.getgroups?.() ?? [],
    pid: process.pid,
    live: true,
    env: (name) => process.env[name],
    now: () => Date.now(),
    readFile: async (path, limit = MEBIBYTE) => (await orSystemError(path, readBytes(path, 0, limit))).toString('utf8'),
    readBytes: (path, offset, length) => orSystemError(path, readBytes(path, offset, length)),
    readDir: async (path) => (isProc(path) ? orSystemErrorSync(path, (folder) => readdirSync(folder)) : await orSystemError(path, fs.readdir(path))).sort(),
    readLink: async (path) => (isProc(path) ? orSystemErrorSync(path, (link) => readlinkSync(link)) : orSystemError(path, fs.readlink(path))),
    realPath: (path) => orSystemError(path, fs.realpath(path)),
    stat: async (path) => fileStat(await orSystemError(path, fs.stat(path))),
    access: async (path, mode) => {
      const bits = (mode === 'write' ? 0 : constants.R_OK) | (mode === 'read' ? 0 : constants.W_OK);
      try {
        await fs.access(path, bits);
        return true;
      } catch (error) {
        const wrapped = systemError(error, path);
        if (wrapped.isDenied || wrapped.code === 'EROFS') return false;
        throw wrapped;
      }
    },
    run,
  };
}
