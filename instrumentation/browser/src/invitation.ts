/** What a link hands over to the form that it leads to. */
export interface Invitation {
  /** The session's id. */
  session: string;
  /** The token of its page, good for an hour. */
  token: string;
}

let taken: Invitation | undefined;

/**
 * Take what a link handed over in the address, and take it out of the address. Undefined: nobody was invited here.
 * Asked again, it gives the same; start a journey only afterwards, so that nothing records the address.
 */
export const takeOver = (): Invitation | undefined => {
  const { hash = '', pathname, search } = globalThis.location ?? {};
  const said = new URLSearchParams(hash.slice(1));
  const [session, token] = [said.get('journey.session'), said.get('journey.token')];
  if (session && token) {
    taken = { session, token };
    history.replaceState(history.state, '', pathname + search);
  }
  return taken;
};

/**
 * The `token` of a journey that may have begun with a link: `ask` asks your server for one, and is first given
 * the link's token, which your server takes the session over by.
 */
export const invited = (
  ask: (token?: string) => string | PromiseLike<string>,
): (() => string | PromiseLike<string>) => {
  let token = takeOver()?.token;
  return async () => {
    const answer = await ask(token);
    token = undefined;
    return answer;
  };
};
