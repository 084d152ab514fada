import { getWebInstrumentations, initializeFaro } from '@grafana/faro-web-sdk';

export const start = (url) => {
  // Its own set, without the console: nothing here writes to it.
  const instrumentations = getWebInstrumentations({ captureConsole: false });
  const faro = initializeFaro({ url, app: { name: 'form' }, instrumentations });
  // Its deduplication would drop all but the first.
  return (call) => faro.api.pushEvent('STEP_VIEW', { path: '/id-front', call: String(call) }, undefined, { skipDedupe: true });
};
