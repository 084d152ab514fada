import { pattern, recordable } from '../path.js';
import { stamp } from '../span.js';
import type { Instrument } from '../types.js';
import { listen, wrap } from '../wrap.js';

/** Which screens are more than a screen. `*` stands for one part of a path, `**` for any number. */
export interface RouteOptions {
  /** The page that shows an error; what its first `*` stands for is the error's code. */
  error?: string;
  /** The last page of the journey. */
  final?: string;
  /** True: the screen stands behind the `#` of the address. */
  hash?: boolean;
}

/** The screens of the form, by the path of the page: each visit once, however often it is set. */
export const routes = ({ error, final, hash }: RouteOptions = {}): Instrument => (journey) => {
  const view = (first?: boolean) => {
    const at = stamp();
    const real = hash ? location.hash.slice(1).replace(/\?.*/, '') || '/' : location.pathname;
    // Whether it was viewed already is known as soon as the session is.
    void journey.session.then((session) => {
      const path = recordable(real, journey.path);
      const [failed, last] = [error, final].map((text) => text && pattern(text).exec('GET ' + real));
      // Loading an error page again resumed the session, so it has to be said again that it failed.
      if (session.path === path && !(first && failed)) return;
      session.path = path;
      const name = failed ? 'ERROR_PAGE_VIEWED' : last ? 'FINAL_PAGE_VIEW' : 'STEP_VIEW';
      journey.record(name, { path, errorCode: failed?.[1] }, at);
    });
  };
  const after =
    <Of extends (...given: never[]) => void>(original: Of) =>
    (function (this: History, ...given: never[]) {
      original.apply(this, given);
      view();
    }) as Of;
  const stops = [
    wrap(history, 'pushState', after),
    wrap(history, 'replaceState', after),
    listen(window, 'popstate', () => view()),
    listen(window, 'hashchange', () => view()),
  ];
  view(true);
  return stops;
};
