import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { routes } from '../../src/index.js';
import { invited, takeOver } from '../../src/invitation.js';
import { TOKEN } from '../token.js';
import { fakeTime, fresh, pass, start } from './support.js';

const here = location.pathname + location.search;
const arrive = (fragment: string) => history.replaceState({ kept: 1 }, '', here + fragment);
beforeEach(() => {
  fresh();
  fakeTime();
});
afterEach(() => {
  history.replaceState(null, '', here);
  fresh();
});

// These first: what was taken is kept for as long as the page.
test.each(['', '#', '#part', '#journey.session=s-1', '#journey.token=t', '#journey.session=&journey.token='])(
  'an address with %j hands over nothing, and stays',
  (fragment) => {
      arrive(fragment);
    const before = location.href;
    expect(takeOver()).toBeUndefined();
    expect(location.href).toBe(before);
  },
);

test('what a link handed over is taken, and taken out of the address', () => {
  const length = history.length;
  arrive('#journey.session=s-1&journey.token=a.b-c_d.e');
  expect(takeOver()).toEqual({ session: 's-1', token: 'a.b-c_d.e' });
  expect(location.href).toMatch(new RegExp(`${here.replace(/[?.]/g, '\\$&')}$`));
  expect(location.hash).toBe('');
  expect(history.state).toEqual({ kept: 1 });
  expect(history.length).toBe(length);
  expect(takeOver()).toEqual({ session: 's-1', token: 'a.b-c_d.e' });
});

test('a journey begins with it in one line, and nothing records the address', async () => {
  arrive(`#journey.session=s-1&journey.token=${TOKEN}`);
  const ask = vi.fn(async (token?: string) => token ?? TOKEN);
  const [journey, collector] = start({ token: invited(ask), instruments: [routes({ hash: true })] });
  journey.record('API_CALL');
  await pass(2_000);
  expect(ask.mock.calls).toEqual([[TOKEN]]);
  expect(collector.names).toContain('API_CALL');
  expect(JSON.stringify(collector.sent.map(({ events }) => events))).not.toContain('journey.token');
});

test('the link\'s token is given until the server has answered, and not again', async () => {
  arrive('#journey.session=s-1&journey.token=t');
  const answers = [Promise.reject(new Error('down')), Promise.resolve('one'), Promise.resolve('two')];
  const ask = vi.fn((_?: string) => answers.shift()!);
  const token = invited(ask);
  await expect(token()).rejects.toThrow('down');
  expect([await token(), await token()]).toEqual(['one', 'two']);
  expect(ask.mock.calls).toEqual([['t'], ['t'], [undefined]]);
});
