// node run.mjs: what starting and recording cost in Chromium, beside Grafana Faro and OpenTelemetry's SDK
// doing the same, in one run. Needs `npm ci` here and one folder up, and Chromium on the path.
//
// Each is a bundle of its own that its page loads as a script, in turns: start-up is from the call that sets
// it up, with what it instruments by itself (errors, routes or fetch, visibility), until it returns. Ours
// comes as the collector serves it, marked to be compiled while it is loaded, and without the mark, as
// it is in a host's bundle.
// Recording is one event with two details, in rounds of 30 with a pause in which what was recorded is
// sent; sending is not timed, as it runs in nobody's way. A figure is the median; of starting, of which a page
// has one alone, the best is told too: what else the machine does makes the others longer.
import { execFileSync } from 'node:child_process';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { buildSync } from 'esbuild';
import { chromium } from 'playwright';

const PAGES = 9;
const ROUNDS = 20;
const CALLS = 30;
const NAMES = ['journeytrace', 'faro', 'opentelemetry'];
const MARKED = 'journeytrace.js';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];
const bundles = Object.fromEntries(
  NAMES.map((name) => [
    name,
    buildSync({
      entryPoints: [here(`${name}.js`)],
      bundle: true,
      minify: true,
      format: 'iife',
      globalName: 'peer',
      target: 'es2022',
      write: false,
      logLevel: 'error',
    }).outputFiles[0].text,
  ]),
);

bundles[MARKED] = `//# allFunctionsCalledOnLoad\n${bundles.journeytrace}`;
const rows = [MARKED, ...NAMES];

const server = createServer((request, response) => {
  request.resume();
  const script = bundles[request.url.slice('/script/'.length)];
  response.setHeader('content-type', script ? 'text/javascript' : 'text/html');
  // Isolated pages have a clock of 5 µs instead of 100.
  response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
  response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
  response.end(script ?? (request.method === 'POST' ? '{}' : '<!doctype html><title>bench</title>'));
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${server.address().port}/`;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? execFileSync('which', ['chromium'], { encoding: 'utf8' }).trim(),
  args: ['--no-sandbox'],
});

const measure = async (name) => {
  const page = await browser.newPage();
  await page.goto(url);
  await page.addScriptTag({ url: `/script/${name}` });
  const found = await page.evaluate(
    async ([url, rounds, calls]) => {
      const begin = performance.now();
      const record = peer.start(url);
      const start = performance.now() - begin;
      const times = [];
      for (let round = 0; round < rounds; round++) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        const from = performance.now();
        for (let call = 0; call < calls; call++) record(call);
        times.push(((performance.now() - from) / calls) * 1_000);
      }
      return { start, times };
    },
    [url, ROUNDS, CALLS],
  );
  await page.close();
  return found;
};

const results = Object.fromEntries(rows.map((name) => [name, { start: [], record: [] }]));
for (let turn = 0; turn < PAGES; turn++)
  for (const name of rows) {
    const { start, times } = await measure(name);
    results[name].start.push(start);
    results[name].record.push(...times);
  }
await browser.close();
server.close();

console.log('                 min+gzip kB   start ms    (best)   record µs');
for (const name of rows) {
  const size = gzipSync(bundles[name], { level: 9 }).length / 1_000;
  const { start, record } = results[name];
  const figures = [median(start).toFixed(2), Math.min(...start).toFixed(2), median(record).toFixed(1)];
  console.log(name.padEnd(16), size.toFixed(1).padStart(11), ...figures.map((figure) => figure.padStart(10)));
}
const ours = results[MARKED];
const met = median(ours.start) < 1 && median(ours.record) < 20;
console.log(`targets (start < 1 ms, record < 20 µs): ${met ? 'met' : 'MISSED'}`);
