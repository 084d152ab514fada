import type { Details } from './events.js';

const LONGEST_TEXT = 1_000;
const WORDS: Record<string, string> = { errorCode: 'journey.error.code' };

let count = 0;

/** Nanoseconds since 1970. The last six digits count, so that what shares a millisecond keeps its order. */
export const stamp = (): string => Date.now() + String(count++ % 1e6).padStart(6, '0');

/** The JSON of a span with an id of its own, so that sending it again makes no second event. */
export const span = (name: string, details: Details | undefined, at: string, end: string): string => {
  const random = [...crypto.getRandomValues(new Uint8Array(8))];
  const id = random.map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return JSON.stringify({
    // OTLP wants a trace id; the collector puts the session's in its place.
    traceId: id + id,
    spanId: id,
    name,
    startTimeUnixNano: at,
    endTimeUnixNano: end,
    attributes: Object.entries({ ...details, 'journey.event.name': name }).flatMap(([key, value]) => {
      const kind = kindOf(value);
      return kind
        ? { key: WORDS[key] ?? key, value: { [kind]: kind === 'stringValue' ? (value as string).slice(0, LONGEST_TEXT) : value } }
        : [];
    }),
  });
};

// Whatever else a host hands over, an element or an object, could hold what nobody meant to send.
const kindOf = (value: unknown): string | undefined =>
  typeof value === 'string'
    ? 'stringValue'
    : typeof value === 'boolean'
      ? 'boolValue'
      : Number.isSafeInteger(value)
        ? 'intValue'
        : Number.isFinite(value)
          ? 'doubleValue'
          : undefined;
