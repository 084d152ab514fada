// The page's side of the form: which screen is shown, and what is recorded of it.
// `make browser` builds static/form.js of it.
import { calls, camera, environment, errors, routes, startJourney } from 'journeytrace';
import { takeOver } from 'journeytrace/invitation';

const find = <Kind extends Element = HTMLElement>(selector: string) => document.querySelector<Kind>(selector)!;

// Whoever comes by a link of the desk: the server takes the session over, and knows it by a cookie from then on.
const given = takeOver();
if (given) {
  await fetch('/api/invited', { method: 'POST', body: given.token });
  history.replaceState(null, '', '/');
} else if (location.pathname === '/invited') location.replace('/');

// First of all that is shown, so that errors of what follows are seen.
const journey = startJourney({
  url: find<HTMLMetaElement>('meta[name=journey]').content,
  // Asked for at the start, and again before it ends. The cookie says whose session it is.
  token: async () => (await fetch('/api/token', { method: 'POST' })).text(),
  instruments: [
    environment(),
    errors(),
    routes({ error: '/error/*', final: '/done/*' }),
    calls({
      'POST /api/flows': 'CREATE_FLOW',
      'POST /api/id-document': 'SUBMIT_STEP1',
      'POST /api/selfie': 'SUBMIT_STEP2',
    }),
    camera(),
  ],
});

// Known from here on: the screen that shows it may be one without a network.
const { supportCode } = journey;

/** What came of a step, and the path of the screen that is next. */
interface Answer {
  result: 'pass' | 'retake' | 'fail';
  next: string;
}

const details = find<HTMLFormElement>('#details');
const video = find<HTMLVideoElement>('video');
const shutter = find<HTMLButtonElement>('#shutter');
const tips = find<HTMLDialogElement>('dialog');
const alert = find('.alert');
/** How often the picture of the document has to be taken again. */
let retakes = 0;

const post = async (path: string, type: string, body: Blob | string): Promise<Answer> => {
  const answer = await fetch(path, { method: 'POST', headers: { 'content-type': type }, body });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
  return answer.json() as Promise<Answer>;
};

/** Do what a button is for, once at a time, and say so if it fails. */
const act = async (button: HTMLButtonElement, work: () => Promise<unknown>, failure: string) => {
  button.disabled = true;
  alert.hidden = true;
  try {
    await work();
  } catch {
    alert.textContent = failure;
    alert.hidden = false;
    journey.record('ALERT_SHOWN', { alert: failure });
  }
  button.disabled = false;
};

const closeCamera = () => {
  (video.srcObject as MediaStream | null)?.getTracks().forEach((track) => track.stop());
  video.srcObject = null;
};

/** The camera of the back for a document, that of the front for a face; where there is one alone, that. */
const openCamera = () =>
  act(
    shutter,
    async () => {
      const facingMode = location.pathname === '/selfie' ? 'user' : 'environment';
      video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode } });
      await video.play();
    },
    'The camera does not start. Allow it, and press the button.',
  );

const takePicture = () =>
  new Promise<Blob>((resolve, reject) => {
    const canvas = document.createElement('canvas');
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext('2d')!.drawImage(video, 0, 0);
    canvas.toBlob((picture) => (picture ? resolve(picture) : reject(new Error('no picture'))), 'image/jpeg', 0.85);
  });

const handIn = async () => {
  const path = location.pathname;
  if (path === '/id-document' && retakes) journey.record('ID_DOCUMENT_RETRY', { attempt: retakes });
  const { result, next } = await post(`/api${path}`, 'image/jpeg', await takePicture());
  journey.record(path === '/selfie' ? 'STEP2_RESULT' : 'STEP1_RESULT', { result });
  if (result === 'retake') {
    retakes++;
    tips.showModal();
    journey.record('TIP_DIALOG_SHOWN', { tip: 'light' });
  } else await go(next);
};

/** Show the screen of the page's path; resolves when it can be used. */
const show = async () => {
  // Behind it stands which error it is.
  const path = location.pathname.replace(/^(\/error)\/.*/, '$1');
  for (const part of document.querySelectorAll<HTMLElement>('[data-path]'))
    part.hidden = !part.dataset['path']!.split(' ').includes(path);

  const steps = [...document.querySelectorAll<HTMLElement>('[data-step]')];
  const now = steps.findLastIndex(({ dataset }) => path.startsWith(dataset['step']!));
  steps.forEach((step, index) => {
    step.classList.toggle('past', index < now);
    step.setAttribute('aria-current', index === now ? 'step' : 'false');
  });
  find('.steps').hidden = path === '/error';

  closeCamera();
  if (path === '/id-document' || path === '/selfie') await openCamera();
  if (path === '/error') {
    find('#error-code').textContent = location.pathname.split('/')[2] ?? '';
    find('#support-code').textContent = await supportCode;
  }
};

/** Go on. What was handed in is handed in: the button for back leaves the form. */
const go = (path: string) => {
  history.replaceState(null, '', path);
  const shown = show();
  find('section:not([hidden]) h1:not([hidden])').focus();
  return shown;
};

details.addEventListener('submit', (event) => {
  event.preventDefault();
  const given = JSON.stringify(Object.fromEntries(new FormData(details)));
  const work = async () => go((await post('/api/flows', 'application/json', given)).next);
  void act(details.querySelector('button')!, work, 'This could not be sent. Try again.');
});
shutter.addEventListener('click', () => {
  if (video.srcObject) void act(shutter, handIn, 'The picture could not be sent. Take it again.');
  else void openCamera();
});
find('#again').addEventListener('click', () => tips.close());

void show();
