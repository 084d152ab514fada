import { execFileSync } from 'node:child_process';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';

// Debian's, or whichever there is: none is downloaded.
export const chromium = process.env['CHROMIUM'] ?? execFileSync('which', ['chromium'], { encoding: 'utf8' }).trim();

export default defineConfig({
  test: {
    testTimeout: 30_000,
    silent: 'passed-only',
    // What tests of errors throw.
    onUnhandledError: (error) => !/secret|^\[object Object\]$/.test(error.message ?? String(error)),
    projects: [
      {
        extends: true,
        optimizeDeps: { include: ['react', 'react-dom/client'] },
        test: {
          name: 'browser',
          include: ['test/browser/*.test.ts'],
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({
              launchOptions: {
                executablePath: chromium,
                // Tests of a root have no sandbox; nothing but our own pages is opened.
                args: ['--no-sandbox', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'],
              },
            }),
            instances: [{ browser: 'chromium' }],
          },
        },
      },
      { extends: true, test: { name: 'node', include: ['test/node/*.test.ts'] } },
    ],
  },
});
