// Bundles src/main.ts and the programs of child processes into dist/app.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { appOptions } from './bundle.js';

const outdir = fileURLToPath(new URL('../dist/app', import.meta.url));
const result = await build({ ...appOptions, outdir, write: false });
// Only now: a build that fails leaves the last good one in place.
await rm(outdir, { recursive: true, force: true });
await mkdir(outdir, { recursive: true });
for (const { path, contents } of result.outputFiles) await writeFile(path, contents);
const bytes = Object.values(result.metafile.outputs).reduce((sum, output) => sum + output.bytes, 0);
process.stdout.write(`dist/app: ${Object.keys(result.metafile.outputs).length} files, ${Math.round(bytes / 1024)} KiB\n`);
