import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    setupFiles: ['test/support/fixed-seed.ts'],
    include: ['test/**/*.test.{ts,tsx}'],
    // e2e tests start pcscd, gpg-agent and whole cardcheck runs; the bound only catches hangs.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Each e2e file runs a pcscd, a gpg-agent and several cardchecks of its own: more at once only wait for each other.
    maxWorkers: 2,
    // Real daemons on a machine that is busy with something else; what is broken fails twice.
    retry: process.env.CI === undefined ? 0 : 1,
  },
});
