import { type ChildProcess, spawn } from 'node:child_process';
import { type RunOptions, type RunResult, SystemError } from './port.ts';

const MEBIBYTE = 1024 * 1024;
/** For a program that says nothing of its own accord, in ms. */
export const TIMEOUT_MS = 1500;

/** Process groups of the programs that run. */
const groups = new Set<number>();

/**
 * Runs a program without a shell, as System.run says. It leads a process group of its own, so that what it has
 * started ends with it: when its time is up, when it says too much, and when cardcheck ends first.
 * @throws SystemError
 */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { timeoutMs = TIMEOUT_MS, limit = MEBIBYTE } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: { ...process.env, LC_ALL: 'C', LANGUAGE: 'C', ...options.env },
    });
    const pid = hasStarted(child) ? child.pid : undefined;
    if (pid !== undefined) noteGroup(pid);
    const end = () => {
      clearTimeout(timer);
      if (pid !== undefined) endGroup(pid);
      // A process that has left the group may keep these open for as long as it likes.
      for (const stream of [child.stdout, child.stderr]) stream?.destroy();
    };
    const timer = setTimeout(() => {
      end();
      reject(tooLate(program, timeoutMs));
    }, timeoutMs);
    const stdout = collected(child.stdout, limit, end);
    const stderr = collected(child.stderr, limit, end);
    child.once('error', (error: NodeJS.ErrnoException) => {
      end();
      reject(new SystemError(error.code ?? 'EIO', program));
    });
    child.once('close', (exitCode) => {
      end();
      resolve({ exitCode, stdout: stdout(), stderr: stderr() });
    });
  });
}

export const tooLate = (program: string, timeoutMs: number): SystemError => new SystemError('ETIMEDOUT', program, `${program} did not finish within ${timeoutMs} ms`);

/** The text of a stream, cut after `limit` bytes; `full` is called when there is more. The stream is null when no descriptor was left for it. */
function collected(stream: NodeJS.ReadableStream | null, limit: number, full: () => void): () => string {
  const chunks: Buffer[] = [];
  let length = 0;
  stream?.on('data', (chunk: Buffer) => {
    chunks.push(chunk.subarray(0, limit - length));
    length += chunk.length;
    if (length > limit) full();
  });
  stream?.on('error', () => {}); // ended by us
  return () => Buffer.concat(chunks).toString('utf8');
}

function noteGroup(pid: number): void {
  if (groups.size === 0) process.on('exit', endGroups);
  groups.add(pid);
}

/** Node gives one that could not be started, for want of descriptors, the pid 0, and to the kernel 0 is our own process group. */
export function hasStarted(child: ChildProcess): child is ChildProcess & { pid: number } {
  return child.pid !== undefined && child.pid > 0;
}

function endGroup(pid: number): void {
  if (!groups.delete(pid)) return;
  if (groups.size === 0) process.removeListener('exit', endGroups);
  killGroup(pid);
}

/** SIGKILL: a program stuck in the kernel's USB layer ignores the polite signal, and none that collectors run holds a card. */
export function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // All of it has ended, as it should.
  }
}

function endGroups(): void {
  for (const pid of groups) endGroup(pid);
}
