import type { Details, EventName, Events } from './events.js';

/** How a journey is recorded and where it goes. */
export interface Options {
  /** Where the collector's public listener, or your proxy before it, takes events. */
  url: string;
  /**
   * The token that your server made for this session, or a function that asks for it. A function is
   * called again before the token expires and when it was refused.
   */
  token: string | (() => string | PromiseLike<string>);
  /** What is recorded by itself; none: only what you record. */
  instruments?: readonly Instrument[];
  /** False: nothing is recorded, kept or wrapped until `enable()`; left out: true. */
  enabled?: boolean;
  /**
   * What is recorded of a path, which is all that is ever recorded of an address. Left out: numbers,
   * addresses of e-mail and what looks like an id or a token become `:id`.
   */
  path?: (path: string) => string;
}

/** The running record of one session. None of its methods throws, and no promise of it rejects. */
export interface Journey {
  /** Record that something happened now. Of the details only strings, numbers and booleans are sent. */
  record<Name extends EventName>(name: Name, details?: Events[Name]): void;
  /** The eight characters that a user reads to support; resolves as soon as there is a token. */
  readonly supportCode: Promise<string>;
  /** Begin to record; `false`: stop, and forget what has not left yet. */
  enable(on?: boolean): void;
  /** Send what is waiting now; resolves when it was answered, or could not be sent. */
  flush(): Promise<void>;
  /** Send what is waiting, give the page its own functions back, and let another journey start. */
  stop(): void;
}

/** Something that records by itself: it is started with the journey and gives back what undoes it. */
export type Instrument = (journey: Scope) => readonly (() => void)[];

/** What an instrument is given. */
export interface Scope extends Options {
  /** Record an event; `at` and `end`: its stamps, where it did not happen just now. */
  record(name: EventName, details?: Details, at?: string, end?: string): void;
  /** Called before the page goes: the last chance to record what has not ended. */
  readonly leaving: Set<() => void>;
  /** The session, as soon as there is a token. */
  readonly session: Promise<Session>;
}

/** What a page and the one after it in the same tab know of a session. */
export interface Session {
  id: string;
  /** Whether an earlier page in this tab recorded the same session. */
  resumed: boolean;
  /** The screen that was viewed last. */
  path: string;
}
