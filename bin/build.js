// Bundles src/main.ts and the programs of child processes into dist/app. Ink, zod and every other part that only some
// commands print stay behind dynamic imports, so esbuild's splitting turns them into lazy chunks.
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundleOptions } from './bundle.js';

const root = fileURLToPath(new URL('..', import.meta.url));
await rm(new URL('../dist/app', import.meta.url), { recursive: true, force: true });
const result = await build({
  ...bundleOptions,
  absWorkingDir: root,
  entryPoints: {
    main: 'src/main.ts',
    'addon-child': 'src/pcsc/addon-child.ts',
    'rig-cards': 'src/rig/card-process.ts',
    'rig-holder': 'src/rig/holder-process.ts',
  },
  outdir: 'dist/app',
  splitting: true,
  metafile: true,
});
const bytes = Object.values(result.metafile.outputs).reduce((sum, output) => sum + output.bytes, 0);
process.stdout.write(`dist/app: ${Object.keys(result.metafile.outputs).length} files, ${Math.round(bytes / 1024)} KiB\n`);
