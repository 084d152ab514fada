import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { SESSION, TOKEN, tokenFor } from '../token.js';
import { fakeTime, fresh, pass, setHidden, start, vanish } from './support.js';

beforeEach(() => {
  fresh();
  fakeTime();
});
afterEach(fresh);

const many = (count: number) => Array.from({ length: count }, (_, number) => number);

describe('batches', () => {
  test('an event leaves within a second, behind the token and the time of sending', async () => {
    const [journey, collector] = start();
    journey.record('STEP_VIEW', { path: '/start' });
    await pass(1_000);
    const [sent] = collector.sent;
    expect(sent).toMatchObject({ token: TOKEN, names: ['STEP_VIEW'] });
    expect(Date.now() - sent!.sentAt).toBeLessThanOrEqual(1_000);
    expect(sent!.events[0]).toMatchObject({ details: { path: '/start' } });
    expect(sent!.init).toMatchObject({ method: 'POST', keepalive: true, credentials: 'omit', referrerPolicy: 'origin' });
    expect(new Request('/', sent!.init).headers.get('content-type')).toMatch(/^text\/plain/);
  });

  test('32 events leave at once, and no request has more', async () => {
    const [journey, collector] = start();
    await pass(0);
    many(100).forEach((number) => journey.record('API_CALL', { number }));
    await pass(0);
    expect(collector.sent[0]!.events).toHaveLength(32);
    await pass(2_000);
    expect(collector.sent.map(({ events }) => events.length)).toEqual([32, 32, 32, 4]);
    expect(collector.events.map(({ details }) => details['number'])).toEqual(many(100));
  });

  test('events of one millisecond keep their order by their times, and have ids of their own', async () => {
    const [journey, collector] = start();
    many(20).forEach(() => journey.record('API_CALL'));
    await pass(1_000);
    const times = collector.events.map(({ at }) => BigInt(at));
    expect(times.every((time, index) => !index || time > times[index - 1]!)).toBe(true);
    expect(new Set(collector.events.map(({ id }) => id)).size).toBe(20);
    expect(collector.events.every(({ id }) => /^[\da-f]{16}$/.test(id))).toBe(true);
  });

  test('nothing is asked of the collector while nothing happens', async () => {
    const [, collector] = start();
    await pass(60_000);
    expect(collector.sent).toHaveLength(0);
  });
});

describe('attempts', () => {
  test('a collector that is away gets everything once it is back: same ids, other time of sending', async () => {
    const [journey, collector] = start();
    collector.down(3);
    journey.record('STEP_VIEW');
    await pass(1_000);
    journey.record('API_CALL');
    await pass(60_000);
    const last = collector.sent.at(-1)!;
    expect(collector.sent).toHaveLength(4);
    expect(last.names).toEqual(['STEP_VIEW', 'API_CALL']);
    expect(new Set(collector.sent.map(({ events }) => events[0]!.id)).size).toBe(1);
    expect(new Set(collector.sent.map(({ sentAt }) => sentAt)).size).toBe(4);
  });

  test('pauses grow, and end at two minutes', async () => {
    const [journey, collector] = start();
    collector.down(99);
    journey.record('STEP_VIEW');
    await pass(3_600_000);
    const pauses = collector.sent.slice(1).map(({ sentAt }, index) => sentAt - collector.sent[index]!.sentAt);
    pauses.slice(0, 6).forEach((pause, index) => {
      expect(pause).toBeGreaterThanOrEqual(1_000 * 2 ** index);
      expect(pause).toBeLessThanOrEqual(2_000 * 2 ** index);
    });
    expect(Math.max(...pauses)).toBeLessThanOrEqual(120_000);
    expect(pauses.length).toBeGreaterThan(30);
  });

  test.each([429, 503])('%i is tried again, not before the time it asks for', async (status) => {
    const [journey, collector] = start();
    collector.answers.push(new Response('', { status, headers: { 'Retry-After': '20' } }));
    many(3).forEach(() => journey.record('STEP_VIEW'));
    await pass(1_000);
    many(40).forEach(() => journey.record('API_CALL'));
    await pass(18_900);
    expect(collector.sent).toHaveLength(1);
    await pass(30_000);
    expect(collector.events.slice(3)).toHaveLength(43);
    expect(new Set(collector.events.map(({ id }) => id)).size).toBe(43);
  });

  test.each([400, 403, 413])('%i settles its batch: it is not tried again, and the next leaves', async (status) => {
    const [journey, collector] = start();
    collector.answers.push(new Response('', { status }));
    journey.record('STEP_VIEW');
    await pass(60_000);
    journey.record('API_CALL');
    await pass(60_000);
    expect(collector.sent.map(({ names }) => names)).toEqual([['STEP_VIEW'], ['API_CALL']]);
  });

  test('while a request is on its way no other one is made', async () => {
    const [journey, collector] = start();
    let answer = (_: Response) => {};
    collector.answers.push(new Promise((resolve) => (answer = resolve)));
    journey.record('STEP_VIEW');
    await pass(1_000);
    journey.record('API_CALL');
    await pass(10_000);
    expect(collector.sent).toHaveLength(1);
    answer(new Response(''));
    await pass(1_000);
    expect(collector.sent[1]!.names).toEqual(['API_CALL']);
  });

  test('of events that nobody takes the newest 500 wait', async () => {
    const [journey, collector] = start();
    collector.down(1);
    journey.record('STEP_VIEW');
    await pass(1_000);
    many(600).forEach((number) => journey.record('API_CALL', { number }));
    await pass(120_000);
    const kept = collector.events.slice(1).map(({ details }) => details['number']);
    expect(kept).toEqual(many(600).slice(100));
  });
});

describe('the token', () => {
  test('one that was refused is asked for again at once, and everything arrives once', async () => {
    const token = vi.fn().mockResolvedValueOnce(TOKEN).mockResolvedValue(tokenFor(SESSION, { iat: 1 }));
    const [journey, collector] = start({ token });
    collector.answers.push(new Response('', { status: 401 }));
    journey.record('STEP_VIEW');
    await pass(1_100);
    expect(token).toHaveBeenCalledTimes(2);
    expect(collector.sent.map(({ token }) => token)).toEqual([TOKEN, tokenFor(SESSION, { iat: 1 })]);
    expect(collector.sent[0]!.events[0]!.id).toBe(collector.sent[1]!.events[0]!.id);
  });

  test('one that is always refused is asked for with growing pauses', async () => {
    const token = vi.fn(async () => TOKEN);
    const [journey, collector] = start({ token });
    collector.answers.push(...many(99).map(() => new Response('', { status: 401 })));
    journey.record('STEP_VIEW');
    await pass(60_000);
    expect(collector.sent.length).toBeLessThan(9);
  });

  test.each([0, 86_400_000, -86_400_000])('it is renewed before it expires, with a clock that is %i ms off', async (off) => {
    vi.setSystemTime(1_001_000_000 + off);
    const token = vi.fn(async () => TOKEN); // good for half an hour
    const [journey] = start({ token });
    journey.record('STEP_VIEW');
    await pass(1_730_000);
    expect(token).toHaveBeenCalledTimes(1);
    await pass(20_000);
    journey.record('STEP_VIEW');
    await pass(1_000);
    expect(token).toHaveBeenCalledTimes(2);
  });

  test('what happens before it is there waits for it, in memory alone', async () => {
    let give = (_: string) => {};
    const token = () => new Promise<string>((resolve) => (give = resolve));
    const [journey, collector] = start({ token });
    journey.record('STEP_VIEW');
    await pass(30_000);
    expect([collector.sent.length, sessionStorage.length]).toEqual([0, 0]);
    give(TOKEN);
    await pass(1_000);
    expect(collector.names).toEqual(['STEP_VIEW']);
  });

  test.each([
    ['throws', () => { throw new Error('no'); }],
    ['rejects', () => Promise.reject(new Error('no'))],
    ['gives no token', () => 'nonsense'],
    ['gives nothing', () => undefined as unknown as string],
  ])('a function that %s is called again', async (_, wrong) => {
    const token = vi.fn<() => string | Promise<string>>().mockImplementationOnce(wrong).mockReturnValue(TOKEN);
    const [journey, collector] = start({ token });
    journey.record('STEP_VIEW');
    await pass(10_000);
    expect(collector.names).toEqual(['STEP_VIEW']);
  });

  test('one for another session gets none of the events of the one before', async () => {
    const token = vi.fn().mockResolvedValueOnce(TOKEN).mockResolvedValue(tokenFor('another'));
    const [journey, collector] = start({ token });
    collector.answers.push(new Response('', { status: 401 }));
    journey.record('STEP_VIEW');
    await pass(2_000);
    journey.record('API_CALL');
    await pass(2_000);
    expect(collector.sent.map(({ names }) => names)).toEqual([['STEP_VIEW'], ['API_CALL']]);
  });
});

describe('leaving the page', () => {
  test('what waits leaves at once when the page is hidden, without waiting for an answer', async () => {
    const [journey, collector] = start();
    await pass(0);
    collector.answers.push(new Promise(() => {}));
    journey.record('STEP_VIEW');
    await pass(1_000);
    journey.record('API_CALL');
    setHidden(true);
    expect(collector.sent.map(({ names }) => names)).toEqual([['STEP_VIEW'], ['API_CALL']]);
    expect(collector.sent[1]!.init.keepalive).toBe(true);
  });

  test('all that is on its way stays within the 60 kB that browsers let out, counted in bytes', async () => {
    const [journey, collector] = start();
    await pass(0);
    collector.answers.push(...many(9).map(() => new Promise<Response>(() => {})));
    const text = '신분증'.repeat(300);
    many(40).forEach(() => journey.record('API_CALL', { text }));
    setHidden(true);
    many(40).forEach(() => journey.record('API_CALL', { text }));
    window.dispatchEvent(new Event('pagehide'));
    expect(collector.events.length).toBeGreaterThan(10);
    expect(collector.sent.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(60_000);
  });

  test('what no answer came for is sent by the next page, with the same ids', async () => {
    const [journey, collector] = start();
    await pass(0);
    collector.down(9);
    journey.record('STEP_VIEW');
    journey.record('API_CALL');
    setHidden(true);
    await pass(0);
    vanish();
    setHidden(false, false);
    const [, next] = start();
    await pass(1_000);
    expect(next.names).toEqual(['STEP_VIEW', 'API_CALL']);
    expect(next.events.map(({ id }) => id)).toEqual(collector.events.slice(0, 2).map(({ id }) => id));
  });

  test('a tab that crashes leaves to the next page all but the last second', async () => {
    const [journey, collector] = start();
    await pass(0);
    collector.down(9);
    journey.record('STEP_VIEW');
    await pass(1_000);
    journey.record('API_CALL');
    vanish();
    const [, next] = start();
    await pass(1_000);
    expect(next.names).toEqual(['STEP_VIEW']);
  });

  test('a page of another session sends nothing of the one before', async () => {
    const [journey, collector] = start();
    await pass(0);
    collector.down(9);
    journey.record('STEP_VIEW');
    setHidden(true);
    await pass(0);
    vanish();
    const [second, next] = start({ token: tokenFor('another') });
    second.record('API_CALL');
    await pass(1_000);
    expect(next.names).toEqual(['API_CALL']);
  });

  test.each(['getter', 'full', 'garbage'])('where storage fails (%s), memory has to do', async (how) => {
    if (how === 'garbage') sessionStorage.setItem('journeytrace', '{"a":');
    const own = Object.getOwnPropertyDescriptor(window, 'sessionStorage')!;
    const denied = () => { throw new DOMException('denied', 'SecurityError'); };
    const full = new Proxy({}, { set: denied });
    if (how !== 'garbage')
      Object.defineProperty(window, 'sessionStorage', { get: how === 'getter' ? denied : () => full, configurable: true });
    try {
      const [journey, collector] = start();
      collector.down(1);
      journey.record('STEP_VIEW');
      await pass(10_000);
      expect(collector.names).toEqual(['STEP_VIEW', 'STEP_VIEW']);
      await journey.flush();
    } finally {
      Object.defineProperty(window, 'sessionStorage', own);
    }
  });
});
