// What every bundle of cardcheck's TypeScript shares; used by build.js and ts.js.

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
