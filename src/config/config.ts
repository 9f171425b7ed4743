/**
 * What the server runs with, once defaults, file, environment and flags are settled. Plain data: it can cross threads.
 * Which flag, variable and member of a file gives each one is in `options.ts`; how they are read, in `load-config.ts`.
 */

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

/** A listener's port, or no listener. */
export type Port = number | 'off';

export interface Config {
  /** Absolute path of the file that some of these settings come from, if any. */
  readonly configFile: string | undefined;
  /** Have peers to say who they are? */
  readonly auth: 'required' | 'optional' | 'off';
  /** Absolute path of the file with the identities and what each may do. It need not be there. */
  readonly tokensFile: string;
  /** TCP port of the framed protocol; 0 picks a free one. */
  readonly port: Port;
  /** The same over TLS. */
  readonly tlsPort: Port;
  readonly host: string;
  /** Port of the HTTP sidecar; 0 picks a free one. */
  readonly httpPort: Port;
  /** The same over TLS. */
  readonly httpsPort: Port;
  readonly httpHost: string;
  /** Absolute path of a PEM file with the certificate of the TLS ports, those between it and its authority behind it. */
  readonly tlsCert: string | undefined;
  /** Absolute path of a PEM file with its private key. */
  readonly tlsKey: string | undefined;
  /** Absolute path of a PEM file with the authorities that clients' certificates are checked against. */
  readonly tlsClientCa: string | undefined;
  /** With `tlsClientCa`: must clients have a certificate? */
  readonly tlsClient: 'required' | 'optional';
  /** The oldest version of TLS that is spoken. */
  readonly tlsMin: '1.2' | '1.3';
  /** HTTP connections open at once. */
  readonly httpMaxConnections: number;
  /** Each connection begins with a PROXY header, and comes from one of `trustedProxies`. */
  readonly proxyProtocol: boolean;
  /** The same of HTTP connections from `trustedProxies`; others come without a header. */
  readonly httpProxyProtocol: boolean;
  /** IP addresses and ranges of the balancers that may tell who their clients are. */
  readonly trustedProxies: readonly string[];
  /** Threads that run users' operations, and as many that do the engine's work; the warm spare is not among them. */
  readonly workers: number;
  /** Modules with the user's own operations, as absolute file URLs, in the order given. */
  readonly operationModules: readonly string[];
  /** Reload the operations when a file of theirs changes. */
  readonly watch: boolean;
  /** Absolute path of a folder. The file of tokens is there, unless another place is named. */
  readonly dataDir: string;
  readonly logLevel: LogLevel;
  /** The largest request body that is held in memory. */
  readonly maxFrameBytes: number;
  /** I/O threads, each with listeners of its own on the port. */
  readonly listeners: number;
  /** Connections open at once. */
  readonly maxConnections: number;
  /** Connections open at once from one address, or one /64 of IPv6; 0 for no such limit. */
  readonly maxConnectionsPerAddress: number;
  /** Requests in flight for each connection; what is answered inline does not count. */
  readonly maxRequests: number;
  /** The same for the whole server. */
  readonly maxTotalRequests: number;
  /** Bytes of replies that a peer has not read, from which on the server stops reading from it. */
  readonly unreadPauseBytes: number;
  /** Bytes a second that a peer must take of the replies that it leaves unread, or its connection is cut. */
  readonly minReadRate: number;
  /** Bytes a second that a body must bring that is answered as it comes, or its connection is closed. */
  readonly minSendRate: number;
  /** Bytes that one connection may hold of `maxHeldBytes`; 0 for no limit of its own. */
  readonly maxConnectionBytes: number;
  /** Bytes of unfinished large frames and of waiting tasks, in the whole server. */
  readonly maxHeldBytes: number;
  /** Tasks that may wait for each operation. */
  readonly maxQueue: number;
  /** Limit of a user's operation where neither itself nor the request has one; 0 for none. */
  readonly opTimeoutMs: number;
  /** A frame must be whole within this time from its first byte. */
  readonly frameTimeoutMs: number;
  /** How long a server that is to end goes on serving while it says that it is not ready. */
  readonly drainDelayMs: number;
  /** Time for the first frame of a connection, from its accept; 0 for none. */
  readonly firstFrameTimeoutMs: number;
  /** Time after which a connection is closed on which nothing comes, runs or is unread; 0 for none. */
  readonly idleTimeoutMs: number;
  /** Delay of the event loop from which new work is shed; 0 for never. */
  readonly overloadDelayMs: number;
  /** How long a shutdown waits for what is in flight. */
  readonly drainMs: number;
  /** Heap limit of each worker thread, in MiB. */
  readonly workerMemoryMb: number;
}
