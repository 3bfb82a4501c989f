import { closeSync, openSync, readSync } from 'node:fs';
import { SystemError } from './port.ts';

/** What a process has taken in by read(2), in all of its threads, since it started. */
export interface ReadCount {
  calls: number;
  bytes: number;
}

/** /proc/PID/io begins with these two among its first four lines (Linux fs/proc/base.c, do_io_accounting). */
const CALLS = /^syscr: (\d+)$/m;
const BYTES = /^rchar: (\d+)$/m;
const LENGTH = 256;

/** Reads the counter again and again, some microseconds each time. */
export class ReadCounter {
  readonly #fd: number;
  readonly #buffer = Buffer.alloc(LENGTH);

  /** @throws SystemError: the process is gone, or the kernel was built without the counter */
  constructor(pid: number) {
    const path = `/proc/${pid}/io`;
    try {
      this.#fd = openSync(path, 'r');
    } catch (error) {
      throw new SystemError((error as NodeJS.ErrnoException).code ?? 'EIO', path);
    }
  }

  /** null: closed to this user, or the process is gone. */
  read(): ReadCount | null {
    try {
      const text = this.#buffer.toString('latin1', 0, readSync(this.#fd, this.#buffer, 0, LENGTH, 0));
      const [calls, bytes] = [CALLS.exec(text)?.[1], BYTES.exec(text)?.[1]];
      return calls === undefined || bytes === undefined ? null : { calls: Number(calls), bytes: Number(bytes) };
    } catch {
      return null;
    }
  }

  close(): void {
    closeSync(this.#fd);
  }
}
