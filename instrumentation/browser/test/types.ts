// Checked by the compiler alone.
import { startJourney, type EventName } from '../src/index.js';

declare module '../src/events.js' {
  interface Events {
    /** Somebody else's own event. */
    SHADE_CHOSEN: { shade: string };
  }
}

const journey = startJourney({ url: '/journey', token: async () => 'token' });
journey.record('STEP_VIEW', { path: '/start', number: 1, yes: true, left: undefined });
journey.record('SHADE_CHOSEN', { shade: 'dark' });
// @ts-expect-error the server decides
journey.record('APPROVED');
// @ts-expect-error there is no such event
journey.record('STEP_VIEWED');
// @ts-expect-error an element is no detail
journey.record('STEP_VIEW', { element: document.body });
// @ts-expect-error this event has a shade
journey.record('SHADE_CHOSEN', { colour: 'dark' });

export const names: EventName[] = ['CAMERA_ERROR', 'SHADE_CHOSEN'];
