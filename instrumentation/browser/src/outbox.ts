import { clear, load, save } from './store.js';
import { claims, utf8 } from './token.js';
import type { Options, Session } from './types.js';

/** Written into the code wherever they are used: a variable for each would be bytes that every page pays. */
const enum Limit {
  /** Events in a request; as many are not kept waiting for more. */
  BATCH = 32,
  /** Milliseconds that an event waits for others. */
  DELAY = 1_000,
  /** Seconds between two attempts. */
  LONGEST_PAUSE = 60,
  /** Milliseconds. */
  TIMEOUT = 30_000,
  /** Events that wait for a collector that is away; past that the oldest give way. */
  MOST = 500,
  /** Bytes of an event; the collector refuses a larger one. */
  LARGEST = 8_000,
  /** Bytes on their way at once. Browsers let 64 KiB out of a page that goes, tokens and frames with them. */
  BUDGET = 56_000,
}
/** Taken, or never to be taken whatever is tried. */
const SETTLED = /^2|40[03]|413/;

/** What waits to be sent, in order, and how it leaves; `isOn`: whether it may go on by itself. */
export const createOutbox = ({ url, token: source }: Options, isOn: () => unknown) => {
  // The host's own, from before any instrument wrapped it.
  const fetch = globalThis.fetch;
  /** What tells this page from others of the tab. */
  const self = Math.random();
  const session = { id: '', path: '' } as Session;
  let tell: (session: Session) => void;
  const known = new Promise<Session>((resolve) => (tell = resolve));
  /** Events that wait, and batches that no answer has come for. */
  let queue: string[] = [];
  const flying = new Set<string[]>();
  let token = '';
  let renewAt = 0;
  let asking: Promise<void> | undefined;
  let failures = 0;
  let timer: ReturnType<typeof setTimeout> | 0 = 0;

  const keep = () => {
    // Before the session is known memory has to do: what is left behind must not become another's.
    if (!token || !isOn()) return;
    const [page, owner, path, ...left] = load();
    // Of a page before this one, or of those since, where this one comes back from being left.
    if (page !== self && owner === session.id) {
      session.resumed = true;
      session.path = path as string;
      queue = [...new Set([...(left as string[]), ...queue])];
    }
    save([self, session.id, session.path, ...flying, queue].flat());
  };

  const drop = () => {
    queue = [];
    flying.clear();
    session.path = '';
  };

  const arm = (delay?: number) => {
    clearTimeout(timer);
    if (isOn()) timer = setTimeout(send, delay);
  };

  const schedule = () => {
    if (queue.length >= Limit.BATCH && !flying.size && !failures) arm();
    else if (!timer) arm(Limit.DELAY);
  };

  const retry = (told?: number) => {
    arm(Math.min(Limit.LONGEST_PAUSE, told || 2 ** failures) * Limit.DELAY * (1 + Math.random()));
    failures++;
  };

  const renew = () =>
    (asking ??= (async () => {
      try {
        // Not in one go, or `asking` were set after it is over.
        await 0;
        const next = typeof source === 'string' ? source : await source();
        const { sub, iat, exp } = claims(next);
        // Another session's events would be taken for this one's.
        if (session.id && session.id !== sub) drop();
        session.id = sub;
        token = next;
        keep();
        // By the token's own span of time: the device's clock may be a day off.
        renewAt = Date.now() + (exp - iat - 60) * 1_000;
        tell(session);
      } catch {
        retry();
      }
      asking = undefined;
    })());

  const post = async (most: number) => {
    let room = Limit.BUDGET - utf8(`${[...flying]}`).length;
    let count = 0;
    while (count < most && count < queue.length && (room -= utf8(queue[count]!).length) > 0) count++;
    if (!count) return;
    const batch = queue.splice(0, count);
    let answer: Response | undefined;
    flying.add(batch);
    try {
      answer = await fetch(url, {
        method: 'POST',
        body: `${token}\n${Date.now()}\n{"resourceSpans":[{"scopeSpans":[{"spans":[${batch}]}]}]}`,
        keepalive: true,
        credentials: 'omit',
        // The page's own address would say more than its path.
        referrerPolicy: 'origin',
        signal: AbortSignal.timeout?.(Limit.TIMEOUT),
      });
    } catch {
      // No answer: tried again.
    }
    const ours = flying.delete(batch);
    if (SETTLED.test(String(answer?.status))) {
      failures = 0;
      if (queue.length) schedule();
    } else {
      // Unless it was dropped while it was away.
      if (ours) queue.unshift(...batch);
      retry(Number(answer?.headers.get('retry-after')));
      if (answer?.status === 401) {
        token = '';
        // At first it is merely too old, which is worth no pause.
        if (failures === 1) arm();
      }
    }
    keep();
  };

  /** Send what waits; `leaving`: beside what is on its way, and at once, as long as the page is there. */
  const send = async (leaving?: boolean) => {
    clearTimeout(timer);
    timer = 0;
    keep();
    if (!token || (queue.length && !leaving && Date.now() > renewAt)) await renew();
    if (token && (leaving || !flying.size)) await post(leaving ? 2 * Limit.BATCH : Limit.BATCH);
  };

  return {
    /** The session, as soon as there is a token. */
    session: known,
    send,
    add(json: string) {
      if (utf8(json).length > Limit.LARGEST) return;
      queue.push(json);
      queue.splice(0, queue.length - Limit.MOST);
      schedule();
    },
    forget() {
      drop();
      clear();
    },
  };
};
