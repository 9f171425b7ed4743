/** What a client may be told, with units and defaults, and the one place that checks it. */

import { RequestError } from '../errors.js';
import { checkBodyBytes } from '../protocol/frame.js';
import { frameBytesRepresentable } from '../protocol/limits.js';

export interface ReconnectOptions {
  /** Attempts in a row, counted from the last reply that came. Then the client closes. Default 20 (about 75 s). */
  readonly attemptsMax?: number;
  /** Before the first attempt, give or take half of it. It doubles from attempt to attempt. Default 50. */
  readonly delayMinMs?: number;
  /** The delay does not grow beyond this. Default 5,000. */
  readonly delayMaxMs?: number;
}

export interface ClientOptions {
  /** For calls that do not bring their own. Default: none. */
  readonly timeoutMs?: number;
  /** A connection that does not stand after this is given up. Default 5,000. */
  readonly connectTimeoutMs?: number;
  /** After the connection is lost. `false`: the client closes instead. */
  readonly reconnect?: ReconnectOptions | false;
  /** Requests on the wire without their reply; more wait in the client. Default 1,024. */
  readonly inFlightMax?: number;
  /** Calls that wait for the wire: one more is refused with `OVERLOADED`. Default 16,384. */
  readonly waitingMax?: number;
  /** Streamed calls at once, each over a connection of its own; more wait, and count as calls that wait. Default 8. */
  readonly streamsMax?: number;
  /** A longer reply ends the connection with `BAD_REPLY`. Default 64 MiB. */
  readonly replyBytesMax?: number;
  /** How long past its `timeoutMs` a call waits for the server's own word on it. Default 500. */
  readonly replyGraceMs?: number;
  /** Makes the `id` of a request. Must not repeat one that is in flight; at most 256 bytes. Default: a counter. */
  readonly newId?: () => string;
}

export interface ConnectOptions extends ClientOptions {
  /** Name or address. Default `127.0.0.1`. */
  readonly host?: string;
  /** Default 5000. */
  readonly port?: number;
}

export interface CallOptions {
  /**
   * Milliseconds from the call to the answer: sent along as the server's budget, and guarded here by a timer that
   * goes off `replyGraceMs` later. Past it the call rejects with `DEADLINE_EXCEEDED`.
   */
  readonly timeoutMs?: number;
  /** When aborted the call rejects with `CANCELLED` at once (`cause` is the signal's reason) and the server is told. */
  readonly signal?: AbortSignal;
  /** W3C trace context to hand on. */
  readonly traceparent?: string;
}

export interface ValueCallOptions extends CallOptions {
  /**
   * Keep integers exact: a BigInt in `data` is written as its digits, and a number of the result that
   * stands there as digits only, beyond ±(2⁵³ − 1), comes back as BigInt. Costs a parser in JavaScript, some four times slower than `JSON.parse`.
   */
  readonly bigint?: boolean;
}

export interface ClientSettings {
  readonly timeoutMs: number | undefined;
  readonly connectTimeoutMs: number;
  readonly reconnect: Required<ReconnectOptions> | undefined;
  readonly inFlightMax: number;
  readonly waitingMax: number;
  readonly streamsMax: number;
  readonly replyBytesMax: number;
  readonly replyGraceMs: number;
  readonly newId: () => string;
}

/** A longer timer goes off at once in JavaScript. */
export const timerMsMax = 2 ** 31 - 1;

/** A counter in base 36: short, and unique on its connection. */
function counter(): () => string {
  let count = 0;
  return () => (count++).toString(36);
}

function inRange(name: string, value: number, min: number, max: number): number {
  if (!(value >= min && value <= max)) {
    throw new RangeError(`${name} must be a number from ${min} to ${max}, not ${value}.`);
  }
  return value;
}

/** A budget in milliseconds, or none. @throws RangeError */
export function checkTimeoutMs(value: number | undefined): number | undefined {
  if (value !== undefined && !(value > 0 && value < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`timeoutMs must be a number above 0, not ${value}.`);
  }
  return value;
}

/** The length of streamed data. @throws RangeError @throws RequestError `FRAME_TOO_LARGE` */
export function checkByteLength(value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`byteLength must be a whole number of bytes, not ${value}.`);
  }
  try {
    return checkBodyBytes(value);
  } catch (cause) {
    throw new RequestError('FRAME_TOO_LARGE', (cause as Error).message, { cause });
  }
}

/** Fills in the defaults. @throws RangeError naming the option that is out of range. */
export function clientSettings(options: ClientOptions): ClientSettings {
  const reconnect = options.reconnect ?? {};
  return {
    timeoutMs: checkTimeoutMs(options.timeoutMs),
    connectTimeoutMs: inRange('connectTimeoutMs', options.connectTimeoutMs ?? 5000, 1, timerMsMax),
    reconnect: reconnect === false ? undefined : reconnectSettings(reconnect),
    inFlightMax: inRange('inFlightMax', options.inFlightMax ?? 1024, 1, Number.MAX_SAFE_INTEGER),
    waitingMax: inRange('waitingMax', options.waitingMax ?? 16384, 0, Number.MAX_SAFE_INTEGER),
    streamsMax: inRange('streamsMax', options.streamsMax ?? 8, 1, Number.MAX_SAFE_INTEGER),
    replyBytesMax: inRange('replyBytesMax', options.replyBytesMax ?? 64 * 1024 * 1024, 1, frameBytesRepresentable),
    replyGraceMs: inRange('replyGraceMs', options.replyGraceMs ?? 500, 0, timerMsMax),
    newId: options.newId ?? counter(),
  };
}

function reconnectSettings(options: ReconnectOptions): Required<ReconnectOptions> {
  const delayMaxMs = inRange('reconnect.delayMaxMs', options.delayMaxMs ?? 5000, 1, 2 ** 30);
  return {
    attemptsMax: inRange('reconnect.attemptsMax', options.attemptsMax ?? 20, 1, Number.POSITIVE_INFINITY),
    delayMinMs: inRange('reconnect.delayMinMs', options.delayMinMs ?? Math.min(50, delayMaxMs), 1, delayMaxMs),
    delayMaxMs,
  };
}
