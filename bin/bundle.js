// What every bundle of cardcheck's TypeScript shares; used by build.js, ts.js and the tests.
import { fileURLToPath } from 'node:url';

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

/** The program itself, its entry and those of its child processes; Ink, zod and every other part that only some commands print become lazy chunks. @type {import('esbuild').BuildOptions} */
export const appOptions = {
  ...bundleOptions,
  absWorkingDir: fileURLToPath(new URL('..', import.meta.url)),
  entryPoints: {
    main: 'src/main.ts',
    'addon-child': 'src/pcsc/addon-child.ts',
    'rig-cards': 'src/rig/card-process.ts',
    'rig-holder': 'src/rig/holder-process.ts',
  },
  splitting: true,
  metafile: true,
};
