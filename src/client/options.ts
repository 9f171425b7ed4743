/** The options of a client and of a call, with units and defaults, and the one place that checks them. */

import { RequestError } from '../errors.js';
import { checkBodyBytes } from '../protocol/frame.js';
import { frameBytesRepresentable } from '../protocol/limits.js';
import {
  checkBoolean,
  checkFunction,
  checkNumber,
  checkObject,
  checkSignal,
  checkString,
  checkWhole,
  messageOf,
} from './checks.js';
import { timerMsMax } from './patient-timer.js';
import type { TlsOptions } from './tls-transport.js';

export interface ReconnectOptions {
  /** Attempts in a row, counted from the last reply that came. Then the client closes. Default 20 (about 75 s). */
  readonly attemptsMax?: number;
  /** The delay before the first attempt, give or take half of it. It doubles from attempt to attempt. Default 50. */
  readonly delayMinMs?: number;
  /** The delay does not grow beyond this. Default 5,000. */
  readonly delayMaxMs?: number;
}

export interface ClientOptions {
  /**
   * The token that says who this is, or a function that gives it: it is asked for each connection, so that a token may be
   * renewed. No call goes out before the server has taken it. One that it does not take closes the client with a
   * ProtocolError `UNAUTHENTICATED`; so does a server that wants a token where none is given.
   */
  readonly token?: string | (() => string | Promise<string>);
  /**
   * The `timeoutMs` of calls that bring none; 0 for none. It is not for calls whose data is streamed: the time that they take
   * grows with the data. Default 30,000, of which the server is not told, so that an operation's own limit holds; a call
   * that takes longer rejects with `DEADLINE_EXCEEDED` and is cancelled.
   */
  readonly timeoutMs?: number;
  /**
   * The limit of streamed calls that bring no `timeoutMs`: milliseconds in which the server neither takes data nor sends
   * anything of a reply, while the call waits for it; 0 for none. Default 60,000. The call then rejects with
   * `DEADLINE_EXCEEDED`. Time that the data's source takes does not count.
   */
  readonly idleTimeoutMs?: number;
  /**
   * Where a reply is awaited and nothing comes for so many milliseconds, the server is asked `$ping`. Where nothing comes
   * for as long again, the connection is given up as dead: `CONNECTION_LOST`, or another try where that is safe. A server that
   * computes answers; behind a request of more than 64 KiB it has 60 s. 0 for none. Default 5,000.
   */
  readonly pingIntervalMs?: number;
  /** An attempt to connect that takes longer is given up. Default 5,000. */
  readonly connectTimeoutMs?: number;
  /**
   * After the connection is lost, or before: a server that is about to end tells its clients, which then move to another
   * connection without a call lost. `false`: there is one connection, and the client closes with it.
   */
  readonly reconnect?: ReconnectOptions | false;
  /** Requests on the wire without their reply; more wait in the client. Default 1,024. */
  readonly inFlightMax?: number;
  /** Calls that wait for the wire: one more is refused with `OVERLOADED`. Default 16,384. */
  readonly waitingMax?: number;
  /** Streamed calls at once, each over a connection of its own; more wait, and count as calls that wait. Default 8. */
  readonly streamsMax?: number;
  /** A longer reply ends the connection with `BAD_REPLY`. Default 64 MiB. */
  readonly replyBytesMax?: number;
  /** How long after its `timeoutMs` a call still waits for the server's own reply. Default 500. */
  readonly replyGraceMs?: number;
  /** Makes the `id` of a request. Must not repeat one that is in flight; at most 256 bytes. Default: a counter. */
  readonly newId?: () => string;
}

export interface ConnectOptions extends ClientOptions {
  /** Name or address. Default `127.0.0.1`. */
  readonly host?: string;
  /** Default 5000. */
  readonly port?: number;
  /** Encrypt, and check the server's certificate: for a server's `--tls-port`. `true` trusts the authorities that Node knows. */
  readonly tls?: boolean | TlsOptions;
}

export interface CallOptions {
  /**
   * Milliseconds from the call to the answer, 0.001 or more; 0 for no limit, also no idle limit of a stream. The server gets
   * them as its budget, in the place of the operation's own limit: past it, it stops the work and answers
   * `DEADLINE_EXCEEDED`. A timer here goes off `replyGraceMs` later, and the call then rejects with that code. Default: the
   * client's.
   */
  readonly timeoutMs?: number;
  /**
   * Is it all the same whether the call runs once or twice? Then it is sent again where the connection is lost before its
   * reply comes, up to three times within its time limit; another one is rejected with `CONNECTION_LOST`, since it may have
   * run. What a draining server has refused did not run, and is sent again whatever this says. Streams are never sent
   * again. Default: true for `echo`, `sum`, `upper`, `$ping` and `$ops`, false for all others.
   */
  readonly idempotent?: boolean;
  /** When aborted the call rejects with `CANCELLED` at once (`cause` is the signal's reason) and the server is told. */
  readonly signal?: AbortSignal;
  /** W3C trace context to hand on. */
  readonly traceparent?: string;
}

export interface ValueCallOptions extends CallOptions {
  /**
   * Keep integers exact. A BigInt in `data` is written as its digits. A number of the result that is digits only, beyond
   * ±(2⁵³ − 1), comes back as BigInt. This costs a parser in JavaScript, some four times slower than `JSON.parse`.
   */
  readonly bigint?: boolean;
}

export interface ClientSettings {
  readonly token: (() => string | Promise<string>) | undefined;
  /** The limit of calls that bring none, for the server. */
  readonly timeoutMs: number | undefined;
  /** When calls that bring no limit are given up here. */
  readonly sharedLimitMs: number | undefined;
  readonly idleTimeoutMs: number | undefined;
  readonly pingIntervalMs: number | undefined;
  readonly connectTimeoutMs: number;
  readonly reconnect: Required<ReconnectOptions> | undefined;
  readonly inFlightMax: number;
  readonly waitingMax: number;
  readonly streamsMax: number;
  readonly replyBytesMax: number;
  readonly replyGraceMs: number;
  readonly newId: () => string;
}

/** The shortest time that can be meant. A much smaller number would be 0 for the server. */
const timeoutMsMin = 0.001;

/** A person or a program that has waited so long is better told. */
export const timeoutMsDefault = 30_000;

/** Longer than a server lets a large body wait for its turn, and than a busy network is silent by accident. */
const idleTimeoutMsDefault = 60_000;

/** A counter in base 36: short, and unique on its connection. */
function counter(): () => string {
  let count = 0;
  return () => (count++).toString(36);
}

/** A limit in milliseconds; `undefined` for 0, which stands for none. @throws TypeError @throws RangeError */
function checkLimitMs(name: string, value: unknown): number | undefined {
  return value === 0 ? undefined : checkNumber(name, value, timeoutMsMin, Number.MAX_SAFE_INTEGER);
}

/** What a call is given beside its data. @throws TypeError @throws RangeError */
export function checkCall(op: string, options: ValueCallOptions): void {
  checkString('op', op);
  checkObject('The options of a call', options);
  const { timeoutMs, signal, traceparent, bigint, idempotent } = options;
  if (timeoutMs !== undefined) checkLimitMs('timeoutMs', timeoutMs);
  checkSignal(signal);
  if (traceparent !== undefined) checkString('traceparent', traceparent);
  checkBoolean('bigint', bigint);
  checkBoolean('idempotent', idempotent);
}

/** The length of streamed data. @throws TypeError @throws RangeError @throws RequestError `FRAME_TOO_LARGE` */
export function checkByteLength(value: unknown): number {
  const byteLength = checkWhole('byteLength', value, 0, Number.MAX_SAFE_INTEGER);
  try {
    return checkBodyBytes(byteLength);
  } catch (cause) {
    throw new RequestError('FRAME_TOO_LARGE', messageOf(cause), { cause });
  }
}

/** Fills in the defaults. @throws TypeError @throws RangeError naming the option that is wrong */
export function clientSettings(options: ClientOptions): ClientSettings {
  checkObject('The options of a client', options);
  const { timeoutMs, idleTimeoutMs = idleTimeoutMsDefault, pingIntervalMs = 5000 } = options;
  const limitMs = timeoutMs === undefined ? undefined : checkLimitMs('timeoutMs', timeoutMs);
  const { connectTimeoutMs = 5000, replyGraceMs = 500, reconnect = {}, newId = counter() } = options;
  const { inFlightMax = 1024, waitingMax = 16384, streamsMax = 8, replyBytesMax = 64 * 1024 * 1024 } = options;
  checkFunction('newId', newId);
  return {
    token: tokenSource(options.token),
    timeoutMs: limitMs,
    sharedLimitMs: timeoutMs === undefined ? timeoutMsDefault : limitMs && limitMs + replyGraceMs,
    idleTimeoutMs: checkLimitMs('idleTimeoutMs', idleTimeoutMs),
    pingIntervalMs: pingIntervalMs === 0 ? undefined : checkNumber('pingIntervalMs', pingIntervalMs, 1, timerMsMax),
    connectTimeoutMs: checkNumber('connectTimeoutMs', connectTimeoutMs, 1, timerMsMax),
    reconnect: reconnect === false ? undefined : reconnectSettings(reconnect),
    inFlightMax: checkWhole('inFlightMax', inFlightMax, 1, Number.MAX_SAFE_INTEGER),
    waitingMax: checkWhole('waitingMax', waitingMax, 0, Number.MAX_SAFE_INTEGER),
    streamsMax: checkWhole('streamsMax', streamsMax, 1, Number.MAX_SAFE_INTEGER),
    replyBytesMax: checkWhole('replyBytesMax', replyBytesMax, 1, frameBytesRepresentable),
    replyGraceMs: checkNumber('replyGraceMs', replyGraceMs, 0, timerMsMax),
    newId: () => checkString('What newId returns', newId()),
  };
}

function tokenSource(token: ClientOptions['token']): ClientSettings['token'] {
  if (token === undefined || typeof token === 'function') return token;
  if (checkString('token', token) === '')
    throw new TypeError('token must be the text of a token, not an empty string.');
  return () => token;
}

function reconnectSettings(options: ReconnectOptions): Required<ReconnectOptions> {
  checkObject('reconnect, where it is not false,', options);
  const { attemptsMax = 20, delayMaxMs = 5000 } = options;
  checkNumber('reconnect.delayMaxMs', delayMaxMs, 1, 2 ** 30);
  const { delayMinMs = Math.min(50, delayMaxMs) } = options;
  return {
    attemptsMax: checkWhole('reconnect.attemptsMax', attemptsMax, 1, Number.POSITIVE_INFINITY),
    delayMinMs: checkNumber('reconnect.delayMinMs', delayMinMs, 1, delayMaxMs),
    delayMaxMs,
  };
}
