/**
 * The client: calls in, promises out, over a connection that it keeps alive.
 *
 * Calls wait in order in a bounded queue until the connection has room for them, also while there is none. A call
 * whose frame has begun to be sent is sent again in two cases only: the server has refused it since it drains, so that it
 * did not run; or it is idempotent and lost its reply. Any other that lost its reply is rejected with `CONNECTION_LOST` and
 * its caller decides. Calls whose data is streamed go over connections of their own.
 *
 * How bytes travel is the transport's, how replies find their calls is the connection's, which connection there is, and when
 * it gives way to another one, is `Connections`'.
 */

import { ProtocolError, RequestError } from '../errors.js';
import { Call, type CallRequest, cancelled } from './call.js';
import { CallLimits } from './call-limits.js';
import { checkBytes, checkFunction, checkNumber, checkObject } from './checks.js';
import { Connections } from './connections.js';
import { type DataSource, SourceReader } from './data-source.js';
import { decodeResponse, encodeData } from './json.js';
import {
  type CallOptions,
  type ClientOptions,
  type ClientSettings,
  checkByteLength,
  checkCall,
  clientSettings,
  type ValueCallOptions,
} from './options.js';
import { patientTimer } from './patient-timer.js';
import { ReplyError } from './reply-error.js';
import { StreamCall } from './stream-call.js';
import { StreamCalls } from './stream-calls.js';
import { type ColumnSum, type SumColumnOptions, sumColumn } from './sum-column.js';
import type { OpenTransport } from './transport.js';

/**
 * `connecting` → `connected` ⇄ `reconnecting`, and from each of them to `closed`, by way of `closing` where
 * {@link Client.close} was called while connected. A client that is `closed` stays so.
 */
export type ClientState = 'connecting' | 'connected' | 'reconnecting' | 'closing' | 'closed';

/** A change of state, or another attempt to come. */
export class StateEvent extends Event {
  readonly state: ClientState;
  /** Why, where something went wrong. */
  readonly error: ProtocolError | undefined;
  /** With `reconnecting`: milliseconds until the next attempt. */
  readonly retryInMs: number | undefined;

  constructor(state: ClientState, error?: ProtocolError, retryInMs?: number) {
    super('state');
    this.state = state;
    this.error = error;
    this.retryInMs = retryInMs;
  }
}

export interface CloseOptions {
  /** How long calls that have not got their reply are waited for; then they are rejected. Default 5,000. */
  readonly drainMs?: number;
}

/** A call that was in flight on so many lost connections may well be what ended them. */
const lossesMax = 3;

/** So many draining servers in a row are more than a restart of them all. */
const refusalsMax = 16;

const idempotentOps: ReadonlySet<string> = new Set(['echo', 'sum', 'upper', '$ping', '$ops']);

export class Client {
  readonly #events = new EventTarget();
  readonly #settings: ClientSettings;
  /** At most `waitingMax`, and those that are to be sent again: never more than were in flight. */
  readonly #waiting = new Set<Call>();
  readonly #streams: StreamCalls;
  readonly #limits: CallLimits;
  #state: ClientState = 'connecting';
  readonly #connections: Connections;
  #closed: Promise<void>;
  #resolveClosed!: () => void;

  private constructor(openTransport: OpenTransport, settings: ClientSettings) {
    this.#settings = settings;
    this.#connections = this.#makeConnections(openTransport);
    this.#streams = new StreamCalls(openTransport, settings, () => this.#endWhenIdle());
    this.#limits = new CallLimits(settings.sharedLimitMs, (call) => this.#expire(call));
    this.#closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  /**
   * Connects over any transport; {@link connect} is this over TCP. The first attempt is not repeated.
   * @throws ProtocolError `CONNECT_FAILED`, `UNAUTHENTICATED`
   * @throws TypeError for an option of another type, RangeError for one that is out of range.
   */
  static async open(openTransport: OpenTransport, options: ClientOptions = {}): Promise<Client> {
    checkFunction('The transport', openTransport);
    const settings = clientSettings(options);
    return new Promise((resolve, reject) => {
      const client = new Client(openTransport, settings);
      client.onState(({ state, error }) => (state === 'connected' ? resolve(client) : reject(error)), { once: true });
      client.#connections.open();
    });
  }

  get state(): ClientState {
    return this.#state;
  }

  /** Requests on the wire without their reply, those included that were aborted. */
  get inFlight(): number {
    return this.#connections.inFlight + this.#streams.active;
  }

  /** Calls that have not been sent yet. */
  get waiting(): number {
    return this.#waiting.size + this.#streams.waiting;
  }

  /**
   * Tells `listener` of each change of state, and of each new attempt. Ends with `options.signal`, or after one call
   * with `once`. What a listener throws does not reach the client: it becomes an uncaught exception.
   */
  onState(listener: (event: StateEvent) => void, options?: { once?: boolean; signal?: AbortSignal }): void {
    checkFunction('The listener', listener);
    this.#events.addEventListener('state', listener as (event: Event) => void, options);
  }

  /**
   * Calls an operation and resolves to its `result`. `data` of `undefined` is left out of the request.
   * @throws TypeError, RangeError for an argument of another type or out of range, before anything is sent.
   * @throws ReplyError (a RequestError) where the server answers with an error, with its `code`.
   * @throws RequestError `BAD_DATA` (data that JSON cannot say), `FRAME_TOO_LARGE`, `OVERLOADED` (too many calls wait),
   *   `CANCELLED`, `DEADLINE_EXCEEDED`.
   * @throws ProtocolError `CONNECTION_LOST` (the work may or may not have been done), `CONNECT_FAILED`, `BAD_REPLY`.
   */
  async call<Result = unknown>(op: string, data?: unknown, options: ValueCallOptions = {}): Promise<Result> {
    checkCall(op, options);
    const bigint = options.bigint === true;
    const body = await this.#request(op, encodeData(data, bigint), options);
    return resultOf<Result>(body, bigint);
  }

  /**
   * Calls an operation with JSON text and resolves to the body of the reply as it came, also where that is an error
   * reply: digits, escapes and member order are the server's. See `readReplyHead` for a cheap look at `ok`.
   *
   * `data` must be exactly one JSON value and is not checked: other bytes may end the `data` member early and add
   * members to the request. It must not be changed before the promise settles.
   * @throws as {@link call} does, but for replies.
   */
  async callRaw(op: string, data?: Uint8Array, options: CallOptions = {}): Promise<Uint8Array> {
    checkCall(op, options);
    return this.#request(op, data === undefined ? undefined : checkBytes('data', data), options);
  }

  /**
   * Calls an operation with data too large for memory: one JSON value of exactly `byteLength` bytes, not checked,
   * that is read from `data` as the connection takes it. It goes over a connection of its own, which is not renewed, and
   * resolves as {@link call} does. Where it brings no `timeoutMs`, it may take as long as it moves on, see
   * {@link ClientOptions.idleTimeoutMs}. A reply that comes before everything is sent stops the sending. However the call
   * ends, `data` is then read no more and closed (a Node stream is destroyed).
   * @throws RangeError for a `byteLength` that is none.
   * @throws RequestError `BAD_DATA` where the source fails (`cause` is its error) or has another length.
   * @throws as {@link call} does; the connection may be `CONNECTION_LOST` without harm to other calls.
   */
  async callStream<Result = unknown>(
    op: string,
    data: DataSource,
    byteLength: number,
    options: ValueCallOptions = {},
  ): Promise<Result> {
    const body = await this.callRawStream(op, data, byteLength, options);
    return resultOf<Result>(body, options.bigint === true);
  }

  /** Streams data as {@link callStream} does and resolves to the body of the reply as {@link callRaw} does. */
  async callRawStream(
    op: string,
    data: DataSource,
    byteLength: number,
    options: CallOptions = {},
  ): Promise<Uint8Array> {
    const source = new SourceReader(data);
    try {
      checkCall(op, options);
      checkByteLength(byteLength);
      // The client's limit is not for streams.
      const { timeoutMs = 0 } = options;
      const { idleTimeoutMs } = options.timeoutMs === undefined ? this.#settings : {};
      const call = this.#newCall(op, undefined, { ...options, timeoutMs });
      if (this.#streams.full && this.waiting >= this.#settings.waitingMax) throw this.#overloaded();
      call.wait();
      this.#streams.add(new StreamCall(call, source, byteLength, idleTimeoutMs));
      this.#watch(call, { ...options, timeoutMs }, () => undefined);
      return await call.reply;
    } catch (error) {
      source.close();
      throw error;
    }
  }

  /**
   * Adds up one column of a table (CSV, TSV), or one number of each line of JSON (NDJSON), exactly as they are written. The text is read
   * while it is sent, in constant memory. Without `sourceBytes` up to 64 MiB of its numbers are held first, and `timeoutMs` counts
   * from then on. See {@link columnOf}.
   * @throws ColumnError (a RequestError) at the first line that gives no number, unless `skipBad` is set.
   * @throws as {@link callStream} does
   */
  sumColumn(source: DataSource, options: SumColumnOptions): Promise<ColumnSum> {
    return sumColumn(source, options, (data, byteLength) => this.callStream<number>('sum', data, byteLength, options));
  }

  /**
   * Takes no more calls, waits until those made have their replies, and closes. Without a connection calls that
   * wait are rejected at once. Calls that are not through after `drainMs` are rejected with `CONNECTION_LOST`.
   */
  async close(options: CloseOptions = {}): Promise<void> {
    checkObject('The options of close', options);
    const { drainMs = 5000 } = options;
    checkNumber('drainMs', drainMs, 0, Number.POSITIVE_INFINITY);
    if (this.#state === 'reconnecting' || this.#state === 'connecting') {
      this.#end(new ProtocolError('CONNECTION_LOST', 'The client was closed while it had no connection.'));
    } else if (this.#state === 'connected') {
      this.#change('closing');
      this.#endWhenIdle();
    }
    const stopTimer = patientTimer(drainMs, () => {
      const message = `This side closed the connection; calls had ${drainMs} ms to end.`;
      this.#streams.rejectAll(message);
      this.#connections.destroy(message);
    });
    await Promise.all([this.#closed, this.#streams.allSettled()]);
    stopTimer();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #request(op: string, data: CallRequest['data'], options: CallOptions): Promise<Uint8Array> {
    const call = this.#newCall(op, data, options);
    const { current } = this.#connections;
    if (this.#waiting.size === 0 && current?.ready) current.send(call);
    else this.#wait(call);
    this.#watch(call, options, () => this.#abandon(call));
    return call.reply;
  }

  #newCall(op: string, data: CallRequest['data'], options: CallOptions): Call {
    const { signal, traceparent, timeoutMs = this.#settings.timeoutMs, idempotent = idempotentOps.has(op) } = options;
    if (signal?.aborted) throw cancelled(op, signal);
    if (this.#state === 'closing' || this.#state === 'closed') {
      throw new ProtocolError('CONNECTION_LOST', `The client is ${this.#state}; connect anew to call ${op}.`);
    }
    const id = this.#settings.newId();
    return new Call({ id, op, data, timeoutMs: timeoutMs || undefined, traceparent, idempotent });
  }

  /** Ends a call when its time is over or its caller's signal is aborted. */
  #watch(call: Call, { timeoutMs, signal }: CallOptions, aborted: () => void): void {
    if (call.settled) return;
    if (timeoutMs === undefined) this.#limits.watchShared(call);
    else if (timeoutMs > 0) this.#limits.watchOwn(call, timeoutMs + this.#settings.replyGraceMs);
    if (signal !== undefined) call.abortWith(signal, aborted);
  }

  #expire(call: Call): void {
    call.expire();
    // A server that was told the limit has stopped the work by now.
    if (call.request.timeoutMs === undefined) this.#abandon(call);
    else if (this.#waiting.delete(call)) this.#endWhenIdle();
  }

  #wait(call: Call): void {
    if (this.waiting >= this.#settings.waitingMax) {
      call.reject(this.#overloaded());
      return;
    }
    call.wait();
    this.#waiting.add(call);
  }

  #overloaded(): RequestError {
    return new RequestError('OVERLOADED', `${this.#settings.waitingMax} calls wait for a connection already.`);
  }

  #abandon(call: Call): void {
    if (!this.#waiting.delete(call)) this.#connections.cancel(call);
    this.#endWhenIdle();
  }

  #makeConnections(openTransport: OpenTransport): Connections {
    return new Connections(openTransport, this.#settings, {
      connected: () => {
        if (this.#state === 'connecting' || this.#state === 'reconnecting') this.#change('connected');
        this.#sendWaiting();
        this.#endWhenIdle();
      },
      reconnecting: (error, retryInMs) => {
        if (this.#state !== 'closing') this.#change('reconnecting', error, retryInMs);
      },
      gone: (error) => {
        if (this.#state !== 'closed') this.#end(error);
      },
      wantsAnother: () => this.#wantsAnother(),
      available: () => {
        this.#sendWaiting();
        this.#endWhenIdle();
      },
      abandoned: () => this.#endWhenIdle(),
      repeats: (call, why) => this.#repeats(call, why),
      retiredEnded: () => this.#settleClosed(),
    });
  }

  #wantsAnother(): boolean {
    const isOpen = this.#state === 'connected' || this.#state === 'reconnecting';
    return isOpen || (this.#state === 'closing' && this.#waiting.size > 0);
  }

  /** Takes a call back that is safe to send again. */
  #repeats(call: Call, why: 'refused' | 'lost'): boolean {
    if (this.#settings.reconnect === undefined || this.#state === 'closed') return false;
    if (why === 'refused' ? ++call.refusals > refusalsMax : !call.request.idempotent || ++call.losses > lossesMax)
      return false;
    call.wait();
    this.#waiting.add(call);
    return true;
  }

  #sendWaiting(): void {
    for (const call of this.#waiting) {
      const { current } = this.#connections;
      if (!current?.ready) return;
      this.#waiting.delete(call);
      current.send(call);
    }
  }

  #endWhenIdle(): void {
    // Not earlier: some balancers take a half-closed connection for a closed one, and its replies would be lost.
    if (this.#state !== 'closing' || this.#waiting.size > 0 || this.#streams.active > 0) return;
    const { current } = this.#connections;
    if (current?.awaited === 0) current.end();
  }

  #end(error: ProtocolError): void {
    const orderly = this.#state === 'closing';
    for (const call of this.#waiting) call.reject(new ProtocolError(error.code, error.message, { cause: error.cause }));
    this.#waiting.clear();
    this.#change('closed', orderly ? undefined : error);
    this.#connections.stop('The client was closed.');
    this.#settleClosed();
  }

  #settleClosed(): void {
    if (this.#state !== 'closed' || this.#connections.hasRetired) return;
    this.#limits.stop();
    this.#resolveClosed();
  }

  #change(state: ClientState, error?: ProtocolError, retryInMs?: number): void {
    this.#state = state;
    this.#events.dispatchEvent(new StateEvent(state, error, retryInMs));
  }
}

function resultOf<Result>(body: Uint8Array, bigint: boolean): Result {
  const response = decodeResponse(body, bigint);
  if (!response.ok) throw new ReplyError(response);
  return response.result as Result;
}
