import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Metafile } from 'esbuild';
// @ts-expect-error: the build is plain JavaScript
import { bundleApp } from '../../bin/bundle.js';

export interface Ended {
  exitCode: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  stdin?: string;
  env?: Record<string, string>;
  /** Closes our end of stdout after so many characters. */
  stopReadingAfter?: number;
}

export interface BuiltCardcheck {
  /** Path of the entry. */
  entry: string;
  /** Of the files that every run loads. */
  metafile: Metafile;
  run(args: readonly string[], options?: RunOptions): Promise<Ended>;
  remove(): Promise<void>;
}

/** The program as it is installed, built from the sources as they stand, beside node_modules so that it finds pcsclite. */
export async function buildCardcheck(): Promise<BuiltCardcheck> {
  const dist = fileURLToPath(new URL('../../dist/', import.meta.url));
  await mkdir(dist, { recursive: true });
  const outdir = await mkdtemp(`${dist}test-`);
  const { metafile } = (await bundleApp(outdir)) as { metafile: Metafile };
  const entry = `${outdir}/main.cjs`;
  return { entry, metafile, run: (args, options) => run(entry, args, options), remove: () => rm(outdir, { recursive: true, force: true }) };
}

function run(entry: string, args: readonly string[], { stdin = '', env = {}, stopReadingAfter = Number.POSITIVE_INFINITY }: RunOptions = {}): Promise<Ended> {
  const child = spawn(process.execPath, [entry, ...args], { env: { PATH: process.env.PATH, HOME: process.env.HOME, LANG: 'C.UTF-8', ...env } });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    if (stdout.length > stopReadingAfter) child.stdout.destroy();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin.on('error', () => {}); // it may end without reading
  child.stdin.end(stdin);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode, signal) => resolve({ exitCode, signal, stdout, stderr }));
  });
}
