import type { Details, EventName } from './events.js';
import { createOutbox } from './outbox.js';
import { withoutIds } from './path.js';
import { span, stamp } from './span.js';
import { supportCode } from './support-code.js';
import type { Journey, Options, Scope } from './types.js';
import { listen } from './wrap.js';

// On the global object, so that two bundles in one page share one journey.
const SHARED = Symbol.for('journeytrace');
const shared = globalThis as { [SHARED]?: Journey | undefined };

/**
 * Start recording this page's part of a session. While a journey runs, another start gives the same
 * one. On a server, where there is no page, it gives one that does nothing.
 */
export const startJourney = (options: Options): Journey => {
  if (typeof document === 'undefined') return nowhere;
  return (shared[SHARED] ??= create({ ...options }));
};

const nowhere: Journey = {
  record() {},
  supportCode: Promise.resolve(''),
  enable() {},
  flush: async () => {},
  stop() {},
};

const create = (options: Options): Journey => {
  const outbox = createOutbox(options);
  const running = new Set<(end?: string) => void>();
  let undo: (() => void)[] | undefined;

  const record = (name: EventName, details?: Details, at = stamp(), end = at) => {
    try {
      if (undo) outbox.add(span(name, details, at, end));
    } catch {
      // Details that cannot be read are the host's business.
    }
  };

  const scope: Scope = {
    record,
    open(name, details) {
      const at = stamp();
      const close = (end = at) => {
        if (running.delete(close)) record(name, details, at, end);
      };
      running.add(close);
      return () => close(stamp());
    },
    path(url) {
      try {
        const { protocol, pathname } = new URL(url, document.baseURI);
        return /^(http|ws)/.test(protocol) ? (options.path ?? withoutIds)(pathname) : '';
      } catch {
        return '';
      }
    },
    session: outbox.session,
    began: stamp(),
    url: options.url,
  };

  /** What still runs is recorded as begun, for nobody will see it end. */
  const leave = () => {
    for (const close of running) close();
    return outbox.send(true);
  };

  const begin = () => {
    undo = [];
    outbox.open();
    for (const instrument of options.instruments ?? []) {
      try {
        undo.push(instrument({ ...scope, began: stamp() }));
      } catch {
        // One that cannot start must not keep the others from it.
      }
    }
    // Behind the instruments, so that what they record of a page that is hidden goes along.
    undo.push(
      listen(document, 'visibilitychange', () => document.hidden && void leave()),
      listen(window, 'pagehide', () => void leave()),
    );
  };

  const end = () => {
    outbox.close();
    for (const back of undo ?? []) {
      try {
        back();
      } catch {
        // The host froze what was wrapped; it records nothing any more.
      }
    }
    undo = undefined;
    running.clear();
  };

  const journey: Journey = {
    record: (name, details) => record(name, details),
    get supportCode() {
      void outbox.renew();
      return outbox.session.then(({ id }) => supportCode(id)).catch(() => '');
    },
    enable(on = true) {
      if (on && !undo) begin();
      if (!on) {
        end();
        outbox.forget();
      }
    },
    flush: leave,
    stop() {
      if (shared[SHARED] === journey) shared[SHARED] = undefined;
      if (undo) void leave();
      end();
    },
  };
  journey.enable(options.enabled ?? true);
  return journey;
};
