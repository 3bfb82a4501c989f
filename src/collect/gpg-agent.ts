import { connect } from 'node:net';
import { AssuanReplies, type AssuanReply, redirectedSocket } from '../gnupg/assuan.ts';
import { absent, denied, failed, ok, timedOut } from '../snapshot/fact.ts';
import type { Fact } from '../snapshot/schema.ts';
import { SystemError, type System } from '../system/port.ts';

/** Bytes of sun_path (unix(7)) without the closing zero. */
const MAX_SOCKET_PATH = 107;
const REDIRECTION_LIMIT = 512;

/** Sends one command to an agent and waits for its answer. */
export type Ask = (command: string) => Promise<AssuanReply>;

/**
 * Talks to a gpg-agent that runs, over its socket, and hangs up. Nothing is ever started: without a listener the
 * answer is a reason. The agent answers one command after the other and may wait for a scdaemon that hangs.
 * @param socket path as gpgconf names it; a redirection file is followed once
 * @param talk sees a greeted agent; what it throws is the caller's bug
 * @param deadlineMs for the whole conversation
 */
export async function withAgent<T>(system: System, socket: string, deadlineMs: number, talk: (ask: Ask) => Promise<T>): Promise<Fact<T>> {
  try {
    const path = await resolveSocket(system, socket);
    return ok(await converse(path, deadlineMs, talk), path);
  } catch (error) {
    return reason(error, socket, deadlineMs);
  }
}

async function resolveSocket(system: System, socket: string): Promise<string> {
  const { kind } = await system.stat(socket);
  if (kind !== 'file') return checkedLength(socket);
  const target = redirectedSocket(await system.readFile(socket, REDIRECTION_LIMIT), (name) => system.env(name));
  if (target === null) throw new Error(`${socket} is a file and no socket`);
  return checkedLength(target);
}

/** Node cuts longer paths silently and would connect to something else. */
function checkedLength(path: string): string {
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH) throw new Error(`the path of the socket is longer than ${MAX_SOCKET_PATH} bytes: ${path}`);
  return path;
}

async function converse<T>(path: string, deadlineMs: number, talk: (ask: Ask) => Promise<T>): Promise<T> {
  const socket = connect(path);
  socket.setEncoding('latin1');
  const replies = new AssuanReplies();
  const ready: AssuanReply[] = [];
  let wake = () => {};
  let failure: Error | undefined;
  const fail = (error: Error) => {
    failure ??= error;
    wake();
  };
  const timer = setTimeout(() => fail(new SystemError('ETIMEDOUT', path)), deadlineMs);
  socket.on('error', (error: NodeJS.ErrnoException) => fail(new SystemError(error.code ?? 'EIO', path)));
  socket.on('close', () => fail(new Error('the agent hung up')));
  socket.on('data', (chunk: string) => {
    try {
      for (const reply of replies.push(chunk)) {
        if (reply === 'inquiry') socket.write('CAN\n');
        else ready.push(reply);
      }
      wake();
    } catch (error) {
      fail(error as Error);
    }
  });
  const next = async (): Promise<AssuanReply> => {
    while (ready.length === 0 && failure === undefined) await new Promise<void>((resolve) => (wake = resolve));
    const reply = ready.shift();
    if (reply === undefined) throw failure;
    return reply;
  };
  try {
    const greeting = await next();
    if (!greeting.ok) throw new Error(`the agent refused: ${greeting.text}`);
    return await talk((command) => {
      socket.write(`${command}\n`);
      return next();
    });
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

function reason(error: unknown, socket: string, deadlineMs: number): Fact<never> {
  if (!(error instanceof SystemError)) return failed(error instanceof Error ? error.message : String(error));
  if (error.isMissing || error.code === 'ECONNREFUSED') return absent(`no gpg-agent listens on ${socket}`);
  if (error.isDenied) return denied('root');
  if (error.code === 'ETIMEDOUT') return timedOut(deadlineMs);
  return failed(error.message);
}
