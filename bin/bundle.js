// What every bundle of cardcheck's TypeScript shares; used by build.js, ts.js and the tests.
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** Ink imports react-devtools-core at the top of a module it only needs under DEV=true; esbuild would hoist that into a hard import. */
const withoutDevtools = {
  name: 'without-react-devtools',
  setup(build) {
    build.onResolve({ filter: /^react-devtools-core$/ }, () => ({ path: 'react-devtools-core', namespace: 'empty' }));
    build.onLoad({ filter: /.*/, namespace: 'empty' }, () => ({ contents: 'export default {};' }));
  },
};

/** @type {import('esbuild').BuildOptions} */
export const bundleOptions = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  jsx: 'automatic',
  external: ['pcsclite'],
  define: { 'process.env.NODE_ENV': '"production"' },
  // Bundled CommonJS packages (commander, react) call require for node: built-ins.
  banner: { js: "import { createRequire as cardcheckRequire } from 'node:module'; const require = cardcheckRequire(import.meta.url);" },
  plugins: [withoutDevtools],
  legalComments: 'none',
  logLevel: 'warning',
};

const root = fileURLToPath(new URL('..', import.meta.url));
/** What every run starts. CommonJS, because Node's loader of ES modules alone takes a tenth of a bare start, and V8's compile cache wants a script. */
const programs = { main: 'src/main.ts', 'addon-child': 'src/pcsc/addon-child.ts' };
const commonJs = {
  format: 'cjs',
  charset: 'ascii',
  minifyWhitespace: true,
  outExtension: { '.js': '.cjs' },
  define: { ...bundleOptions.define, 'import.meta.url': 'cardcheckUrl' },
  // A script out of a compile cache cannot import (Node 20); a module beside it does that for it.
  banner: { js: "const cardcheckUrl = require('node:url').pathToFileURL(__filename).href; const importLazy = require('./import-lazy.cjs');" },
};
/** The processes of a rig and the thread of `watch`: nobody waits for these. */
const otherPrograms = { 'rig-cards': 'src/rig/card-process.ts', 'rig-holder': 'src/rig/holder-process.ts', 'watch-thread': 'src/watch/watch-thread.ts' };

/**
 * What a check of this machine never needs, and what only these need (Ink, React, zod). It is imported dynamically and
 * gets bundles of its own. It must not share state with the rest, because it carries copies of what it shares.
 */
const LAZY = /\.tsx$|\/snapshot\/load\.ts$|\/report\/published-schema\.ts$|\/src\/(?:explain|demo|rig)\//;

/**
 * Writes the program to `outdir`: one file for each process, because Node takes about half a millisecond for each
 * further module, and lazy ones for the rest. All in one folder: sources find their neighbours by their place in it.
 * @returns {Promise<{names: string[], bytes: number, metafile: import('esbuild').Metafile}>} metafile: of what every run loads
 */
export async function bundleApp(outdir) {
  const lazy = new Map();
  const apart = {
    name: 'lazy-parts-apart',
    setup(build) {
      build.onResolve({ filter: /^\.\.?\// }, ({ kind, path, resolveDir }) => {
        const file = resolve(resolveDir, path);
        if (kind !== 'dynamic-import' || !LAZY.test(file)) return undefined;
        const name = `lazy-${relative(`${root}src`, file).replace(/\.tsx?$/, '').replaceAll('/', '-')}`;
        lazy.set(name, file);
        return { path: `./${name}.js`, external: true };
      });
    },
  };
  const shared = { ...bundleOptions, absWorkingDir: root, outdir, metafile: true, write: false };
  const direct = await build({ ...shared, ...commonJs, entryPoints: programs, plugins: [...bundleOptions.plugins, apart] });
  const later = await build({ ...shared, entryPoints: { ...otherPrograms, ...Object.fromEntries(lazy) }, splitting: true, chunkNames: 'lazy-shared-[hash]' });
  const files = [
    ...direct.outputFiles.map(({ path, text }) => ({ name: basename(path), text: text.replaceAll('import("./lazy-', 'importLazy("./lazy-') })),
    ...later.outputFiles.map(({ path, text }) => ({ name: basename(path), text })),
    { name: 'import-lazy.cjs', text: 'module.exports = (path) => import(path);\n' },
  ];
  await mkdir(outdir, { recursive: true });
  for (const { name, text } of files) await writeFile(`${outdir}/${name}`, text);
  return { names: files.map(({ name }) => name), bytes: files.reduce((sum, { text }) => sum + text.length, 0), metafile: direct.metafile };
}
