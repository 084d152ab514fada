import { pattern, recordable } from '../path.js';
import type { Instrument } from '../types.js';
import { listen, quietly, wrap } from '../wrap.js';

/** WebSockets whose address fits `which` (left out: all): opened, failed, ended when nobody wanted it. */
export const sockets = (which = '**'): Instrument => (journey) => {
  const wanted = pattern(which);

  const watch = (socket: WebSocket) => {
    const { origin, pathname } = new URL(socket.url);
    if (!wanted.test('GET ' + origin + pathname)) return;
    const path = recordable(pathname, journey.path);
    listen(socket, 'open', () => journey.record('WEBSOCKET_CONNECTED', { path }));
    listen(socket, 'error', () => journey.record('WEBSOCKET_ERROR', { path }));
    listen<CloseEvent>(socket, 'close', ({ wasClean, code }) => {
      if (!wasClean) journey.record('WEBSOCKET_DISCONNECTED', { path, code });
    });
  };
  // A proxy: constants, `instanceof` and classes that extend it go on as they were.
  return [wrap(window, 'WebSocket', (original) =>
    new Proxy(original, {
      construct(target, given, made) {
        const socket = Reflect.construct(target, given, made) as WebSocket;
        quietly(() => watch(socket));
        return socket;
      },
    }),
  )];
};
