import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright';
import { chromium as program } from '../../vitest.config.js';
import { standIn } from '../standin.js';
import { TOKEN } from '../token.js';

let browser: Browser;
let context: BrowserContext;
let page: Page;
let there: Awaited<ReturnType<typeof standIn>>;

beforeAll(async () => {
  browser = await chromium.launch({
    executablePath: program,
    args: ['--no-sandbox'],
    // Playwright turns the back/forward cache off.
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
  });
});
afterAll(() => browser.close());

beforeEach(async () => {
  there = await standIn(TOKEN);
  context = await browser.newContext();
  page = await context.newPage();
  await page.goto(there.form + '/start?secret');
  await arrives('STEP_VIEW', 1);
});
afterEach(async () => {
  await context.close();
  there.close();
});

const names = () => there.arrived.map(({ name }) => name);
const arrives = (name: string, times: number) =>
  vi.waitFor(() => expect(names().filter((found) => found === name)).toHaveLength(times), 10_000);
const record = () => page.evaluate('journey.record("ALERT_SHOWN")');

const WAYS: [string, () => Promise<unknown>][] = [
  ['a link', () => page.click('#next')],
  ['a reload', () => page.reload()],
  ['closing the tab', () => page.close({ runBeforeUnload: true })],
  ['an address', () => page.goto('about:blank')],
];

test.each(WAYS)('leaving by %s loses nothing', async (_, leave) => {
  await record();
  await leave();
  await arrives('ALERT_SHOWN', 1);
  await arrives('PAGE_HIDDEN', 1);
});

test('going back finds the page in the cache, and it goes on recording', async () => {
  await page.click('#next');
  await arrives('STEP_VIEW', 2);
  // Playwright would wait for a load, which a page from the cache has none of.
  await page.evaluate('history.back()').catch(() => {});
  await arrives('TIP_DIALOG_SHOWN', 1);
  await arrives('PAGE_VISIBLE', 1);
});

test('a tab that crashes loses at most its last second', async () => {
  there.state.status = 503;
  await record();
  await vi.waitFor(async () => expect(await page.evaluate('sessionStorage.journeytrace')).toContain('ALERT_SHOWN'), 10_000);
  const session = await context.newCDPSession(page);
  const crashed = page.waitForEvent('crash');
  session.send('Page.crash').catch(() => {});
  await crashed;
  there.state.status = 200;
  await session.send('Page.navigate', { url: there.form + '/start' });
  await arrives('ALERT_SHOWN', 1);
  await arrives('FRONT_SESSION_RESUMED', 1);
});

test('what a collector that is away did not take, the next page sends', async () => {
  there.state.status = 503;
  await record();
  await page.click('#next');
  // A page that is on its way cannot be loaded again.
  await page.waitForURL('**/next');
  there.state.status = 200;
  await page.reload();
  await arrives('ALERT_SHOWN', 1);
});

test('there is no preflight, and neither query nor address of the page leaves it', async () => {
  await record();
  await arrives('ALERT_SHOWN', 1);
  expect(new Set(there.seen.map(({ method, type }) => `${method} ${type}`))).toEqual(new Set(['POST text/plain;charset=UTF-8']));
  expect(there.seen.every(({ origin, referer }) => origin === there.form && referer === there.form + '/')).toBe(true);
  expect(there.arrived.find(({ name }) => name === 'STEP_VIEW')!.path).toBe('/start');
});
