/**
 * Every error that trama can name, in one table: what it means, whether the same call may be tried again,
 * and what dies with it. The protocol page and the clients are held to this table by a test.
 *
 * Classes follow what an error ends: the start of the process (`ConfigError`), one request (`RequestError`),
 * one connection (`ProtocolError`), one worker thread (`PoolError`).
 */

/** What is lost when an error of this kind happens. */
export type ErrorScope = 'start' | 'request' | 'connection' | 'thread';

interface ErrorEntry {
  readonly scope: ErrorScope;
  /** May the very same request be sent again with hope of another answer? `'caller'`: it depends on the work. */
  readonly retryable: boolean | 'caller';
  readonly meaning: string;
}

/** Codes that travel in a response's `code`. */
export const wireErrors = {
  BAD_JSON: {
    scope: 'request',
    retryable: false,
    meaning: 'the body is not one JSON object (grammar, UTF-8, nesting)',
  },
  BAD_REQUEST: {
    scope: 'request',
    retryable: false,
    meaning: 'JSON, but not a request: a member is missing, of another type, twice, or too long',
  },
  UNKNOWN_OP: { scope: 'request', retryable: false, meaning: 'no such operation' },
  BAD_DATA: { scope: 'request', retryable: false, meaning: 'the operation does not take this data' },
  OUT_OF_RANGE: {
    scope: 'request',
    retryable: false,
    meaning: 'the answer, or a number in the data, has no finite binary64',
  },
  FRAME_TOO_LARGE: { scope: 'connection', retryable: false, meaning: 'the body is over a limit' },
  OVERLOADED: {
    scope: 'request',
    retryable: true,
    meaning: 'a queue, or the budget of a connection or the server, is full',
  },
  DEADLINE_EXCEEDED: { scope: 'request', retryable: 'caller', meaning: 'the time allowed ran out' },
  CANCELLED: { scope: 'request', retryable: false, meaning: 'a $cancel named the request' },
  WORKER_LOST: {
    scope: 'request',
    retryable: 'caller',
    meaning: 'the thread that ran it died, and the operation may not be run again',
  },
  UNAUTHENTICATED: { scope: 'connection', retryable: false, meaning: 'no credentials, or not valid ones' },
  FORBIDDEN: { scope: 'request', retryable: false, meaning: 'the credentials do not allow this' },
  SHUTTING_DOWN: { scope: 'connection', retryable: true, meaning: 'the server drains and takes nothing new' },
  INTERNAL: { scope: 'request', retryable: false, meaning: 'a defect of the server; its log has the cause' },
} as const satisfies Record<string, ErrorEntry>;

/** Codes that never travel: they arise on one side of the wire only. */
export const localErrors = {
  CONFIG: { scope: 'start', retryable: false, meaning: 'an option or a file that the start needs is wrong' },
  WORKER_FAILED: { scope: 'thread', retryable: false, meaning: 'a worker thread could not start' },
  CONNECT_FAILED: { scope: 'connection', retryable: true, meaning: 'the client could not connect' },
  CONNECTION_LOST: { scope: 'connection', retryable: 'caller', meaning: 'the connection ended before the reply came' },
  BAD_REPLY: { scope: 'connection', retryable: false, meaning: 'the peer sent bytes that are not a reply' },
} as const satisfies Record<string, ErrorEntry>;

export const errorTable = { ...wireErrors, ...localErrors } as const;

export type WireErrorCode = keyof typeof wireErrors;
export type ErrorCode = keyof typeof errorTable;

/** True for a code that this version of the protocol knows. */
export function isWireErrorCode(code: string): code is WireErrorCode {
  return Object.hasOwn(wireErrors, code);
}

/** The base of all errors that trama throws on purpose. `code` is stable; `message` is for people and may change. */
export class TramaError extends Error {
  override readonly name: string = 'TramaError';
  readonly code: ErrorCode;
  /** See {@link ErrorEntry.retryable}: `'caller'` counts as false here, since only the caller can know. */
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.retryable = errorTable[code].retryable === true;
  }
}

/** The process cannot start: one sentence for the operator, exit status 2. */
export class ConfigError extends TramaError {
  override readonly name = 'ConfigError';
  constructor(message: string, options?: ErrorOptions) {
    super('CONFIG', message, options);
  }
}

/** One request failed; the connection it came on is fine. */
export class RequestError extends TramaError {
  override readonly name: string = 'RequestError';
}

/** A connection is beyond use. */
export class ProtocolError extends TramaError {
  override readonly name = 'ProtocolError';
}

/** A worker thread could not start or died. */
export class PoolError extends TramaError {
  override readonly name = 'PoolError';
}
