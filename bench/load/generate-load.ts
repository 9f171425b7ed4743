import { LoadConnection } from './load-connection.js';
import { LoadMeter } from './load-meter.js';
import { carefulReader } from './reply-format.js';
import { ReplyScanner } from './reply-scanner.js';
import { buildRequestRing } from './request-ring.js';
import type { Measurement, Timing, Wire, Work } from './work.js';

/** How long the replies in flight at the run's end may take. */
const drainMsDefault = 10_000;

export interface LoadOptions {
  readonly host?: string;
  readonly drainMs?: number;
}

/**
 * Makes load from this thread until the time is over and every request is answered.
 * @throws Error at an error reply, a wrong result, a doubled or unknown id, or a reply that does not come
 */
export async function generateLoad(
  port: number,
  wire: Wire,
  work: Omit<Work, 'name'>,
  timing: Timing,
  { host = '127.0.0.1', drainMs = drainMsDefault }: LoadOptions = {},
): Promise<Measurement> {
  const ring = buildRequestRing(wire, work.op, work.data, work.depth);
  const meter = new LoadMeter(timing, performance.now());
  const read = carefulReader(wire, work.op, work.data);
  const connections = Array.from(
    { length: work.connections },
    () => new LoadConnection(host, port, ring, new ReplyScanner(read, work.depth), meter),
  );
  const limitMs = (timing.seconds + timing.warmupSeconds) * 1000 + drainMs;
  const watchdog = setTimeout(() => {
    const missing = connections.reduce((total, each) => total + each.inFlight, 0);
    const reason = new Error(`${missing} replies did not come within ${drainMs} ms of the run's end`);
    for (const connection of connections) connection.abort(reason);
  }, limitMs);
  try {
    await Promise.all(connections.map((each) => each.finished));
  } catch (error) {
    for (const connection of connections) connection.abort(error as Error);
    throw error;
  } finally {
    clearTimeout(watchdog);
  }
  return meter.result();
}
