import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { calls, camera, environment, errors, routes, sockets } from '../../src/index.js';
import type { EventName } from '../../src/index.js';
import { fresh, recorded, setHidden, start, vanish } from './support.js';

const home = location.pathname + location.search;
beforeEach(() => {
  fresh();
  history.replaceState(null, '', '/start');
});
afterEach(() => {
  fresh();
  history.replaceState(null, '', home);
  vi.restoreAllMocks();
});

describe('environment', () => {
  test('the first page of a tab starts the session, the next one resumes it', async () => {
    const [journey, collector] = start({ instruments: [environment()] });
    expect(await recorded(journey, collector)).toEqual([['FRONT_SESSION_START', {}]]);
    vanish();
    const [again, next] = start({ instruments: [environment()] });
    expect((await recorded(again, next)).at(-1)).toEqual(['FRONT_SESSION_RESUMED', {}]);
  });

  test('the start comes before all else that a page records, in whatever order the instruments stand', async () => {
    const [journey, collector] = start({ instruments: [routes(), environment()] });
    await recorded(journey, collector);
    const inOrder = [...collector.events].sort((a, b) => (a.at < b.at ? -1 : 1)).map(({ name }) => name);
    expect(inOrder).toEqual(['FRONT_SESSION_START', 'STEP_VIEW']);
  });

  test('the page goes out of sight and comes back, each told once', async () => {
    const [journey, collector] = start({ instruments: [environment()] });
    await recorded(journey, collector);
    setHidden(true);
    document.dispatchEvent(new Event('visibilitychange'));
    setHidden(false);
    expect((await recorded(journey, collector)).slice(1)).toEqual([['PAGE_HIDDEN', {}], ['PAGE_VISIBLE', {}]]);
  });

  test('what is recorded of a page being hidden leaves with it', async () => {
    const [journey, collector] = start({ instruments: [environment()] });
    await recorded(journey, collector);
    setHidden(true);
    expect(collector.names.at(-1)).toBe('PAGE_HIDDEN');
  });

  test('coming back from the back/forward cache is told once, and as that', async () => {
    const [journey, collector] = start({ instruments: [environment()] });
    await recorded(journey, collector);
    window.dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }));
    setHidden(true);
    window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }));
    setHidden(false);
    expect((await recorded(journey, collector)).at(-1)).toEqual(['PAGE_VISIBLE', { cached: true }]);
    expect(collector.names.filter((name) => name === 'PAGE_VISIBLE')).toHaveLength(1);
  });

  test('the network goes and comes', async () => {
    const [journey, collector] = start({ instruments: [environment()] });
    window.dispatchEvent(new Event('offline'));
    window.dispatchEvent(new Event('online'));
    expect((await recorded(journey, collector)).map(([name]) => name)).toContain('NETWORK_OFFLINE');
    expect(collector.names).toContain('NETWORK_ONLINE');
  });
});

describe('errors', () => {
  // The runner is told to let pass what says that it is a secret.
  const fail = (error: unknown) => new Promise<void>((resolve) => {
    window.addEventListener('error', () => resolve(), { once: true });
    setTimeout(() => { throw error; });
  });
  const reject = (reason: unknown) => new Promise<void>((resolve) => {
    window.addEventListener('unhandledrejection', () => resolve(), { once: true });
    void Promise.reject(reason);
  });

  test('one that nobody caught is recorded by kind and place, without its text', async () => {
    const [journey, collector] = start({ instruments: [errors()] });
    await fail(new TypeError('secret'));
    const [event] = await recorded(journey, collector);
    expect(event![0]).toBe('JS_ERROR');
    expect(event![1]).toEqual({ 'error.type': 'TypeError', line: expect.any(Number), column: expect.any(Number) });
    expect(JSON.stringify(collector.sent)).not.toContain('secret');
  });

  test('of a script its own name is told, of a page none', async () => {
    const [journey, collector] = start({ instruments: [errors()] });
    for (const filename of ['https://cdn.example/secret/app-3f.js?secret', 'https://form.example/secret/ann', ''])
      window.dispatchEvent(new ErrorEvent('error', { error: new Error('secret'), filename, lineno: filename.length }));
    const scripts = (await recorded(journey, collector)).map(([, details]) => (details as { script?: string }).script);
    expect(scripts).toEqual(['app-3f.js', undefined, undefined]);
  });

  test('a promise that nobody looked after is one, whatever it was rejected with', async () => {
    const [journey, collector] = start({ instruments: [errors()] });
    await reject(new RangeError('secret'));
    await reject({ name: 'secret', message: 'secret' });
    expect(await recorded(journey, collector)).toEqual([
      ['JS_ERROR', { 'error.type': 'RangeError' }],
      ['JS_ERROR', { 'error.type': 'object' }],
    ]);
  });

  test('the same is told once, and of a page no more than ten', async () => {
    const [journey, collector] = start({ instruments: [errors()] });
    for (let number = 0; number < 40; number++)
      window.dispatchEvent(new ErrorEvent('error', { error: new Error('secret'), lineno: number >> 1 }));
    expect(await recorded(journey, collector)).toHaveLength(10);
  });
});

describe('camera', () => {
  const asked = async (answer: () => Promise<MediaStream>, wanted: MediaStreamConstraints = { video: true }) => {
    const original = vi.spyOn(navigator.mediaDevices, 'getUserMedia').mockImplementation(answer);
    const [journey, collector] = start({ instruments: [camera()] });
    const result = await navigator.mediaDevices.getUserMedia(wanted).catch((error: unknown) => error);
    expect(original).toHaveBeenCalledExactlyOnceWith(wanted);
    return [result, await recorded(journey, collector)] as const;
  };
  const refusal = (name: string) => () => Promise.reject(new DOMException('secret', name));

  test('a stream is given on as it is', async () => {
    const stream = new MediaStream();
    const [result, events] = await asked(async () => stream);
    expect(result).toBe(stream);
    expect(events).toEqual([['CAMERA_REQUESTED', {}], ['CAMERA_ACTIVATED', {}]]);
  });

  test('the microphone alone is no camera', async () => {
    expect((await asked(async () => new MediaStream(), { audio: true }))[1]).toEqual([]);
  });

  test.each([
    ['NotAllowedError', true, 'CAMERA_PERMISSION_DENIED', true],
    ['NotAllowedError', undefined, 'CAMERA_PERMISSION_DENIED', 'unknown'],
    ['NotAllowedError', false, 'CAMERA_ERROR', false],
    ['NotFoundError', true, 'CAMERA_ERROR', true],
    ['SecurityError', true, 'CAMERA_ERROR', true],
  ])('%s where the policy says %s is a %s', async (name, allows, event, allowed) => {
    const policy = allows === undefined ? undefined : { allowsFeature: () => allows };
    Object.defineProperty(document, 'featurePolicy', { value: policy, configurable: true });
    const [result, events] = await asked(refusal(name));
    delete (document as { featurePolicy?: unknown }).featurePolicy;
    expect(result).toMatchObject({ name });
    expect(events[1]).toEqual([event, { 'error.type': name, allowed }]);
  });

  test('a real (fake) device is opened through it', async () => {
    const [journey, collector] = start({ instruments: [camera()] });
    const stream = await navigator.mediaDevices.getUserMedia({ video: true });
    stream.getTracks().forEach((track) => track.stop());
    expect((await recorded(journey, collector)).map(([name]) => name)).toEqual(['CAMERA_REQUESTED', 'CAMERA_ACTIVATED']);
  });
});

describe('routes', () => {
  test('each screen is viewed once, by its path alone', async () => {
    const [journey, collector] = start({ instruments: [routes()] });
    history.pushState(null, '', '/id-front?token=secret#secret');
    history.replaceState(null, '', '/id-front?token=other');
    history.pushState(null, '', '/selfie');
    history.back();
    await vi.waitFor(async () => expect(await recorded(journey, collector)).toHaveLength(4));
    expect(collector.events.map(({ details }) => details['path'])).toEqual(['/start', '/id-front', '/selfie', '/id-front']);
    expect(new Set(collector.names)).toEqual(new Set(['STEP_VIEW']));
  });

  test('loading a screen again is no new view', async () => {
    const [journey, collector] = start({ instruments: [routes()] });
    await recorded(journey, collector);
    setHidden(true);
    vanish();
    const [again, next] = start({ instruments: [routes()] });
    again.record('ALERT_SHOWN');
    await again.flush();
    expect(next.events.filter(({ at }) => at > collector.events[0]!.at).map(({ name }) => name)).toEqual(['ALERT_SHOWN']);
  });

  test('the error page and the last page have events of their own; the code stands in the path', async () => {
    const [journey, collector] = start({ instruments: [routes({ error: '/error/*', final: '/done' })] });
    history.pushState(null, '', '/error/QS-10001');
    history.pushState(null, '', '/done');
    expect((await recorded(journey, collector)).slice(1)).toEqual([
      ['ERROR_PAGE_VIEWED', { path: '/error/QS-10001', 'journey.error.code': 'QS-10001' }],
      ['FINAL_PAGE_VIEW', { path: '/done' }],
    ]);
  });

  test('an error page that is loaded again is one again, for the page resumed the session', async () => {
    history.replaceState(null, '', '/error/7');
    const instruments = () => [environment(), routes({ error: '/error/*' })];
    const [journey, collector] = start({ instruments: instruments() });
    await recorded(journey, collector);
    setHidden(true);
    vanish();
    setHidden(false, false);
    const [again, next] = start({ instruments: instruments() });
    await recorded(again, next);
    expect(next.names.slice(-2)).toEqual(['FRONT_SESSION_RESUMED', 'ERROR_PAGE_VIEWED']);
  });

  test('screens behind the # are told apart where that is wanted', async () => {
    history.replaceState(null, '', '/form#/one?secret');
    const [journey, collector] = start({ instruments: [routes({ hash: true })] });
    location.hash = '/two';
    await vi.waitFor(async () => expect(await recorded(journey, collector)).toHaveLength(2));
    expect(collector.events.map(({ details }) => details['path'])).toEqual(['/one', '/two']);
  });

  test.each([
    ['/users/42/edit', '/users/:id/edit'],
    ['/link/018f3b5e-0000-7000-8000-000000000001', '/link/:id'],
    ['/ann@example.com/mail', '/:id/mail'],
    ['/ann%40example.com', '/:id'],
    ['/v1/step1', '/v1/step1'],
    ['/document-front-side', '/document-front-side'],
  ])('of %s is recorded %s', async (path, seen) => {
    history.replaceState(null, '', path);
    const [journey, collector] = start({ instruments: [routes()] });
    expect(await recorded(journey, collector)).toEqual([['STEP_VIEW', { path: seen }]]);
  });

  test('the hook says what is recorded of a path; one that throws has nothing recorded of it', async () => {
    const path = vi.fn((given: string) => given.replace('start', 'begin')).mockImplementationOnce(() => { throw new Error(); });
    const [journey, collector] = start({ instruments: [routes()], path });
    history.pushState(null, '', '/start/2');
    expect(await recorded(journey, collector)).toEqual([['STEP_VIEW', { path: '/begin/2' }]]);
  });
});

describe('sockets', () => {
  class Fake extends EventTarget {
    static readonly OPEN = 1;
    constructor(readonly url: string) {
      super();
    }
  }
  const opened = (pattern?: string) => {
    const own = window.WebSocket;
    window.WebSocket = Fake as never;
    const [journey, collector] = start({ instruments: [sockets(pattern)] });
    const socket = new WebSocket('wss://api.example/results/018f3b5e-0000-7000-8000-000000000001?key=secret');
    const isOne = socket instanceof WebSocket && WebSocket.OPEN === 1;
    journey.record('ALERT_SHOWN');
    const done = async () => {
      const events = await recorded(journey, collector);
      fresh();
      window.WebSocket = own;
      expect(isOne).toBe(true);
      return events.filter(([name]) => name !== 'ALERT_SHOWN');
    };
    return [socket, done] as const;
  };

  test('opened, failed, and ended when nobody wanted it', async () => {
    const [socket, done] = opened('/results/*');
    socket.dispatchEvent(new Event('open'));
    socket.dispatchEvent(new Event('error'));
    socket.dispatchEvent(new CloseEvent('close', { wasClean: false, code: 1006 }));
    const path = '/results/:id';
    expect(await done()).toEqual([
      ['WEBSOCKET_CONNECTED', { path }],
      ['WEBSOCKET_ERROR', { path }],
      ['WEBSOCKET_DISCONNECTED', { path, code: 1006 }],
    ]);
  });

  test('one that ends as agreed is no event, nor is one that no pattern fits', async () => {
    const [socket, done] = opened();
    socket.dispatchEvent(new CloseEvent('close', { wasClean: true, code: 1000 }));
    expect(await done()).toEqual([]);
    const [other, over] = opened('/chat');
    other.dispatchEvent(new Event('open'));
    expect(await over()).toEqual([]);
  });

  test('a wrong address throws what it would without us', () => {
    start({ instruments: [sockets()] });
    expect(() => new WebSocket('nonsense://')).toThrow(/scheme/);
  });
});

describe('calls', () => {
  const CALLS: EventName[] = [
    'CREATE_FLOW', 'GET_PROJECT', 'QUERY_PROJECT_OPTIONS', 'GET_NATIONALITY_LIST', 'CHECKPOINT_HASH', 'HANDLE_LINK_TOKEN',
    'CHECK_TURNSTILE', 'CHECK_IP_RISK', 'CHECK_RATE_LIMIT', 'CHECK_FINGERPRINT_DUPLICATION', 'POST_DEVICE_VALIDATION',
    'CHECK_APPROVED', 'SEND_AUXID_SMS', 'VERIFY_AUXID_SMS', 'KB_STAGE2_SEND_SMS', 'KB_STAGE2_VERIFY_SMS', 'UPLOAD_IMAGE',
    'VERIFY_EMAIL', 'SEARCH_ADDRESS', 'GET_ADDRESS_DETAIL', 'VERIFY_ACCOUNT', 'SUBMIT_STEP1', 'SUBMIT_STEP2',
    'CREATE_LIVENESS_SESSION', 'GET_LIVENESS_RESULT', 'GET_FACEAUTH_PRELOAD', 'SUBMIT_FACEAUTH', 'KB_STAGE1_INIT',
    'KB_STAGE3_VERIFY_IDENTITY', 'KB_STAGE4_VERIFY_FACE', 'INJECT_VALIDATION',
  ];
  const answer = (status = 200) => async () => new Response('', { status });

  test('every call of the catalogue can be captured, by its method and path', async () => {
    const map = Object.fromEntries(CALLS.map((name) => [`POST /api/${name}`, name]));
    const [journey, collector] = start({ instruments: [calls(map)] }, answer());
    for (const name of CALLS) await fetch(`https://api.example/api/${name}?secret=1`, { method: 'post', body: 'secret' });
    const seen = await recorded(journey, collector);
    await journey.flush();
    expect(collector.names).toEqual(CALLS);
    expect(seen[0]).toEqual(['CREATE_FLOW', { call: 'POST /api/CREATE_FLOW' }]);
  });

  test('a call is recorded from its beginning to its end', async () => {
    const [journey, collector] = start({ instruments: [calls({ '/slow': 'GET_PROJECT' })] }, async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return new Response('');
    });
    await fetch('/slow');
    await recorded(journey, collector);
    const { at, end } = collector.events[0]!;
    expect(BigInt(end) - BigInt(at)).toBeGreaterThanOrEqual(15_000_000n);
  });

  test('one that is not over when the page goes is recorded as begun, and once', async () => {
    let give = (_: Response) => {};
    const [journey, collector] = start({ instruments: [calls({ '/slow': 'GET_PROJECT' })] }, () => new Promise((resolve) => (give = resolve)));
    await journey.flush();
    const asked = fetch('/slow');
    setHidden(true);
    expect(collector.names).toEqual(['GET_PROJECT']);
    expect(collector.events[0]!.end).toBe(collector.events[0]!.at);
    give(new Response(''));
    await asked;
    expect(await recorded(journey, collector)).toHaveLength(1);
  });

  test('methods, stars, hosts, the first that fits; others only where wanted, by a path without ids', async () => {
    const map = {
      'POST /a/*': 'CREATE_FLOW', 'GET /a/*': 'GET_PROJECT', '/deep/**': 'SEARCH_ADDRESS',
      'https://one.example/x': 'CHECK_APPROVED', '/x': 'VERIFY_EMAIL',
    } as const;
    const [journey, collector] = start({ instruments: [calls(map, { others: true })] }, answer());
    await fetch('/a/1', { method: 'POST' });
    await fetch(new Request('/a/1'));
    await fetch(new URL('/deep/er/still', location.href));
    await fetch('https://one.example/x');
    await fetch('https://two.example/x');
    await fetch('/else/12345?secret');
    await fetch('data:text/plain,secret');
    const seen = await recorded(journey, collector);
    expect(collector.names).toEqual(['CREATE_FLOW', 'GET_PROJECT', 'SEARCH_ADDRESS', 'CHECK_APPROVED', 'VERIFY_EMAIL', 'API_CALL']);
    expect(seen[5]).toEqual(['API_CALL', { call: 'GET /else/:id' }]);
  });

  test('a GraphQL operation is known by its name, in the body or in the address', async () => {
    const map = { 'graphql SubmitStep1': 'SUBMIT_STEP1', '/graphql': 'API_CALL' } as const;
    const [journey, collector] = start({ instruments: [calls(map)] }, answer());
    await fetch('/graphql', { method: 'POST', body: JSON.stringify({ operationName: 'SubmitStep1', query: 'mutation' }) });
    await fetch('/graphql?operationName=SubmitStep1&query=x');
    await fetch('/graphql', { method: 'POST', body: JSON.stringify({ operationName: 'Other' }) });
    await recorded(journey, collector);
    expect(collector.names).toEqual(['SUBMIT_STEP1', 'SUBMIT_STEP1', 'API_CALL']);
  });

  test.each([
    ['an answer of 500', answer(500), {}, { status: 500 }],
    ['an answer of 404', answer(404), {}, { status: 404 }],
    ['an expected 404', answer(404), {}, undefined],
    ['no answer', async () => { throw new TypeError('secret'); }, {}, { status: 0, 'error.type': 'TypeError' }],
    ['a time-out', async () => { throw new DOMException('', 'TimeoutError'); }, { signal: AbortSignal.abort() }, { status: 0, 'error.type': 'TimeoutError' }],
    ['being given up', async () => { throw new DOMException('', 'AbortError'); }, {}, undefined],
    ['being given up for a reason', async () => { throw 'unmounted'; }, { signal: AbortSignal.abort() }, undefined],
  ])('%s is told as it is', async (name, host, init, details) => {
    const expected = name.includes('expected') ? [404] : [];
    const [journey, collector] = start({ instruments: [calls({ '/a': 'VERIFY_EMAIL' }, { expected })] }, host);
    await fetch('/a', init).catch(() => {});
    const failed = (await recorded(journey, collector)).slice(1);
    expect(failed).toEqual(details ? [['API_ERROR', { event: 'VERIFY_EMAIL', ...details }]] : []);
  });

  test('answers and refusals come to the host as they were, and what it does not handle stays unhandled', async () => {
    const given = new Response('body');
    const error = new Error('mine');
    const host = vi.fn<typeof fetch>().mockResolvedValueOnce(given).mockRejectedValue(error);
    start({ instruments: [calls({ '/a': 'VERIFY_EMAIL' })] }, host);
    const answered = await fetch('/a');
    expect(answered).toBe(given);
    expect(given.bodyUsed).toBe(false);
    const seen = new Promise((resolve) =>
      window.addEventListener('unhandledrejection', (event) => (event.preventDefault(), event.stopImmediatePropagation(), resolve(event.reason)), { once: true, capture: true }),
    );
    void fetch('/a');
    expect(await seen).toBe(error);
  });

  test('a fetch that the host broke fails as it would without us', async () => {
    start({ instruments: [calls({ '/a': 'VERIFY_EMAIL' })] }, (() => { throw new RangeError('mine'); }) as never);
    expect(() => fetch('/a')).toThrow(RangeError);
  });

  test('XMLHttpRequest: a success, a failure, one without an answer, one given up', async () => {
    const [journey, collector] = start({ instruments: [calls({ '/@vite/client': 'GET_PROJECT', '/**': 'VERIFY_EMAIL', })] });
    const ask = (url: string, act?: (request: XMLHttpRequest) => void) =>
      new Promise<void>((resolve) => {
        const request = new XMLHttpRequest();
        request.open('get', url);
        request.addEventListener('loadend', () => resolve());
        request.send();
        act?.(request);
      });
    await ask('/@vite/client?secret');
    await ask('http://127.0.0.1:1/');
    await ask('/slow', (request) => request.abort());
    expect(await recorded(journey, collector)).toEqual([
      ['GET_PROJECT', { call: '/@vite/client' }],
      ['VERIFY_EMAIL', { call: '/**' }],
      ['API_ERROR', { event: 'VERIFY_EMAIL', status: 0, 'error.type': 'error' }],
      ['VERIFY_EMAIL', { call: '/**' }],
    ]);
  });
});
