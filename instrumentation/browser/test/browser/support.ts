import { vi } from 'vitest';
import { startJourney } from '../../src/index.js';
import type { Journey, Options } from '../../src/index.js';
import { TOKEN } from '../token.js';

export const URL_OF_COLLECTOR = 'https://collect.example/journey';

export interface Recorded {
  id: string;
  name: string;
  at: string;
  end: string;
  details: Record<string, unknown>;
}

export interface Sent {
  token: string;
  sentAt: number;
  events: Recorded[];
  names: string[];
  bytes: number;
  init: RequestInit;
  /** How many of these were on their way together. */
  beside: number;
}

type Answer = Response | Error | Promise<Response>;

const read = (init: RequestInit): Omit<Sent, 'beside'> => {
  const [token, sentAt, json] = String(init.body).split('\n') as [string, string, string];
  const { spans } = JSON.parse(json).resourceSpans[0].scopeSpans[0];
  const events: Recorded[] = spans.map((span: any) => {
    const details = Object.fromEntries(
      span.attributes.map(({ key, value }: any) => [key, Object.values(value)[0]]),
    );
    const { 'journey.event.name': name, ...rest } = details;
    return { id: span.spanId, name, at: span.startTimeUnixNano, end: span.endTimeUnixNano, details: rest };
  });
  const names = events.map(({ name }) => name);
  return { token, sentAt: Number(sentAt), events, names, bytes: new Blob([String(init.body)]).size, init };
};

/** Stands where the collector will: what came, and what it answers to the next requests (else 200). */
export class Collector {
  sent: Sent[] = [];
  answers: Answer[] = [];
  away = 0;

  fetch = async (_url: unknown, init: RequestInit): Promise<Response> => {
    this.sent.push({ ...read(init), beside: ++this.away });
    const answer = this.answers.shift() ?? new Response('');
    try {
      if (answer instanceof Error) throw answer;
      return await answer;
    } finally {
      this.away--;
    }
  };

  get events() {
    return this.sent.flatMap(({ events }) => events);
  }

  get names() {
    return this.events.map(({ name }) => name);
  }

  down(attempts: number) {
    this.answers.push(...Array.from({ length: attempts }, () => new TypeError('Failed to fetch')));
  }
}

const original = {
  fetch: window.fetch,
  push: history.pushState,
  hidden: Object.getOwnPropertyDescriptor(document, 'hidden'),
};
let running: Journey | undefined;
let collector = new Collector();

/** Start a journey that sends to a collector of the test's own; what the page fetches goes to `host`. */
export const start = (options: Partial<Options> = {}, host: typeof fetch = original.fetch): [Journey, Collector] => {
  const mine = collector;
  window.fetch = ((input: RequestInfo | URL, init?: RequestInit) =>
    input === URL_OF_COLLECTOR ? mine.fetch(input, init!) : host(input, init)) as typeof fetch;
  running = startJourney({ url: URL_OF_COLLECTOR, token: TOKEN, ...options });
  return [running, mine];
};

/** What a page finds when it is loaded: nobody runs, and the functions are the browser's own. */
export const fresh = () => {
  running?.stop();
  running = undefined;
  collector = new Collector();
  vi.useRealTimers();
  window.fetch = original.fetch;
  sessionStorage.clear();
  setHidden(false, false);
};

/** Stop as a page that is gone: without another word. The next start gets a new collector. */
export const vanish = () => {
  const left = sessionStorage.getItem('journeytrace');
  collector.down(9);
  running?.stop();
  collector = new Collector();
  if (left) sessionStorage.setItem('journeytrace', left);
};

export const setHidden = (hidden: boolean, tell = true) => {
  Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
  if (tell) document.dispatchEvent(new Event('visibilitychange'));
};

/** Let time pass, with all that follows from it. */
export const pass = async (milliseconds: number) => {
  await vi.advanceTimersByTimeAsync(milliseconds);
};

export const fakeTime = () => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });

/** What was recorded by itself, by now: name and details. */
export const recorded = async (journey: Journey, at: Collector) => {
  await journey.flush();
  // What waited for the session came behind.
  await journey.flush();
  return at.events.map(({ name, details }) => [name, details]);
};
