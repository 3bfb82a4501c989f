// Bundles src/main.ts and the programs of child processes into dist/app. Ink, zod and every other part that only some
// commands print stay behind dynamic imports, so esbuild's splitting turns them into lazy chunks.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundleOptions } from './bundle.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const outdir = `${root}dist/app`;
const result = await build({
  ...bundleOptions,
  absWorkingDir: root,
  entryPoints: {
    main: 'src/main.ts',
    'addon-child': 'src/pcsc/addon-child.ts',
    'rig-cards': 'src/rig/card-process.ts',
    'rig-holder': 'src/rig/holder-process.ts',
  },
  outdir,
  splitting: true,
  metafile: true,
  write: false,
});
// Only now: a build that fails leaves the last good one in place.
await rm(outdir, { recursive: true, force: true });
await mkdir(outdir, { recursive: true });
for (const { path, contents } of result.outputFiles) await writeFile(path, contents);
const bytes = Object.values(result.metafile.outputs).reduce((sum, output) => sum + output.bytes, 0);
process.stdout.write(`dist/app: ${Object.keys(result.metafile.outputs).length} files, ${Math.round(bytes / 1024)} KiB\n`);
