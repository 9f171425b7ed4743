/** The signals to stop, SIGTERM and SIGINT: the first asks for a drain, a second one for the end on the spot. */

export interface StopSignals {
  readonly first: Promise<NodeJS.Signals>;
  readonly second: Promise<NodeJS.Signals>;
}

/** The same listener hears all of them: where there is none, even for a moment, a signal kills the process. */
export function stopSignals(): StopSignals {
  const told: ((signal: NodeJS.Signals) => void)[] = [];
  const next = () => new Promise<NodeJS.Signals>((resolve) => told.push(resolve));
  const signals = { first: next(), second: next() };
  const onSignal = (signal: NodeJS.Signals) => told.shift()?.(signal);
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  return signals;
}
