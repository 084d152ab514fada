import type { Instrument } from '../types.js';
import { quietly, wrap } from '../wrap.js';

interface WithPolicy {
  featurePolicy?: { allowsFeature(feature: string): boolean };
}

/**
 * What becomes of the form's requests for the camera. A frame that does not let the form have it looks
 * like a user who refuses; `allowed` tells them apart, or `unknown` where the browser does not say.
 */
export const camera = (): Instrument => (journey) => [
  wrap(navigator.mediaDevices, 'getUserMedia', (original) => function (this: MediaDevices, wanted) {
    // First the host's call: whatever it throws is the host's.
    const answer = original.call(this, wanted);
    if (!answer?.then || !quietly(() => wanted!.video)) return answer;
    journey.record('CAMERA_REQUESTED');
    // What is returned is the promise that goes on from here, so that a refusal nobody handles stays one.
    return answer.then(
      (stream) => {
        journey.record('CAMERA_ACTIVATED');
        return stream;
      },
      (error: unknown) => {
        const type = quietly(() => (error as Error).name);
        const allowed = (document as WithPolicy).featurePolicy?.allowsFeature('camera');
        journey.record(
          type === 'NotAllowedError' && allowed !== false ? 'CAMERA_PERMISSION_DENIED' : 'CAMERA_ERROR',
          { 'error.type': type, allowed: allowed ?? 'unknown' },
        );
        throw error;
      },
    );
  }),
];
