import { closeSync, constants, openSync, statSync } from 'node:fs';
import { Socket } from 'node:net';
import { isatty, ReadStream } from 'node:tty';

/**
 * What may let its reader wait, a FIFO or a terminal, as a stream. It is waited for as `cat` waits, but by the event
 * loop: a thread that the kernel keeps in open(2) or read(2) would keep the process from ending, Ctrl-C or not.
 * @returns null: it is neither, or is not there; reading it tells
 */
export function openPipe(path: string): Socket | null {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined || !(stat.isFIFO() || stat.isCharacterDevice())) return null;
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  if (stat.isFIFO()) return new Socket({ fd, readable: true, writable: false });
  if (isatty(fd)) return new ReadStream(fd);
  closeSync(fd);
  return null;
}
