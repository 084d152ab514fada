const KEY = 'journeytrace';

/**
 * What one page leaves to the next in the same tab: the session's id, its last screen, and the events
 * that no answer has come for. Where the browser denies storage, nothing is left.
 */
export const load = (): string[] => {
  try {
    const found: unknown = JSON.parse(sessionStorage.getItem(KEY)!);
    return Array.isArray(found) && found.every((item) => typeof item === 'string') ? found : [];
  } catch {
    return [];
  }
};

/** Leave this; nothing: leave no trace. */
export const save = (items?: readonly string[]): void => {
  try {
    if (items) sessionStorage.setItem(KEY, JSON.stringify(items));
    else sessionStorage.removeItem(KEY);
  } catch {
    // Denied, or full: it stays in memory.
  }
};
