import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/build.ts'],
    maxWorkers: 2, // the tests of processes wait for them most of the time, so that fewer leave cores idle
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
