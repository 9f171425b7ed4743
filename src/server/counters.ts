/** What the server counts beside the engine: plain integers, read when somebody asks. */
import type { WireErrorCode } from '../errors.js';
import { Histogram } from './histogram.js';
import type { FrameCount, Lane } from './server-view.js';

/** Why the server ended a connection by itself. */
export type EndReason =
  | 'connection_limit'
  | 'frame_too_large'
  | 'frame_timeout'
  | 'unread'
  | 'unauthenticated'
  | 'drain'
  | 'drain_cut'
  | 'internal';

export class Counters {
  bytesReceived = 0;
  bytesSent = 0;
  connectionsAccepted = 0;
  readonly connectionsEnded: Record<EndReason, number> = {
    connection_limit: 0,
    frame_too_large: 0,
    frame_timeout: 0,
    unread: 0,
    unauthenticated: 0,
    drain: 0,
    drain_cut: 0,
    internal: 0,
  };
  readonly latency: Readonly<Record<Lane, Histogram>> = {
    inline: new Histogram(),
    bulk: new Histogram(),
    pool: new Histogram(),
  };
  readonly #frames = new Map<string, FrameCount & { count: number }>();

  /** Counts one answered frame that the I/O thread's engine did not count. `op` must be of a bounded set of names. */
  frame(op: string, outcome: 'ok' | WireErrorCode, lane: Lane): void {
    const key = `${op} ${outcome} ${lane}`;
    const cell = this.#frames.get(key);
    if (cell) cell.count++;
    else this.#frames.set(key, { op, outcome, lane, count: 1 });
  }

  frames(): readonly FrameCount[] {
    return [...this.#frames.values()];
  }
}
