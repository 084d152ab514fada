import type { Details } from './events.js';

const LONGEST_TEXT = 1_000;

let count = 0;

/** Nanoseconds since 1970. The last six digits count, so that what shares a millisecond keeps its order. */
export const stamp = (): string => Date.now() + String(count++ % 1e6).padStart(6, '0');

// Whatever else a host hands over, an element or an object, could hold what nobody meant to send.
const otlp = (value: unknown) => {
  // Half a character, cut here or by the host, would make the whole request unreadable.
  if (typeof value === 'string') return { stringValue: value.slice(0, LONGEST_TEXT).replace(/\p{Cs}/gu, '') };
  if (typeof value === 'boolean') return { boolValue: value };
  if (Number.isSafeInteger(value)) return { intValue: value };
  return Number.isFinite(value) && { doubleValue: value };
};

/** The JSON of a span with an id of its own, so that sending it again makes no second event. */
export const span = (name: string, details: Details | undefined, at: string, end: string): string => {
  const id = crypto.getRandomValues(new BigUint64Array(1))[0]!.toString(16).padStart(16, '0');
  return JSON.stringify({
    // OTLP wants a trace id; the collector puts the session's in its place, and the event's name as the span's.
    traceId: id + id,
    spanId: id,
    startTimeUnixNano: at,
    endTimeUnixNano: end,
    attributes: Object.entries({ ...details, 'journey.event.name': name })
      .map(([key, value]) => ({ key: key === 'errorCode' ? 'journey.error.code' : key, value: otlp(value) }))
      .filter((attribute) => attribute.value),
  });
};
