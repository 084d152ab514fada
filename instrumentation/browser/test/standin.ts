import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buildSync } from 'esbuild';

export interface Arrived {
  id: string;
  name: string;
  path: string | undefined;
}

const SCRIPT = buildSync({
  entryPoints: [new URL('../src/index.ts', import.meta.url).pathname],
  bundle: true,
  write: false,
  format: 'iife',
  globalName: 'journeytrace',
}).outputFiles[0]!.text;

const page = (collector: string, token: string) => `<!doctype html><title>form</title>
<script src="/journeytrace.js"></script>
<script>
  const { startJourney, environment, routes } = journeytrace;
  window.journey = startJourney({
    url: ${JSON.stringify(collector)}, token: ${JSON.stringify(token)}, instruments: [environment(), routes()],
  });
  addEventListener('pageshow', (event) => event.persisted && journey.record('TIP_DIALOG_SHOWN'));
</script><a id="next" href="/next">next</a>`;

const listening = async (answer: (request: IncomingMessage, response: ServerResponse) => void) => {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
};

/** A form at one origin, and at another what stands in for the collector's public listener. */
export const standIn = async (token: string) => {
  const arrived: Arrived[] = [];
  const seen: { method: string; type: string | undefined; origin: string | undefined; referer: string | undefined }[] = [];
  const state = { status: 200 };

  const collector = await listening((request, response) => {
    const { method = '', headers } = request;
    seen.push({ method, type: headers['content-type'], origin: headers.origin, referer: headers.referer });
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const json = Buffer.concat(parts).toString().split('\n')[2]!;
      if (state.status === 200)
        for (const span of JSON.parse(json).resourceSpans[0].scopeSpans[0].spans) {
          const details = Object.fromEntries(span.attributes.map(({ key, value }: any) => [key, value.stringValue]));
          // As the collector has it: what comes twice with one id is one event.
          if (arrived.some(({ id }) => id === span.spanId)) continue;
          arrived.push({ id: span.spanId, name: details['journey.event.name'], path: details.path });
        }
      const allowed = { 'access-control-allow-origin': headers.origin ?? '', 'access-control-expose-headers': 'retry-after' };
      response.writeHead(state.status, allowed).end();
    });
  });
  const form = await listening((request, response) => {
    const script = request.url === '/journeytrace.js';
    response.setHeader('content-type', script ? 'text/javascript' : 'text/html');
    response.end(script ? SCRIPT : page(collector.url + '/journey', token));
  });
  return { arrived, seen, state, form: form.url, close: () => (form.close(), collector.close()) };
};
