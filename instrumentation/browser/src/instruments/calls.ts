import type { EventName } from '../events.js';
import { pattern } from '../path.js';
import type { Instrument } from '../types.js';
import { quietly, wrap } from '../wrap.js';

export interface CallOptions {
  /** Answers from 400 to 499 that the form expects, such as a code that was mistyped: no API_ERROR. */
  expected?: readonly number[];
  /** True: calls that no pattern fits are recorded as API_CALL; their failures never are. */
  others?: boolean;
}

/** How a call ended: its status, 0 without an answer; or an error; nothing: it was given up. */
type Ended = (status?: number, error?: string) => void;

const OPERATION = /[?&"]operationName"?\s*[=:]\s*"?(\w+)/;
/** Where the name of a GraphQL operation stands: clients write it before the query. */
const BEGINNING = 2_000;

/**
 * The form's calls by `fetch` and XMLHttpRequest, from when they begin, and the failures of those that
 * are mapped. Keys of `map` are `[METHOD ]path`, with `*` for one part and `**` for any number of parts,
 * or `graphql OPERATION`; the first that fits counts. Answers are never read.
 */
export const calls = (map: Readonly<Record<string, EventName>>, options: CallOptions = {}): Instrument => (journey) => {
  const rules = Object.entries(map).map(([text, name]) => ({ text, name, fits: pattern(text) }));
  const own = new URL(journey.url, document.baseURI).href;

  const begin = (method: string, address: string | URL, body: unknown): Ended | undefined => {
    const url = new URL(address, document.baseURI);
    if (url.href === own || !url.protocol.startsWith('http')) return undefined;
    const called = method.toUpperCase();
    const lines = [`${called} ${url.origin}${url.pathname}`];
    const start = url.search + (typeof body === 'string' ? body.slice(0, BEGINNING) : '');
    const operation = OPERATION.exec(start);
    if (operation) lines.push('graphql ' + operation[1]);
    const rule = rules.find(({ fits }) => lines.some((line) => fits.test(line)));
    if (!rule && !options.others) return undefined;
    // The pattern says which call it was, without the ids that the path has.
    const details = rule ? { call: rule.text } : { method: called, path: journey.path(url) };
    const over = journey.open(rule?.name ?? 'API_CALL', details);
    return (status, error) => {
      over();
      if (!rule || status === undefined || (status > 0 && status < 400)) return;
      if (options.expected?.includes(status)) return;
      journey.record('API_ERROR', { ...details, event: rule.name, status, 'error.type': error });
    };
  };

  const undoFetch = wrap(window, 'fetch', (original) => function (this: unknown, ...given) {
    const [input, init] = given;
    const ended = quietly(() => {
      const request = input instanceof Request ? input : undefined;
      return begin(init?.method ?? request?.method ?? 'GET', request?.url ?? String(input), init?.body);
    });
    const answer = original.apply(this as typeof globalThis, given);
    if (!ended || !answer?.then) return answer;
    return answer.then(
      (response) => {
        ended(response.status);
        return response;
      },
      (error: unknown) => {
        const name = (error as Error | undefined)?.name;
        const left = name === 'AbortError' || (init?.signal?.aborted && name !== 'TimeoutError');
        ended(left ? undefined : 0, name);
        throw error;
      },
    );
  });

  const opened = new WeakMap<XMLHttpRequest, [method: string, address: string]>();
  const { prototype } = XMLHttpRequest;
  const undoOpen = wrap(prototype, 'open', (original) => function (this: XMLHttpRequest, ...given: unknown[]) {
    quietly(() => opened.set(this, [String(given[0]), String(given[1])]));
    return original.apply(this, given as Parameters<typeof original>);
  });
  const undoSend = wrap(prototype, 'send', (original) => function (this: XMLHttpRequest, ...given) {
    const ended = quietly(() => begin(...opened.get(this)!, given[0]));
    if (ended) {
      this.addEventListener('load', () => ended(this.status));
      this.addEventListener('error', () => ended(0));
      this.addEventListener('timeout', () => ended(0, 'TimeoutError'));
      this.addEventListener('abort', () => ended());
    }
    return original.apply(this, given);
  });
  return () => [undoFetch, undoOpen, undoSend].forEach((undo) => undo());
};
