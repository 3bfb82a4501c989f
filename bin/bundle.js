// What every bundle of cardcheck's TypeScript shares; used by build.js, ts.js and the tests.
import { relative, resolve } from 'node:path';
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
const programs = {
  main: 'src/main.ts',
  'addon-child': 'src/pcsc/addon-child.ts',
  'rig-cards': 'src/rig/card-process.ts',
  'rig-holder': 'src/rig/holder-process.ts',
};

/**
 * What a check of this machine never needs, and what only these need (Ink, React, zod). It is imported dynamically and
 * gets bundles of its own. It must not share state with the rest, because it carries copies of what it shares.
 */
const LAZY = /\.tsx$|\/snapshot\/load\.ts$|\/report\/published-schema\.ts$|\/src\/(?:explain|demo|rig)\//;

/**
 * The program in `outdir`: one file for each process, because Node takes about half a millisecond for each further
 * module, and lazy ones for the rest. All in one folder: sources find their neighbours by their place in it.
 * @param {import('esbuild').BuildOptions} options
 */
export async function bundleApp(outdir, options = {}) {
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
  const shared = { ...bundleOptions, absWorkingDir: root, metafile: true, ...options };
  const direct = await build({ ...shared, entryPoints: programs, outdir, plugins: [...bundleOptions.plugins, apart] });
  const later = await build({ ...shared, entryPoints: Object.fromEntries(lazy), outdir, splitting: true, chunkNames: 'lazy-shared-[hash]' });
  return { direct, later };
}
