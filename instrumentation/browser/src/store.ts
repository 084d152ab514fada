import { quietly } from './wrap.js';

/**
 * What one page leaves to the next in the same tab: which page it is, the session's id, its last screen,
 * and the events that no answer has come for. Where the browser denies storage, or it is full, nothing is left.
 */
export const load = (): (string | number)[] => quietly(() => [...JSON.parse(sessionStorage.journeytrace)]) ?? [];

export const save = (items: readonly (string | number)[]) =>
  quietly(() => (sessionStorage.journeytrace = JSON.stringify(items)));

export const clear = () => quietly(() => delete sessionStorage.journeytrace);
