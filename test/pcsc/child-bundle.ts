import { build } from 'esbuild';
// @ts-expect-error: the build is plain JavaScript
import { bundleOptions } from '../../bin/bundle.js';

/** Builds the addon's child, as the sources stand, into `folder`; where that lies decides which pcsclite it finds. */
export async function buildChild(folder: string): Promise<string> {
  await build({ ...bundleOptions, entryPoints: { 'addon-child': 'src/pcsc/addon-child.ts' }, outdir: folder, outExtension: { '.js': '.mjs' } });
  return `${folder}/addon-child.mjs`;
}
