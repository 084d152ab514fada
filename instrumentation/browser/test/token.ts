/** A token as a server makes it, but for the signature, which no browser looks at. */
export const tokenFor = (session: string, more: object = {}): string => {
  const text = JSON.stringify({ sub: session, iat: 1_000_000, exp: 1_001_800, ...more });
  const bytes = String.fromCharCode(...new TextEncoder().encode(text));
  const payload = btoa(bytes).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
  return `e30.${payload}.c2ln`;
};

export const SESSION = '018f3b5e-0000-7000-8000-000000000001';
export const TOKEN = tokenFor(SESSION);
