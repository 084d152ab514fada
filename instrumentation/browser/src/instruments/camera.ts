import type { Instrument } from '../types.js';
import { quietly, wrap } from '../wrap.js';

interface WithPolicy {
  featurePolicy?: { allowsFeature(feature: string): boolean };
}

/**
 * What becomes of the form's requests for the camera. A refusal by the frame around the form looks like
 * the user's; where the browser can tell them apart, `by` is `policy` or `user`, elsewhere `unknown`.
 */
export const camera = (): Instrument => (journey) =>
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
        const type = (error as Error | undefined)?.name;
        const allowed = (document as WithPolicy).featurePolicy?.allowsFeature('camera');
        const by = allowed === undefined ? 'unknown' : allowed ? 'user' : 'policy';
        if (type === 'NotAllowedError' && allowed !== false) journey.record('CAMERA_PERMISSION_DENIED', { by });
        else journey.record('CAMERA_ERROR', { 'error.type': type, ...(allowed === false && { by }) });
        throw error;
      },
    );
  });
