import { defineConfig } from 'vitest/config';

// The tests in e2e/ drive Chromium against a real server that scrapes a real exporter.
export default defineConfig({
  test: {
    environment: 'node',
    include: ['e2e/**/*.spec.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } }, // a busy machine is no fault
    fileParallelism: false, // two cores, and one browser is enough
  },
});
