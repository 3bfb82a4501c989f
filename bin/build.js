// Bundles the program into dist/app.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleApp } from './bundle.js';

const outdir = fileURLToPath(new URL('../dist/app', import.meta.url));
const { direct, later } = await bundleApp(outdir, { write: false });
const files = [...direct.outputFiles, ...later.outputFiles];
// Only now: a build that fails leaves the last good one in place.
await rm(outdir, { recursive: true, force: true });
await mkdir(outdir, { recursive: true });
for (const { path, contents } of files) await writeFile(path, contents);
const bytes = files.reduce((sum, { contents }) => sum + contents.length, 0);
process.stdout.write(`dist/app: ${files.length} files, ${Math.round(bytes / 1024)} KiB\n`);
