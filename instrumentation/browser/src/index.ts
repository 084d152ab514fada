/** KYC journeys as the browser sees them. Start here: {@link startJourney}. */
export { calls, type CallOptions } from './instruments/calls.js';
export { camera } from './instruments/camera.js';
export { environment } from './instruments/environment.js';
export { errors } from './instruments/errors.js';
export { routes, type RouteOptions } from './instruments/routes.js';
export { sockets } from './instruments/sockets.js';
export { startJourney } from './journey.js';
export type { Details, EventName, Events } from './events.js';
export type { Instrument, Journey, Options, Scope, Session } from './types.js';
