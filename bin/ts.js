// Runs one of the project's TypeScript commands (bench, score, …): node bin/ts.js test/bench/bench.ts [ARG …]
// Node 20 does not run TypeScript itself and a bundle starts faster than any loader.
import { basename } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { bundleOptions } from './bundle.js';

const [script, ...args] = process.argv.slice(2);
if (script === undefined) {
  process.stderr.write('usage: node bin/ts.js FILE.ts [ARG …]\n');
  process.exit(64);
}
const root = fileURLToPath(new URL('..', import.meta.url));
const outfile = `${root}dist/commands/${basename(script, '.ts')}.js`;
await build({ ...bundleOptions, entryPoints: [script], outfile, external: [...bundleOptions.external, 'esbuild', 'vitest', 'fast-check', 'ajv'] });
process.argv.splice(1, process.argv.length, outfile, ...args);
await import(pathToFileURL(outfile).href);
