import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [svelte()],
  build: {
    target: ['chrome123', 'firefox121', 'safari17.5'], // light-dark()
    // The Content-Security-Policy allows no data: URLs.
    assetsInlineLimit: 0,
    // What a page's chunk imports is there before it is: to look for that anew at its import takes longer than the import.
    modulePreload: { polyfill: false, resolveDependencies: (_, dependencies, { hostType }) => (hostType === 'html' ? dependencies : []) },
    reportCompressedSize: false,
    // Requests take longer than these few bytes: one file for all styles, one for what pages share. What only
    // charts and time lines need is not in it: they come after their page.
    cssCodeSplit: false,
    rolldownOptions: {
      output: {
        codeSplitting: { groups: [{ name: 'shared', test: /\/src\/(?!Charts\/|Timeline\/(?!scale))/, minShareCount: 2 }] },
        // Most of what a page loads is called while it opens: compiled whole, beside the main thread, and not
        // by it, function by function. https://explainers-by-googlers.github.io/explicit-javascript-compile-hints-file-based/
        postBanner: '//# allFunctionsCalledOnLoad',
      },
    },
  },
  server: { proxy: { '/api': process.env.PROCMON_URL ?? 'http://127.0.0.1:8000' } },
  // Vitest would load Svelte's server build without this.
  resolve: process.env.VITEST ? { conditions: ['browser'] } : {},
  test: {
    environment: 'jsdom',
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    setupFiles: ['test/setup.ts'],
    restoreMocks: true,
    testTimeout: 20_000, // the first to open a page compiles it
    env: { TZ: 'Europe/Berlin' },
  },
});
