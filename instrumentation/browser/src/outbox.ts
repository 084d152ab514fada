import { load, save } from './store.js';
import { claims } from './token.js';
import type { Options, Session } from './types.js';

const BATCH = 32;
const DELAY = 1_000;
const LONGEST_DELAY = 30_000;
const LONGEST_TOLD = 300;
const TIMEOUT = 30_000;
/** Events that wait for a collector that is away; past that the oldest give way. */
const MOST_WAITING = 500;
/** An event that the collector would refuse for its size is not kept. */
const LARGEST_EVENT = 8_000;
/** Bytes that browsers let out of a page that is going away, all its requests together. */
const BUDGET = 60_000;
const AROUND = 150;
/** Answers that another attempt would not change. */
const FINAL = [400, 403, 413];

interface Waiting {
  json: string;
  bytes: number;
  /** Whether it is on its way, so that no second request takes it along. */
  away: boolean;
}

/** What waits to be sent, in order, and how it leaves. */
export const createOutbox = ({ url, token: source }: Options) => {
  // The host's own, from before any instrument wrapped it.
  const { fetch } = globalThis;
  const session: Session = { id: '', resumed: false, path: '' };
  let queue: Waiting[] = [];
  let token = '';
  let refused = '';
  let renewAt = 0;
  let asking: Promise<void> | undefined;
  let live = false;
  let flying = 0;
  let failures = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let tell: (session: Session) => void;
  const known = new Promise<Session>((resolve) => (tell = resolve));

  const keep = () => {
    // What comes before the session is known is kept in memory alone: it must not become another's.
    if (live && session.id) save([session.id, session.path, ...queue.map(({ json }) => json)]);
  };

  const enqueue = (json: string): Waiting => ({ json, bytes: new TextEncoder().encode(json).length + 1, away: false });

  const adopt = (next: string) => {
    const { sub, iat, exp } = claims(next);
    if (next === refused || !sub) throw 0;
    if (sub !== session.id) {
      const [owner, path = '', ...left] = load();
      const first = !session.id;
      session.id = sub;
      session.resumed = first && owner === sub;
      session.path = session.resumed ? path : '';
      // Another session's events would be taken for this one's.
      queue = first ? [...(session.resumed ? left.map(enqueue) : []), ...queue] : [];
    }
    token = next;
    // By the token's own span of time: the device's clock may be a day off.
    renewAt = Date.now() + (exp - iat) * 1_000 - 60_000;
    keep();
    tell(session);
  };

  const renew = () =>
    (asking ??= (async () => {
      try {
        adopt(await (typeof source === 'string' ? source : source()));
        arm(0);
      } catch {
        retry();
      }
      asking = undefined;
    })());

  const arm = (delay: number) => {
    if (live) timer ??= setTimeout(() => void send(), delay);
  };

  const disarm = () => {
    clearTimeout(timer);
    timer = undefined;
  };

  const schedule = () => {
    const now = queue.length >= BATCH && !failures && !flying && token;
    if (now) disarm();
    arm(now ? 0 : DELAY);
  };

  const retry = (told = 0) => {
    const delay = Math.min(LONGEST_DELAY, DELAY * 2 ** failures++) * (0.5 + Math.random() / 2);
    disarm();
    arm(Math.max(delay, Math.min(LONGEST_TOLD, told) * 1_000));
  };

  const take = () => {
    const batch: Waiting[] = [];
    let room = BUDGET - AROUND - token.length - flying;
    for (const event of queue) {
      if (event.away) continue;
      room -= event.bytes;
      if (room < 0 || batch.length === BATCH) break;
      event.away = true;
      batch.push(event);
    }
    return batch;
  };

  const post = async (batch: Waiting[], all: boolean) => {
    const used = token;
    const spans = batch.map(({ json }) => json).join();
    const body = `${token}\n${Date.now()}\n{"resourceSpans":[{"scopeSpans":[{"spans":[${spans}]}]}]}`;
    const bytes = batch.reduce((sum, event) => sum + event.bytes, AROUND + token.length);
    let status = 0;
    let told: number | undefined;
    flying += bytes;
    try {
      const answer = await fetch(url, {
        method: 'POST',
        body,
        // A request that failed once may have failed for the budget, which others use too.
        keepalive: all || !failures,
        credentials: 'omit',
        // The page's own address would say more than its path.
        referrerPolicy: 'origin',
        signal: AbortSignal.timeout(TIMEOUT),
      });
      status = answer.status;
      told = Number(answer.headers.get('retry-after')) || 0;
    } catch {
      // No answer: tried again.
    }
    flying -= bytes;
    if ((status >= 200 && status < 300) || FINAL.includes(status)) {
      queue = queue.filter((event) => !batch.includes(event));
      failures = 0;
      if (queue.length) schedule();
    } else {
      for (const event of batch) event.away = false;
      if (status === 401 && used === token) {
        refused = token;
        token = '';
      }
      // Refused for the first time: most likely the token is merely too old.
      if (status === 401 && !failures++) {
        disarm();
        arm(0);
      } else retry(told);
    }
    keep();
  };

  /** Send what waits; `all`: at once, without waiting for an answer, as long as the page is there. */
  const send = async (all = false): Promise<void> => {
    disarm();
    keep();
    if (!token || (queue.length && !all && Date.now() > renewAt)) {
      const asked = renew();
      if (!all) return;
      await asked;
    }
    if (!token || (flying && !all)) return;
    const going: Promise<void>[] = [];
    for (let batch = take(); batch.length; batch = all ? take() : []) going.push(post(batch, all));
    await Promise.all(going);
  };

  return {
    /** The session, as soon as there is a token. */
    session: known,
    renew,
    send,
    add(json: string) {
      const event = enqueue(json);
      if (event.bytes > LARGEST_EVENT) return;
      queue.push(event);
      if (queue.length > MOST_WAITING) queue.shift();
      schedule();
    },
    open() {
      live = true;
      void send();
    },
    close() {
      live = false;
      disarm();
    },
    forget() {
      queue = [];
      session.path = '';
      save();
    },
  };
};
