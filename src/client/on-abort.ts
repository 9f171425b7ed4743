/** What is to be done per signal. Many calls may share one, and Node warns of a leak from the eleventh listener on. */
const actionsOf = new WeakMap<AbortSignal, Set<() => void>>();

/** Runs `action` when the signal is aborted, with one listener a signal. The returned function takes it back. */
export function onAbort(signal: AbortSignal, action: () => void): () => void {
  const actions = actionsOf.get(signal) ?? listen(signal);
  actions.add(action);
  return () => actions.delete(action);
}

function listen(signal: AbortSignal): Set<() => void> {
  const actions = new Set<() => void>();
  actionsOf.set(signal, actions);
  signal.addEventListener(
    'abort',
    () => {
      for (const action of actions) action();
    },
    { once: true },
  );
  return actions;
}
