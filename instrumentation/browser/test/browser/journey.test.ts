import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { camera, calls, environment, errors, routes, sockets, startJourney } from '../../src/index.js';
import type { Details } from '../../src/index.js';
import { TOKEN, tokenFor } from '../token.js';
import { fakeTime, fresh, pass, setHidden, start, vanish, URL_OF_COLLECTOR } from './support.js';

beforeEach(() => {
  fresh();
  fakeTime();
});
afterEach(fresh);

const all = () => [environment(), errors(), camera(), routes(), calls({}, { others: true }), sockets()];

describe('consent', () => {
  test('without it nothing is recorded, kept, wrapped or asked for', async () => {
    const token = vi.fn(async () => TOKEN);
    const before = [history.pushState, WebSocket, navigator.mediaDevices.getUserMedia];
    const [journey, collector] = start({ enabled: false, instruments: all(), token });
    const theirs = window.fetch;
    journey.record('STEP_VIEW');
    setHidden(true);
    await journey.flush();
    await pass(60_000);
    expect([collector.sent.length, sessionStorage.length, token.mock.calls.length]).toEqual([0, 0, 0]);
    expect([history.pushState, WebSocket, navigator.mediaDevices.getUserMedia]).toEqual(before);
    expect(window.fetch).toBe(theirs);
  });

  test('with it recording begins, from then on', async () => {
    const [journey, collector] = start({ enabled: false, instruments: all() });
    journey.record('STEP_VIEW');
    journey.enable();
    journey.record('API_CALL');
    await pass(2_000);
    expect(collector.names).toContain('FRONT_SESSION_START');
    expect(collector.names).toContain('API_CALL');
    expect(collector.names.filter((name) => name === 'STEP_VIEW')).toHaveLength(1); // of the routes
  });

  test('taken back, what has not left is forgotten, on its way too', async () => {
    const [journey, collector] = start();
    await pass(0);
    let fail = (_: Error) => {};
    collector.answers.push(new Promise((_, reject) => (fail = reject)));
    journey.record('STEP_VIEW');
    await pass(1_000);
    journey.record('API_CALL');
    journey.enable(false);
    fail(new Error('down'));
    await pass(60_000);
    journey.enable();
    await pass(60_000);
    expect(collector.names).toEqual(['STEP_VIEW']);
    expect(sessionStorage.getItem('journeytrace')).not.toContain('API_CALL');
  });

  test('what a page kept with consent is gone when the next has none', async () => {
    const [journey, collector] = start();
    await pass(0);
    collector.down(9);
    journey.record('STEP_VIEW');
    await pass(1_000);
    vanish();
    expect(sessionStorage.length).toBe(1);
    start({ enabled: false });
    expect(sessionStorage.length).toBe(0);
  });
});

describe('starting and stopping', () => {
  test('a second start gives the first journey', () => {
    const [journey] = start();
    expect(startJourney({ url: '/elsewhere', token: 'other' })).toBe(journey);
  });

  test('stop sends what waits, gives the page its functions back, and lets another journey start', async () => {
    const before = [history.pushState, WebSocket, navigator.mediaDevices.getUserMedia];
    const [journey, collector] = start({ instruments: all() });
    expect(history.pushState).not.toBe(before[0]);
    await pass(2_000);
    journey.record('ALERT_SHOWN');
    journey.stop();
    journey.record('TIP_DIALOG_SHOWN');
    await pass(60_000);
    expect([history.pushState, WebSocket, navigator.mediaDevices.getUserMedia]).toEqual(before);
    expect(collector.names.at(-1)).toBe('ALERT_SHOWN');
    expect(start()[0]).not.toBe(journey);
  });

  test('what somebody else has wrapped meanwhile is left alone', () => {
    const [journey] = start({ instruments: [routes()] });
    const ours = history.pushState;
    const theirs = function (this: History, ...given: Parameters<typeof ours>) {
      ours.apply(this, given);
    };
    history.pushState = theirs;
    journey.stop();
    expect(history.pushState).toBe(theirs);
    delete (history as { pushState?: unknown }).pushState;
  });

  test('flush sends at once and resolves when it was answered', async () => {
    const [journey, collector] = start();
    journey.record('STEP_VIEW');
    await journey.flush();
    expect(collector.names).toEqual(['STEP_VIEW']);
    collector.down(1);
    journey.record('API_CALL');
    await expect(journey.flush()).resolves.toBeUndefined();
  });
});

describe('the support code', () => {
  // As journeytrace.identity.support_code(trace_id(…)) gives it.
  test.each([
    ['018f3b5e-0000-7000-8000-000000000001', 'YP7YYHZX'],
    ['018F3B5E00007000800000000000000A', 'R47QGVCT'],
    ['order-7 ü신', 'T6EX14MY'],
    ['018f3b5e-00007000-8000-000000000001', 'KHFQMTNE'],
    ['aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'ZW24BKY5'],
    ['00000000-0000-0000-0000-0000000000b9', 'MW9G9MBG'],
  ])('of %s is %s', async (session, code) => {
    const [journey] = start({ token: tokenFor(session) });
    expect(await journey.supportCode).toBe(code);
  });

  test('asks for the token, and waits for it, even without consent', async () => {
    const token = vi.fn(async () => TOKEN);
    const [journey] = start({ token, enabled: false });
    expect(await journey.supportCode).toMatch(/^[0-9A-HJKMNP-TV-Z]{8}$/);
    await journey.supportCode;
    expect(token).toHaveBeenCalledTimes(1);
  });
});

describe('details', () => {
  const details = async (given: unknown) => {
    const [journey, collector] = start();
    journey.record('STEP_VIEW', given as Details);
    journey.record('ALERT_SHOWN');
    await pass(1_000);
    expect(collector.names.at(-1)).toBe('ALERT_SHOWN');
    return collector.names.length > 1 ? collector.events[0]!.details : undefined;
  };

  test('are strings, numbers and booleans; everything else is left out', async () => {
    const given = {
      text: 'é', whole: 3, part: 0.5, yes: true, no: false, none: null, nothing: undefined, not: NaN, never: Infinity,
      big: 10n, list: [1], element: document.body, date: new Date(), call: () => 1, symbol: Symbol('x'),
    };
    expect(await details(given)).toEqual({ text: 'é', whole: 3, part: 0.5, yes: true, no: false });
  });

  test('cannot change the event, and an error code has its own word', async () => {
    expect(await details({ 'journey.event.name': 'APPROVED', errorCode: 'QS-10001' })).toEqual({
      'journey.error.code': 'QS-10001',
    });
  });

  test('long texts are cut, and half characters taken out', async () => {
    const found = await details({ long: 'x'.repeat(5_000), half: 'a\ud83db', cut: 'x'.repeat(999) + '😀' });
    expect(found).toEqual({ long: 'x'.repeat(1_000), half: 'ab', cut: 'x'.repeat(999) });
  });

  test('that are too many, or cannot be read, lose the event and nothing else', async () => {
    const many = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`k${index}`, 'x'.repeat(900)]));
    expect(await details(many)).toBeUndefined();
    fresh();
    fakeTime();
    const hostile = new Proxy({}, { ownKeys: () => { throw new Error('mine'); } });
    expect(await details(hostile)).toBeUndefined();
  });
});

test('no options, however wrong, make anything throw', async () => {
  const wrong: unknown[] = [
    undefined, null, {}, { url: URL_OF_COLLECTOR }, { url: 'http://[', token: 7, instruments: [null, () => { throw 1; }] },
    { url: URL_OF_COLLECTOR, token: TOKEN, path: () => { throw 1; }, instruments: [routes(), () => undefined] },
  ];
  for (const options of wrong) {
    const journey = startJourney(options as never);
    journey.record('STEP_VIEW', 7 as never);
    journey.record(undefined as never);
    setHidden(true);
    history.pushState(null, '', location.href);
    await pass(5_000);
    await journey.flush();
    journey.enable(false);
    journey.stop();
    journey.stop();
  }
});
