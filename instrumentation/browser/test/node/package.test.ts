import { gzipSync } from 'node:zlib';
import { buildSync } from 'esbuild';
import { createElement } from 'react';
import { renderToString } from 'react-dom/server';
import { expect, test, vi } from 'vitest';
import * as everything from '../../src/index.js';
import { JourneyProvider, useSupportCode } from '../../src/react.js';
import { TOKEN } from '../token.js';

const source = new URL('../../src/index.ts', import.meta.url).pathname;
const bundle = (names: string) =>
  buildSync({
    stdin: { contents: `export ${names} from ${JSON.stringify(source)}`, resolveDir: '.' },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
  }).outputFiles[0]!.text;
const size = (text: string) => gzipSync(text, { level: 9 }).length;

test('the core is at most 2.0 kB, all of it at most 4.0 kB, minified and gzipped', () => {
  const [core, all] = [size(bundle('{ startJourney }')), size(bundle('*'))];
  process.stdout.write(`journeytrace in the browser: core ${core} bytes, all ${all} bytes\n`);
  expect(core).toBeLessThanOrEqual(2_000);
  expect(all).toBeLessThanOrEqual(4_000);
});

test.each([
  ['environment', 'NETWORK_ONLINE'],
  ['errors', 'JS_ERROR'],
  ['camera', 'getUserMedia'],
  ['routes', 'pushState'],
  ['calls', 'XMLHttpRequest'],
  ['sockets', 'WebSocket'],
])('%s is in no bundle that does not import it', (name, sign) => {
  expect(bundle('{ startJourney }')).not.toContain(sign);
  expect(bundle(`{ startJourney, ${name} }`)).toContain(sign);
});

test('the names of the catalogue take no bytes', () => {
  expect(bundle('*')).not.toContain('ID_DOCUMENT_RETRY');
});

test('what the package exports', () => {
  expect(Object.keys(everything).sort()).toEqual([
    'calls', 'camera', 'environment', 'errors', 'routes', 'sockets', 'startJourney',
  ]);
});

test('on a server a journey does nothing, asks nobody, and is nobody else\'s', async () => {
  const token = vi.fn(async () => TOKEN);
  const [first, second] = [1, 2].map(() =>
    everything.startJourney({ url: 'http://127.0.0.1:1', token, instruments: [everything.environment(), everything.calls({})] }),
  );
  first!.record('STEP_VIEW');
  first!.enable();
  expect(token).not.toHaveBeenCalled();
  expect(first).not.toBe(second);
});

test('React renders it on a server', () => {
  const Code = () => createElement('b', null, useSupportCode());
  const html = renderToString(createElement(JourneyProvider, { url: '', token: TOKEN }, createElement(Code)));
  expect(html).toBe('<b></b>');
});
