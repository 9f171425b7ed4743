import type { WireErrorCode } from '../errors.js';
import type { OperationInfo } from '../ops/operation-info.js';
import type { PoolSnapshot } from '../pool/task.js';
import type { BulkSnapshot } from './bulk-lane.js';

/**
 * What the sidecar may see of the server: an interface, so that neither needs the other to be tested or to start.
 * Everything is gathered when it is asked for; nothing here costs the hot path more than a plain integer.
 */
export interface ServerView {
  state(): 'starting' | 'ready' | 'draining';
  operations(): readonly OperationInfo[];
  /** Is this one JSON value in UTF-8? -1, or the byte offset of the first fault. */
  check(text: Uint8Array): number;
  snapshot(): ServerSnapshot;
  /**
   * Runs one operation as if a client had sent it. `data` is one JSON value, already known to be well formed.
   * Resolves to the body of the response, an error response included; rejects only if `signal` is aborted, after
   * which the work is stopped.
   */
  call(op: string, data: Uint8Array, options?: { timeoutMs?: number; signal?: AbortSignal }): Promise<Uint8Array>;
}

export type Lane = 'inline' | 'bulk' | 'pool';

export interface FrameCount {
  readonly op: string;
  readonly outcome: 'ok' | WireErrorCode;
  readonly lane: Lane;
  readonly count: number;
}

/** Counts for each bucket by itself, not cumulated; `counts` has one more than `boundsSeconds`, for what is above. */
export interface HistogramSnapshot {
  readonly boundsSeconds: readonly number[];
  readonly counts: readonly number[];
  readonly sumSeconds: number;
}

/** All counts are since the start of the process. */
export interface ServerSnapshot {
  /** `op` is an operation's name, or `unknown` where the frame did not name one that exists. */
  readonly frames: readonly FrameCount[];
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly connectionsOpen: number;
  readonly connectionsAccepted: number;
  /** Connections that the server ended, by reason: `connection_limit`, `frame_too_large`, `frame_timeout`, `unread`, `drain`, … */
  readonly connectionsEnded: Readonly<Record<string, number>>;
  /** Bytes of unfinished frames, waiting tasks and unread replies, against the server's budget. */
  readonly bytesHeld: number;
  readonly bytesHeldMax: number;
  /** Bytes of buffers that are kept for the next large frame. */
  readonly bytesKept: number;
  readonly bulk: BulkSnapshot;
  /** From the moment a request was whole to the moment its reply was handed to the socket. */
  readonly latency: readonly { readonly lane: Lane; readonly histogram: HistogramSnapshot }[];
  readonly pool: PoolSnapshot;
}
