import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    setupFiles: ['test/support/fixed-seed.ts'],
    include: ['test/**/*.test.{ts,tsx}'],
    // e2e tests start pcscd, gpg-agent and whole cardcheck runs; the bound only catches hangs.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
