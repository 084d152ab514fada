import { createElement, StrictMode, useEffect } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { environment, routes, startJourney } from '../../src/index.js';
import { JourneyProvider, useJourney, useSupportCode } from '../../src/react.js';
import { TOKEN } from '../token.js';
import { fresh, recorded, start, URL_OF_COLLECTOR } from './support.js';

let root: Root;
beforeEach(() => {
  fresh();
  root = createRoot(document.body.appendChild(document.createElement('div')));
});
afterEach(() => {
  root.unmount();
  fresh();
});

const ErrorPage = () => {
  const journey = useJourney();
  useEffect(() => journey.record('ALERT_SHOWN'), [journey]);
  return createElement('output', null, useSupportCode());
};

test('in strict mode too there is one journey, which children find running, and its support code', async () => {
  const [first, collector] = start({ instruments: [environment(), routes()] });
  const provider = createElement(
    JourneyProvider,
    { url: URL_OF_COLLECTOR, token: TOKEN },
    createElement(ErrorPage),
  );
  root.render(createElement(StrictMode, null, provider));
  await vi.waitFor(() => expect(document.querySelector('output')?.textContent).toBe('YP7YYHZX'));
  expect(startJourney({ url: '', token: '' })).toBe(first);
  const names = (await recorded(first, collector)).map(([name]) => name);
  expect(names.filter((name) => name === 'FRONT_SESSION_START' || name === 'STEP_VIEW')).toHaveLength(2);
  expect(names).toContain('ALERT_SHOWN');
});
