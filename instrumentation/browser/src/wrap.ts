/** Call `listener` on each event; gives back how to stop. */
export const listen = <E extends Event>(target: EventTarget, type: string, listener: (event: E) => void) => {
  target.addEventListener(type, listener as EventListener);
  return () => target.removeEventListener(type, listener as EventListener);
};

/** Put another function in the place of the host's; undone only where it still stands there. */
export const wrap = <Owner extends object, Name extends keyof Owner>(
  owner: Owner | undefined,
  name: Name,
  make: (original: Owner[Name]) => Owner[Name],
) => {
  const original = owner?.[name];
  if (!owner || !original) return () => {};
  const ours = (owner[name] = make(original));
  return () => {
    if (owner[name] === ours) owner[name] = original;
  };
};

/** Give what `look` finds; nothing where it throws, for what belongs to the host may do anything. */
export const quietly = <Found>(look: () => Found): Found | undefined => {
  try {
    return look();
  } catch {
    return undefined;
  }
};
