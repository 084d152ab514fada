import { environment, errors, calls, routes, startJourney } from '../src/index.ts';

// Made by the host's server.
const token = `e30.${btoa(JSON.stringify({ sub: crypto.randomUUID(), iat: 0, exp: 1800 }))}.`;

export const start = (url) => {
  const instruments = [environment(), errors(), routes(), calls({})];
  const journey = startJourney({ url, token, instruments });
  return (call) => journey.record('STEP_VIEW', { path: '/id-front', call });
};
