import { copyFile, mkdir } from 'node:fs/promises';
import { basename } from 'node:path';
import { rigFolder } from '../../src/rig/namespace.ts';
import type { Rig } from '../../src/rig/rig.ts';
import { type BuiltLibrary, builtLibrary } from './built-libraries.ts';
import { type Generation, libraryOf } from './pcscd-generations.ts';

/** Where it lies inside; a program that is told so through LD_LIBRARY_PATH loads it. */
export const bundle = `${rigFolder}/bundle`;

/** The libpcsclite of a generation without the rest of its distribution, as an application would bundle it. */
export async function bringLibrary(rig: Rig, generation: Exclude<Generation, 'installed'>): Promise<void> {
  await bring(rig, await libraryOf(generation));
}

/** One that somebody has built by hand. */
export async function bringBuiltLibrary(rig: Rig, name: BuiltLibrary): Promise<void> {
  await bring(rig, [await builtLibrary(name)]);
}

async function bring(rig: Rig, files: readonly string[]): Promise<void> {
  await mkdir(rig.namespace.path(bundle));
  for (const path of files) await copyFile(path, rig.namespace.path(`${bundle}/${basename(path)}`));
}
