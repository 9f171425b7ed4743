/**
 * The one table of what the server can be told. Flags, environment variables, the members of a configuration file and
 * their JSON Schema, checks, `--help`, `--print-config` and the table in the README all derive from it. A new option is one
 * entry here and one member of `Config`; one of a new kind is one more type in `option-kinds.ts`.
 *
 * The checks are plain functions over this table (`parse-value.ts`), not a JSON Schema for ajv. To load ajv alone takes a
 * third of the time in which the first reply must be out, and its messages would not name flag and variable. The schema
 * is for editors.
 *
 * Leaves reading to `load-config.ts` and the command line to `cli/serve.ts`.
 */

import { delimiter } from 'node:path';
import { frameBytesMaxDefault } from '../protocol/limits.js';
import type { Config } from './config.js';
import { availableCores } from './cores.js';
import { GiB, KiB, MiB, type Option } from './option-kinds.js';

/** Settings by the name they have in `Config`. */
export type OptionKey = keyof Config;

const hourMs = 3_600_000;

export const options: { readonly [K in OptionKey]: Option } = {
  configFile: {
    flag: 'config',
    type: 'file',
    default: undefined,
    help: 'file with options, for those that neither a flag nor a variable sets; see docs/configuration.md',
  },
  port: {
    flag: 'port',
    type: 'port',
    default: 5000,
    help: 'TCP port of the framed protocol; 0 picks a free one',
  },
  tlsPort: {
    flag: 'tls-port',
    type: 'port',
    default: 'off',
    help: 'port of the framed protocol over TLS, beside --port or in place of it; 0 picks a free one',
  },
  host: {
    flag: 'host',
    type: 'text',
    default: '0.0.0.0',
    help: 'address the framed protocol listens on; see --auth',
  },
  httpPort: {
    flag: 'http-port',
    type: 'port',
    default: 5080,
    help: 'port of health, metrics and the HTTP API; 0 picks a free one',
  },
  httpsPort: {
    flag: 'https-port',
    type: 'port',
    default: 'off',
    help: 'port of the same over TLS, beside --http-port or in place of it; 0 picks a free one',
  },
  httpHost: {
    flag: 'http-host',
    type: 'text',
    default: '127.0.0.1',
    help: 'address the HTTP side listens on; see --auth',
  },
  tlsCert: {
    flag: 'tls-cert',
    type: 'pem',
    default: undefined,
    help: 'certificate of the TLS ports, with those between it and its authority; read again when it changes',
  },
  tlsKey: {
    flag: 'tls-key',
    type: 'pem',
    default: undefined,
    help: 'private key of that certificate',
  },
  tlsClientCa: {
    flag: 'tls-client-ca',
    type: 'pem',
    default: undefined,
    help: 'authorities that the certificates of clients are checked against; without it clients are not asked for one',
  },
  tlsClient: {
    flag: 'tls-client',
    type: 'choice',
    choices: ['required', 'optional'],
    default: 'required',
    help: 'with --tls-client-ca: must a client have a certificate? A wrong one is refused in any case',
  },
  tlsMin: {
    flag: 'tls-min',
    type: 'choice',
    choices: ['1.2', '1.3'],
    default: '1.2',
    help: 'oldest version of TLS that is spoken',
  },
  httpMaxConnections: {
    flag: 'http-max-connections',
    type: 'integer',
    unit: 'connections',
    default: 1024,
    min: 4,
    max: 100_000,
    help: 'HTTP connections open at once; when all are taken, the one that has been idle longest gives way',
  },
  auth: {
    flag: 'auth',
    type: 'choice',
    choices: ['required', 'optional', 'off'],
    default: 'off',
    help: 'whether clients have to say who they are, over TCP and HTTP; see docs/operations.md',
  },
  tokensFile: {
    flag: 'tokens',
    type: 'path',
    default: { inDataDir: 'tokens.json' },
    help: 'file with the identities, as `trama token` writes it; its changes are taken up while the server runs',
  },
  proxyProtocol: {
    flag: 'proxy-protocol',
    type: 'switch',
    default: false,
    help: 'each connection comes from one of --trusted-proxies and begins with a PROXY header, version 1 or 2; others are refused',
  },
  httpProxyProtocol: {
    flag: 'http-proxy-protocol',
    type: 'switch',
    default: false,
    help: 'HTTP connections from --trusted-proxies begin with a PROXY header, too; all others come without one',
  },
  trustedProxies: {
    flag: 'trusted-proxies',
    type: 'addresses',
    default: [],
    help: 'balancers that may tell who their clients are, see --proxy-protocol',
  },
  workers: {
    flag: 'workers',
    type: 'integer',
    unit: 'threads',
    default: { compute: availableCores, words: 'available cores' },
    min: 1,
    max: 512,
    help: "threads that run users' operations, and as many that do the engine's work",
  },
  listeners: {
    flag: 'listeners',
    type: 'integer',
    unit: 'threads',
    default: 1,
    min: 1,
    max: 64,
    help: 'threads that accept and serve connections; more than one needs Linux and Node 22.12 or newer',
  },
  operationModules: {
    flag: 'ops',
    type: 'modules',
    default: [],
    help: `a JavaScript module that exports operations; the flag may be given several times, the variable takes several paths with ${delimiter} between them`,
  },
  watch: {
    flag: 'watch',
    type: 'switch',
    default: false,
    help: 'reload the operations when a file of theirs changes, for those who develop them',
  },
  dataDir: {
    flag: 'data-dir',
    type: 'folder',
    default: '.trama',
    help: 'folder for what must survive a restart: the file of tokens',
  },
  logLevel: {
    flag: 'log-level',
    type: 'choice',
    choices: ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
    default: 'info',
    help: 'least severe log lines to write',
  },
  maxFrameBytes: {
    flag: 'max-frame-bytes',
    type: 'bytes',
    default: frameBytesMaxDefault,
    min: 64 * KiB,
    // A worker's WASM memory, 4 GiB at the most, holds the body and a reply of up to three times its size.
    max: 512 * MiB,
    help: 'largest request body that is held in memory',
  },
  maxConnections: {
    flag: 'max-connections',
    type: 'integer',
    unit: 'connections',
    default: 10_000,
    min: 1,
    max: 1_000_000,
    help: 'connections open at once',
  },
  maxConnectionsPerAddress: {
    flag: 'max-connections-per-address',
    type: 'integer',
    unit: 'connections',
    default: 0,
    min: 0,
    max: 1_000_000,
    help: 'connections open at once from one address, or from one /64 of IPv6; 0 for no such limit',
  },
  maxRequests: {
    flag: 'max-requests',
    type: 'integer',
    unit: 'requests',
    default: 1024,
    min: 1,
    max: 1_000_000,
    help: 'requests in flight for each connection; those answered inline do not count',
  },
  maxTotalRequests: {
    flag: 'max-total-requests',
    type: 'integer',
    unit: 'requests',
    default: 65_536,
    min: 1,
    max: 10_000_000,
    help: 'requests in flight in the whole server; those answered inline do not count',
  },
  unreadPauseBytes: {
    flag: 'unread-pause-bytes',
    type: 'bytes',
    default: 1 * MiB,
    min: 1 * KiB,
    max: 4 * GiB,
    help: 'replies that a peer has not read before the server stops reading from it',
  },
  minReadRate: {
    flag: 'min-read-rate',
    type: 'bytes',
    default: 16 * KiB,
    min: 1,
    max: 1 * GiB,
    help: 'bytes a second that a peer must take of unread replies, or its connection is cut',
  },
  minSendRate: {
    flag: 'min-send-rate',
    type: 'bytes',
    default: 32 * KiB,
    min: 1,
    max: 1 * GiB,
    help: 'bytes a second that a body must bring that is answered as it comes, or its connection is closed',
  },
  maxConnectionBytes: {
    flag: 'max-connection-bytes',
    type: 'bytes',
    default: 0,
    min: 0,
    max: 1024 * GiB,
    help: 'the part of max-held-bytes that one connection may have; 0 for eight times what it leaves to the others',
  },
  maxHeldBytes: {
    flag: 'max-held-bytes',
    type: 'bytes',
    default: 256 * MiB,
    min: 64 * KiB,
    max: 1024 * GiB,
    help: 'unfinished frames, waiting tasks and unread replies in the whole server',
  },
  maxQueue: {
    flag: 'max-queue',
    type: 'integer',
    unit: 'tasks',
    default: 1024,
    min: 1,
    max: 1_000_000,
    help: 'tasks that may wait for each operation; one client has no more than places are left',
  },
  opTimeoutMs: {
    flag: 'op-timeout-ms',
    type: 'integer',
    unit: 'ms',
    default: 300_000,
    min: 0,
    max: 24 * hourMs,
    help: "time for a user's operation where neither itself nor the request has a limit; 0 for none",
  },
  frameTimeoutMs: {
    flag: 'frame-timeout-ms',
    type: 'integer',
    unit: 'ms',
    default: 30_000,
    min: 10,
    max: hourMs,
    help: 'time for a frame to be whole, from its first byte',
  },
  firstFrameTimeoutMs: {
    flag: 'first-frame-timeout-ms',
    type: 'integer',
    unit: 'ms',
    default: 0,
    min: 0,
    max: hourMs,
    help: 'time for the first frame of a connection, from its accept; 0 for none, since pools open connections ahead',
  },
  idleTimeoutMs: {
    flag: 'idle-timeout-ms',
    type: 'integer',
    unit: 'ms',
    default: 0,
    min: 0,
    max: 24 * hourMs,
    help: 'time after which a connection is closed on which nothing comes, runs or is unread; 0 for none',
  },
  overloadDelayMs: {
    flag: 'overload-delay-ms',
    type: 'integer',
    unit: 'ms',
    default: 250,
    min: 0,
    max: 60_000,
    help: 'delay of the event loop, for a second, from which new work is shed; connections are refused at four times as much; 0 for never',
  },
  drainDelayMs: {
    flag: 'drain-delay-ms',
    type: 'integer',
    unit: 'ms',
    default: 0,
    min: 0,
    max: hourMs,
    help: 'time that a shutdown goes on serving while /readyz says no, for balancers that ask only now and then',
  },
  drainMs: {
    flag: 'drain-ms',
    type: 'integer',
    unit: 'ms',
    default: 10_000,
    min: 0,
    max: hourMs,
    help: 'time that a shutdown gives to what is in flight before it is cut',
  },
  workerMemoryMb: {
    flag: 'worker-memory-mb',
    type: 'integer',
    unit: 'MiB',
    default: 512,
    min: 32,
    max: 1_048_576,
    help: 'heap of each worker thread; one that needs more is ended and replaced',
  },
};

export const optionKeys = Object.keys(options) as readonly OptionKey[];

/** The options that a configuration file may set. */
export const fileKeys: readonly OptionKey[] = optionKeys.filter((key) => options[key].type !== 'file');
