import type { WireErrorCode } from '../errors.js';
import type { OperationInfo } from '../ops/operation-info.js';
import type { PoolSnapshot } from '../pool/task.js';
import type { AccessFigures, AuthMode } from './access/access.js';
import type { Identity } from './access/identity.js';
import type { BulkSnapshot } from './bulk/bulk-lane.js';
import type { HandshakeFigures } from './channel/tls/handshakes.js';

/**
 * What the sidecar may see of the server: an interface, so that neither needs the other to be tested or to start.
 * Everything is gathered when it is asked for; nothing here costs the hot path more than a plain integer.
 */
export interface ServerView {
  /** `leaving`: it is to end, and still serves while balancers learn of it. `draining`: it takes nothing new. */
  state(): 'starting' | 'ready' | 'leaving' | 'draining';
  /** May requests be sent here? Where not, the reason is a phrase for a person. */
  readiness(): Readiness;
  /** All operations; another list after each reload. */
  operations(): readonly OperationInfo[];
  /** The figures; those of I/O threads beside the main thread are of the last `refresh`. */
  snapshot(): ServerSnapshot;
  /** Asks all I/O threads for their figures; resolves when they are there, or after a second. */
  refresh(): Promise<void>;
  /**
   * Runs one operation as if a client had sent it. Resolves to the body of the response, an error response included.
   * `data` is not read any further once the response is certain.
   * @param data pieces of one JSON value, which need not be well formed; none for `null`
   * @throws the signal's reason, where it is aborted, and the error of `data`; the work is stopped then
   */
  call(op: string, data: AsyncIterable<Uint8Array>, options?: CallOptions): Promise<Uint8Array>;
  /**
   * Loads the operations anew. Resolves to them; what ran before is finished by the code that it began with.
   * @throws TramaError with one sentence, where they cannot be loaded; everything stays as it was then
   */
  reload(): Promise<readonly OperationInfo[]>;
  /** Do callers have to say who they are? */
  readonly authMode: AuthMode;
  /**
   * Finds whose token it is; without one, the identity of all who have none. See `Access`.
   * @param address of the caller, whose failures are counted
   * @param name in the caller's certificate, which counts where there is no token
   */
  authenticate(token: string | undefined, address: string | undefined, name?: string): Promise<Caller>;
  /** Reads the file of tokens anew. */
  reloadTokens(): void;
  /** Absolute paths of the files that the operations were loaded from. */
  moduleFiles(): readonly string[];
}

export interface CallOptions {
  /** Milliseconds, more than 0. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Who calls, where that is known: see `ServerView.authenticate`. */
  readonly identity?: Identity | undefined;
  /** W3C trace context. */
  readonly traceparent?: string | undefined;
}

/** Who calls; or a sentence that says why he is nobody, which is to close his connection where `isCut`. */
export type Caller =
  | { readonly identity: Identity | undefined; readonly refusal?: undefined }
  | { readonly refusal: string; readonly isCut: boolean };

export type Readiness = { readonly ready: true } | { readonly ready: false; readonly reason: string };

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

/** The figures of one I/O thread: plain data that may cross threads. All counts are since the start. */
export interface IoSnapshot {
  /** `op` is an operation's name, or `unknown` where the frame did not name one that exists. */
  readonly frames: readonly FrameCount[];
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly connectionsOpen: number;
  readonly connectionsAccepted: number;
  /** Sockets that are told that they are one too many, and not closed yet. */
  readonly connectionsTurningAway: number;
  /** Connections that the server ended, by reason: `connection_limit`, `frame_too_large`, `unread`, `drain`, … */
  readonly connectionsEnded: Readonly<Record<string, number>>;
  /** Requests in flight; those answered inline do not count. */
  readonly requestsInFlight: number;
  /** Requests that were refused with OVERLOADED, by the limit that was hit. */
  readonly requestsRefused: Readonly<Record<string, number>>;
  /** Who has come in, and what identities were refused. */
  readonly access: AccessFigures;
  /** 0: all is well; 1: work is shed; 2: new connections are refused, too. */
  readonly overloadStage: number;
  /** TLS handshakes, where there is a port with TLS. */
  readonly handshakes?: HandshakeFigures | undefined;
  /** Bytes of buffers that are kept for the next large frame. */
  readonly bytesKept: number;
  readonly bulk: BulkSnapshot;
  /** From the moment a request was whole to the moment its reply was handed to the channel. */
  readonly latency: readonly { readonly lane: Lane; readonly histogram: HistogramSnapshot }[];
}

/** The figures of the process. */
export interface ServerSnapshot extends IoSnapshot {
  /** Bytes of unfinished frames, waiting tasks and unread replies, against the server's budget. */
  readonly bytesHeld: number;
  readonly bytesHeldMax: number;
  /** Connections that are open on each I/O thread, the main thread's first. */
  readonly connectionsByThread: readonly number[];
  /** When the certificate of each port with TLS ends, in seconds since 1970. */
  readonly certificates: readonly { readonly listener: string; readonly expiresAtSeconds: number }[];
  readonly pool: PoolSnapshot;
}
