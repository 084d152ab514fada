import type { Details } from '../events.js';
import type { Instrument } from '../types.js';
import { listen } from '../wrap.js';

/** Of one page: a loop that fails must not use up the session's events. */
const MOST = 10;

/** Errors that nobody caught: their kind and place, each once; never their text. */
export const errors = (): Instrument => (journey) => {
  const seen = new Set<string>();

  const note = (error: unknown, place?: Details) => {
    const details = { 'error.type': error instanceof Error ? error.name : typeof error, ...place };
    const key = JSON.stringify(details);
    if (seen.has(key) || seen.size >= MOST) return;
    seen.add(key);
    journey.record('JS_ERROR', details);
  };
  return [
    listen<ErrorEvent>(window, 'error', ({ error, filename, lineno, colno }) =>
      // The file's own name alone: a script in the page has the page's address.
      note(error, { script: /[^/]+\.m?js(?![^?#])/.exec(filename ?? '')?.[0], line: lineno, column: colno }),
    ),
    listen<PromiseRejectionEvent>(window, 'unhandledrejection', ({ reason }) => note(reason)),
  ];
};
