/**
 * What the server runs with, once defaults, environment and flags are settled. Plain data: it can cross threads.
 * Which option, flag and variable gives each member stands in `options.ts`; how they are read, in `load-config.ts`.
 */

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

export interface Config {
  /** TCP port of the framed protocol; 0 picks a free one. */
  readonly port: number;
  readonly host: string;
  /** Port of the HTTP sidecar; 0 picks a free one. */
  readonly httpPort: number;
  readonly httpHost: string;
  /** Worker threads that run operations; the warm spare is not among them. */
  readonly workers: number;
  /** Modules with the user's own operations, as absolute file URLs, in the order given. */
  readonly operationModules: readonly string[];
  /** Absolute path of a folder. Nothing is written there yet. */
  readonly dataDir: string;
  readonly logLevel: LogLevel;
  /** The largest request body that is held in memory. */
  readonly maxFrameBytes: number;
  /** Connections open at once. */
  readonly maxConnections: number;
  /** Requests in flight for each connection; what is answered inline does not count. */
  readonly maxRequests: number;
  /** Bytes of replies that a peer has not read, from which on the server stops reading from it. */
  readonly unreadPauseBytes: number;
  /** Bytes of replies that a peer has not read, from which on its connection is closed. */
  readonly unreadCloseBytes: number;
  /** Bytes of unfinished large frames and of waiting tasks, in the whole server. */
  readonly maxHeldBytes: number;
  /** Tasks that may wait for each operation. */
  readonly maxQueue: number;
  /** A frame must be whole within this time from its first byte. */
  readonly frameTimeoutMs: number;
  /** How long a shutdown waits for what is in flight. */
  readonly drainMs: number;
  /** Heap limit of each worker thread, in MiB. */
  readonly workerMemoryMb: number;
}
