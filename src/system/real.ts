import * as nodeFs from 'node:fs';
import * as fs from 'node:fs/promises';
import { before } from '../pcsc/deadline.ts';
import type { Ahead } from './ahead.ts';
import { type FileStat, type RunOptions, type RunResult, type System, SystemError } from './port.ts';
import { run, TIMEOUT_MS, tooLate } from './run.ts';

const { constants } = nodeFs;
const MEBIBYTE = 1024 * 1024;

function systemError(error: unknown, path: string): SystemError {
  const code = (error as NodeJS.ErrnoException).code;
  return new SystemError(typeof code === 'string' ? code : 'EIO', path);
}

/** What `work` comes to, at once or later; its error under the kernel's name. */
async function orSystemError<T>(path: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw systemError(error, path);
  }
}

/**
 * Folders that are always on the machine itself, in its memory or its cache. What lies there is read at once: a turn
 * through the thread pool costs six times as much per call, and there are hundreds. Not /sys: some of its attributes
 * wait for a lock that a device in trouble holds; not /home, /run/user or /dev, where a remote file system or a
 * driver may let us wait.
 */
const QUICK = ['/proc/', '/etc/', '/usr/', '/lib', '/run/systemd/', '/run/pcscd/'];
/** A process's root has all of its files below it, those of other file systems as well. */
const PROCESS_ROOT = /^\/proc\/\d+\/root(?=\/)/;
function isQuick(path: string): boolean {
  const inside = path.replace(PROCESS_ROOT, '');
  return QUICK.some((folder) => inside.startsWith(folder));
}

// O_NONBLOCK: opening a FIFO that somebody put where a file belongs must not hang.
const READ = constants.O_RDONLY | constants.O_NONBLOCK;
// Files of /proc and /sys report size 0, so the length asked for is read, in steps, not the size.
const STEP = 65536;

/** One for all reads at once: a fresh one for each of hundreds keeps the garbage collector busy. */
const scratch = Buffer.allocUnsafeSlow(STEP);

function readBytesSync(path: string, offset: number, length: number): Buffer {
  const file = nodeFs.openSync(path, READ);
  try {
    const chunks: Buffer[] = [];
    for (let read = 0; read < length; ) {
      const bytesRead = nodeFs.readSync(file, scratch, 0, Math.min(STEP, length - read), offset === 0 ? null : offset + read);
      if (bytesRead === 0) break;
      chunks.push(Buffer.from(scratch.subarray(0, bytesRead)));
      read += bytesRead;
    }
    return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
  } finally {
    nodeFs.closeSync(file);
  }
}

async function readBytes(path: string, offset: number, length: number): Promise<Buffer> {
  const file = await fs.open(path, READ);
  try {
    const chunks: Buffer[] = [];
    for (let read = 0; read < length; ) {
      const chunk = Buffer.allocUnsafe(Math.min(STEP, length - read));
      const { bytesRead } = await file.read(chunk, 0, chunk.length, offset === 0 ? null : offset + read);
      if (bytesRead === 0) break;
      chunks.push(chunk.subarray(0, bytesRead));
      read += bytesRead;
    }
    return Buffer.concat(chunks);
  } finally {
    await file.close();
  }
}

const atOnce = {
  readBytes: readBytesSync,
  readdir: (path: string) => nodeFs.readdirSync(path),
  readlink: (path: string) => nodeFs.readlinkSync(path),
  realpath: (path: string) => nodeFs.realpathSync.native(path),
  stat: (path: string) => nodeFs.statSync(path),
  access: (path: string, mode: number) => nodeFs.accessSync(path, mode),
};
const inTurn = {
  readBytes,
  readdir: (path: string) => fs.readdir(path),
  readlink: (path: string) => fs.readlink(path),
  realpath: (path: string) => fs.realpath(path),
  stat: (path: string) => fs.stat(path),
  access: (path: string, mode: number) => fs.access(path, mode),
};
const filesFor = (path: string) => (isQuick(path) ? atOnce : inTurn);

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
export function realSystem(ahead: Ahead | null = null): System {
  return {
    platform: process.platform === 'darwin' ? 'darwin' : 'linux',
    uid: process.geteuid?.() ?? 0,
    gid: process.getegid?.() ?? 0,
    groups: process.getgroups?.() ?? [],
    pid: process.pid,
    live: true,
    env: (name) => process.env[name],
    now: () => Date.now(),
    readFile: async (path, limit = MEBIBYTE) => (await orSystemError(path, () => filesFor(path).readBytes(path, 0, limit))).toString('utf8'),
    readBytes: (path, offset, length) => orSystemError(path, () => filesFor(path).readBytes(path, offset, length)),
    readDir: async (path) => (await orSystemError(path, () => filesFor(path).readdir(path))).sort(),
    readLink: (path) => orSystemError(path, () => filesFor(path).readlink(path)),
    realPath: (path) => orSystemError(path, () => filesFor(path).realpath(path)),
    stat: async (path) => fileStat(await orSystemError(path, () => filesFor(path).stat(path))),
    access: async (path, mode) => {
      const bits = (mode === 'write' ? 0 : constants.R_OK) | (mode === 'read' ? 0 : constants.W_OK);
      try {
        await filesFor(path).access(path, bits);
        return true;
      } catch (error) {
        const wrapped = systemError(error, path);
        if (wrapped.isDenied || wrapped.code === 'EROFS') return false;
        throw wrapped;
      }
    },
    run: async (program, args, options) => (ahead === null ? null : await answerOf(ahead, program, args, options)) ?? run(program, args, options),
  };
}

/** null: it has to be started yet. */
async function answerOf(ahead: Ahead, program: string, args: readonly string[], { timeoutMs = TIMEOUT_MS, env }: RunOptions = {}): Promise<RunResult | null> {
  if (env !== undefined) return null;
  const answer = await before<RunResult | null | 'late'>(ahead.take(program, args), timeoutMs, () => 'late');
  if (answer === 'late') throw tooLate(program, timeoutMs);
  return answer;
}
