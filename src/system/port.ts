/**
 * The only door through which collectors reach the machine. A real one and one over a tree of files
 * (fixtures, or a mounted disk of another machine) exist; a collector cannot tell them apart.
 *
 * Paths are absolute paths of the examined machine; an adapter puts its root in front of them.
 */
export interface System {
  readonly platform: 'linux' | 'darwin';
  /** Id of the user who runs cardcheck; 0 is root. On a fixture: what the fixture says. */
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly pid: number;
  /** True when commands can be run and processes looked at, i.e. this is the machine itself and not a tree of its files. */
  readonly live: boolean;

  /** An environment variable of the user's, or undefined. */
  env(name: string): string | undefined;
  /** Milliseconds since the epoch. */
  now(): number;

  /**
   * The file as text (UTF-8, invalid bytes become U+FFFD), cut after `limit` bytes.
   * @param limit in bytes; default 1 MiB, so that no file can exhaust memory
   * @throws SystemError
   */
  readFile(path: string, limit?: number): Promise<string>;
  /** Up to `length` bytes from `offset` (bytes). @throws SystemError */
  readBytes(path: string, offset: number, length: number): Promise<Buffer>;
  /** Names in a folder, sorted. @throws SystemError */
  readDir(path: string): Promise<string[]>;
  /** Target of a symbolic link, as stored. @throws SystemError */
  readLink(path: string): Promise<string>;
  /** The path with every link resolved, seen from inside the examined machine. @throws SystemError */
  realPath(path: string): Promise<string>;
  /** Follows links. @throws SystemError */
  stat(path: string): Promise<FileStat>;
  /** Whether this user may open the path so; what the kernel says (ACLs included), or mode bits on a fixture. @throws SystemError except for EACCES */
  access(path: string, mode: 'read' | 'write' | 'read-write'): Promise<boolean>;

  /**
   * Runs a program, found through PATH unless absolute, without a shell, with LC_ALL=C, stdin closed.
   * A program that exits non-zero is a result; one that cannot be started throws.
   * @throws SystemError ENOENT (no such program), EACCES, ETIMEDOUT (killed after `timeoutMs`)
   */
  run(program: string, args: readonly string[], options?: RunOptions): Promise<RunResult>;
}

export interface RunOptions {
  /** Default 1500 ms. */
  timeoutMs?: number;
  /** stdout and stderr are each cut after so many bytes; default 1 MiB. */
  limit?: number;
  /** Variables to set besides the inherited ones; undefined unsets. */
  env?: Record<string, string | undefined>;
}

export interface RunResult {
  /** null when a signal ended it. */
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

export interface FileStat {
  kind: 'file' | 'directory' | 'socket' | 'character-device' | 'fifo' | 'other';
  /** Permission bits, e.g. 0o644. */
  mode: number;
  uid: number;
  gid: number;
  /** Bytes. */
  size: number;
  mtimeMs: number;
  inode: number;
}

/** ELOOP, ENAMETOOLONG: links that lead nowhere and paths longer than the kernel takes; nothing can be there. */
const MISSING: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG']);

/** Why the machine did not answer, with the errno name the kernel gave. */
export class SystemError extends Error {
  readonly code: string;
  readonly path: string;
  constructor(code: string, path: string, message = `${code}: ${path}`) {
    super(message);
    this.name = 'SystemError';
    this.code = code;
    this.path = path;
  }
  /** The thing does not exist, as opposed to being withheld. */
  get isMissing(): boolean {
    return MISSING.has(this.code);
  }
  get isDenied(): boolean {
    return this.code === 'EACCES' || this.code === 'EPERM';
  }
}
