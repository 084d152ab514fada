import type { EventName } from '../events.js';
import { pattern, recordable } from '../path.js';
import { stamp } from '../span.js';
import type { Instrument } from '../types.js';
import { listen, quietly, wrap } from '../wrap.js';

export interface CallOptions {
  /** Answers from 400 to 499 that the form expects, such as a code that was mistyped: no API_ERROR. */
  expected?: readonly number[];
  /** True: calls that no pattern fits are recorded as API_CALL; their failures never are. */
  others?: boolean;
}

/**
 * How a call ended: its status, 0 without an answer, and then the kind of error. One that was given up
 * ends with 200: whoever did that has not seen it fail.
 */
type Ended = (status: number, error?: string) => void;

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

  const begin = (method: string, address: string | URL, body: unknown): Ended | undefined => {
    const url = new URL(address, document.baseURI);
    method = method.toUpperCase();
    const start = url.search + (typeof body === 'string' ? body.slice(0, BEGINNING) : '');
    const lines = `${method} ${url.origin}${url.pathname}\ngraphql ${OPERATION.exec(start)?.[1]}`;
    const rule = rules.find(({ fits }) => fits.test(lines));
    // What is no address of a network, such as a picture in a data: address, holds content.
    if (!rule && !(options.others && url.host)) return undefined;
    // The pattern says which call it was, without the ids that the path has.
    const details = { call: rule?.text ?? `${method} ${recordable(url.pathname, journey.path)}` };
    const at = stamp();
    // A call that is not over when the page goes is recorded as begun, for nobody may see it end.
    const record = (end = at) => journey.leaving.delete(record) && journey.record(rule?.name ?? 'API_CALL', details, at, end);
    journey.leaving.add(record);
    return (status, error) => {
      record(stamp());
      if (!rule || (status && status < 400) || options.expected?.includes(status)) return;
      journey.record('API_ERROR', { event: rule.name, status, 'error.type': status ? undefined : error });
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
        const name = quietly(() => (error as Error).name);
        const left = name === 'AbortError' || (init?.signal?.aborted && name !== 'TimeoutError');
        ended(left ? 200 : 0, name);
        throw error;
      },
    );
  });

  const opened = new WeakMap<XMLHttpRequest, unknown[]>();
  const { prototype } = XMLHttpRequest;
  const undoOpen = wrap(prototype, 'open', (original) => function (this: XMLHttpRequest, ...given: unknown[]) {
    opened.set(this, given);
    return original.apply(this, given as Parameters<typeof original>);
  });
  const undoSend = wrap(prototype, 'send', (original) => function (this: XMLHttpRequest, ...given) {
    const ended = quietly(() => {
      const [method, address] = opened.get(this)!;
      return begin(method as string, address as string, given[0]);
    });
    if (ended) {
      for (const type of ['load', 'error', 'timeout', 'abort'])
        listen(this, type, () => ended(type === 'abort' ? 200 : this.status, type));
    }
    return original.apply(this, given);
  });
  return [undoFetch, undoOpen, undoSend];
};
