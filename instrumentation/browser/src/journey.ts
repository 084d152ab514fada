import type { Details, EventName } from './events.js';
import { createOutbox } from './outbox.js';
import { span, stamp } from './span.js';
import { supportCode } from './support-code.js';
import type { Journey, Options, Scope } from './types.js';
import { listen, quietly } from './wrap.js';

const isPage = globalThis.document;
let current: Journey | undefined;

/**
 * Start recording this page's part of a session. While a journey runs, another start gives the same
 * one. On a server, where there is no page, it gives one that records nothing.
 */
export const startJourney = (options: Options): Journey =>
  (isPage && current) || (current = create({ ...options }));

const create = (options: Options): Journey => {
  let undo: (() => void)[] | undefined;
  const outbox = createOutbox(options, () => undo);

  const record = (name: EventName, details?: Details, at = stamp(), end = at) =>
    // Details that cannot be read are the host's business.
    quietly(() => undo && outbox.add(span(name, details, at, end)));

  const scope: Scope = { ...options, record, session: outbox.session, leaving: new Set() };

  const leave = async () => {
    if (!undo) return;
    scope.leaving.forEach(quietly);
    await outbox.send(true);
  };

  const end = () => {
    undo?.forEach(quietly);
    undo = undefined;
  };

  const journey: Journey = {
    record,
    get supportCode() {
      void outbox.send();
      return supportCode(outbox.session).catch(() => '');
    },
    enable(on = true) {
      if (!on) {
        end();
        outbox.forget();
      } else if (isPage && !undo) {
        undo = [];
        void outbox.send();
        options.instruments?.forEach((instrument) => quietly(() => undo!.push(...instrument(scope))));
        // Behind the instruments, so that what they record of a page that is hidden goes along.
        undo.push(
          listen(document, 'visibilitychange', () => document.hidden && leave()),
          listen(window, 'pagehide', leave),
        );
      }
    },
    flush: leave,
    stop() {
      if (current === journey) current = undefined;
      void leave();
      end();
    },
  };
  journey.enable(options.enabled);
  return journey;
};
