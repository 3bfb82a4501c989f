import { open, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { exitCodes, Failure } from '../exit-code.ts';
import { visible } from './sanitize.ts';
import type { Snapshot } from './schema.ts';

/**
 * Writes a file whole or not at all: beside the target first, then renamed over it. A device or pipe is written to
 * as it stands: renaming over /dev/null would replace it.
 * @param mode permission bits; a snapshot names users and processes, so it is its owner's alone
 * @throws Failure 73 with the reason
 */
export async function writeWhole(file: string, text: string, mode = 0o600): Promise<void> {
  try {
    const kind = await stat(file).catch(() => null);
    if (kind !== null && !kind.isFile()) return await writeFile(file, text);
    await replace(kind === null ? file : await realpath(file), text, mode);
  } catch (error) {
    throw new Failure(exitCodes.cannotCreate, `cannot write ${visible(file)}: ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
  }
}

async function replace(file: string, text: string, mode: number): Promise<void> {
  // Not a random name: loading node:crypto costs every run two milliseconds, and `wx` refuses what is there.
  const beside = `${file}.${process.pid}.tmp`;
  try {
    const handle = await open(beside, 'wx', mode);
    try {
      await handle.writeFile(text);
    } finally {
      await handle.close();
    }
    await rename(beside, file);
  } catch (error) {
    await rm(beside, { force: true }).catch(() => {});
    throw error;
  }
}

/** @throws Failure 73 */
export function saveSnapshot(file: string, snapshot: Snapshot): Promise<void> {
  return writeWhole(file, `${JSON.stringify(snapshot, null, 2)}\n`);
}
