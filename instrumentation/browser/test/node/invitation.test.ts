import { gzipSync } from 'node:zlib';
import { buildSync } from 'esbuild';
import { expect, test } from 'vitest';
import { takeOver } from '../../src/invitation.js';

const path = (name: string) => new URL(`../../src/${name}`, import.meta.url).pathname;
const bundle = (entry: string) =>
  buildSync({ entryPoints: [path(entry)], bundle: true, minify: true, format: 'esm', target: 'es2022', write: false })
    .outputFiles[0]!.text;

test('what takes a session over is small, and in no bundle that does not import it', () => {
  const size = gzipSync(bundle('invitation.ts'), { level: 9 }).length;
  process.stdout.write(`journeytrace/invitation in the browser: ${size} bytes\n`);
  expect(size).toBeLessThanOrEqual(400);
  expect(bundle('index.ts')).not.toContain('journey.session');
});

test('on a server nobody was invited', () => {
  expect(takeOver()).toBeUndefined();
});
