import type { Options } from './types.js';
import { quietly } from './wrap.js';

const IDS = /\/(\d+|(?=[^/]*\d)[^/]{16,}|[^/]*(@|%40)[^/]*)(?=\/|$)/g;

/** Put `:id` in the place of what could tell who the user is: numbers, e-mail, long ids and tokens. */
export const withoutIds = (path: string): string => path.replace(IDS, '/:id');

/** What is recorded of a path; empty: the hook failed. */
export const recordable = (path: string, hook: Options['path'] = withoutIds): string => quietly(() => hook(path)) || '';

/**
 * Read a pattern `[METHOD ]path`. One `*` stands for a part of a path, `**` for any number of parts;
 * the first of them is the match's first group. A path without a host means every host.
 */
export const pattern = (text: string): RegExp => {
  const [path, method = '\\S+'] = text.split(' ').reverse() as [string, string?];
  const parts = path.replace(/[^\w*]/g, '\\$&').replace(/\*\*?/g, (stars) => (stars[1] ? '(.*)' : '([^/]*)'));
  return new RegExp(`^${method} (?:\\w+://[^/]+)?${parts}/?$`, 'm');
};
