import type { Instrument } from '../types.js';
import { listen } from '../wrap.js';

/** The session's start on the screen, the page going out of sight and back, the network going and coming. */
export const environment = (): Instrument => (journey) => {
  // A moment ago, so that it comes before all that is recorded of this page, in whatever order.
  const began = `${Date.now() - 1}000000`;
  let hidden = document.hidden;
  let cached = false;

  void journey.session.then(({ resumed }) =>
    journey.record(resumed ? 'FRONT_SESSION_RESUMED' : 'FRONT_SESSION_START', {}, began),
  );
  // Pages that come back from the back/forward cache tell it by one of two events, in no agreed order.
  const look = (now: boolean) => {
    if (now === hidden) return;
    hidden = now;
    journey.record(now ? 'PAGE_HIDDEN' : 'PAGE_VISIBLE', { cached: cached || undefined });
    if (!now) cached = false;
  };
  return [
    listen(document, 'visibilitychange', () => look(document.hidden)),
    listen<PageTransitionEvent>(window, 'pagehide', (event) => (cached = event.persisted)),
    listen<PageTransitionEvent>(window, 'pageshow', (event) => event.persisted && look(false)),
    listen(window, 'online', () => journey.record('NETWORK_ONLINE')),
    listen(window, 'offline', () => journey.record('NETWORK_OFFLINE')),
  ];
};
