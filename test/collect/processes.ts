import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

const started: ChildProcess[] = [];

/** Runs JavaScript in a process of its own, optionally through other programs (`unshare -n`), until `stopAll`. Resolves when it printed `ready`. */
export async function runScript(script: string, ...through: string[]): Promise<ChildProcess & { pid: number }> {
  const [program, ...args] = [...through, process.execPath, '-e', script];
  const child = spawn(program as string, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  started.push(child);
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  return child as ChildProcess & { pid: number };
}

export async function stopAll(): Promise<void> {
  await Promise.all(
    started.splice(0).map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }),
  );
}

/** A program that listens like pcscd and bears its name. */
export const serverScript = (path: string) => `
  process.title = 'pcscd';
  require('node:net').createServer((client) => client.on('error', () => {}).write('x')).listen(${JSON.stringify(path)}, () => console.log('ready'));`;

/** A program that holds so many connections, ready when the server has accepted them all. */
export const clientScript = (path: string, connections = 1) => `
  let open = 0;
  for (let i = 0; i < ${connections}; i++) require('node:net').connect(${JSON.stringify(path)}).on('data', () => { if (++open === ${connections}) console.log('ready'); });`;
