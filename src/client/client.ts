/**
 * The client: calls in, promises out, over a connection that it keeps alive.
 *
 * Calls wait in order in a bounded queue until the connection has room for them, also while there is none. A call
 * whose frame has begun to be sent is never sent again: when the connection is lost, it is rejected with
 * `CONNECTION_LOST` and its caller decides. Calls whose data is streamed go over connections of their own. How bytes travel is the transport's, how replies find their calls is
 * the connection's.
 */

import { ProtocolError, RequestError } from '../errors.js';
import { backoffMs } from './backoff.js';
import { Call, type CallRequest, cancelled } from './call.js';
import { Connection } from './connection.js';
import { type DataSource, SourceReader } from './data-source.js';
import { decodeResponse, encodeData } from './json.js';
import {
  type CallOptions,
  type ClientOptions,
  type ClientSettings,
  checkByteLength,
  checkTimeoutMs,
  clientSettings,
  timerMsMax,
  type ValueCallOptions,
} from './options.js';
import { ReplyError } from './reply-error.js';
import { StreamCall } from './stream-call.js';
import { StreamCalls } from './stream-calls.js';
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

export class Client {
  readonly #events = new EventTarget();
  readonly #openTransport: OpenTransport;
  readonly #settings: ClientSettings;
  readonly #waiting = new Set<Call>();
  readonly #streams: StreamCalls;
  #state: ClientState = 'connecting';
  #connection: Connection | undefined;
  /** Attempts since a connection last proved good, by a reply or by standing for a while. */
  #attempts = 0;
  #openedAtMs = Number.POSITIVE_INFINITY;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #closed: Promise<void>;
  #resolveClosed!: () => void;

  private constructor(openTransport: OpenTransport, settings: ClientSettings) {
    this.#openTransport = openTransport;
    this.#settings = settings;
    this.#streams = new StreamCalls(openTransport, settings, () => this.#endWhenIdle());
    this.#closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  /**
   * Connects over any transport; {@link connect} is this over TCP. The first attempt is not repeated.
   * @throws ProtocolError `CONNECT_FAILED`
   * @throws RangeError for an option that is out of range.
   */
  static async open(openTransport: OpenTransport, options: ClientOptions = {}): Promise<Client> {
    const settings = clientSettings(options);
    return new Promise((resolve, reject) => {
      const client = new Client(openTransport, settings);
      client.onState(({ state, error }) => (state === 'connected' ? resolve(client) : reject(error)), { once: true });
      client.#connect();
    });
  }

  get state(): ClientState {
    return this.#state;
  }

  /** Requests on the wire without their reply, those included that were aborted. */
  get inFlight(): number {
    return (this.#connection?.inFlight ?? 0) + this.#streams.active;
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
    this.#events.addEventListener('state', listener as (event: Event) => void, options);
  }

  /**
   * Calls an operation and resolves to its `result`. `data` of `undefined` is left out of the request.
   * @throws ReplyError (a RequestError) where the server answers with an error, with its `code`.
   * @throws RequestError `BAD_DATA` (data that JSON cannot say), `FRAME_TOO_LARGE`, `OVERLOADED` (too many calls wait),
   *   `CANCELLED`, `DEADLINE_EXCEEDED`.
   * @throws ProtocolError `CONNECTION_LOST` (the work may or may not have been done), `CONNECT_FAILED`, `BAD_REPLY`.
   */
  async call<Result = unknown>(op: string, data?: unknown, options: ValueCallOptions = {}): Promise<Result> {
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
  callRaw(op: string, data?: Uint8Array, options: CallOptions = {}): Promise<Uint8Array> {
    return this.#request(op, data, options);
  }

  /**
   * Calls an operation with data too large to stand in memory: one JSON value of exactly `byteLength` bytes, not checked,
   * that is read from `data` as the connection takes it. It goes over a connection of its own, which is not renewed, and
   * resolves as {@link call} does. A reply that comes before everything is sent stops the sending. However the call
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
    return resultOf<Result>(await this.callRawStream(op, data, byteLength, options), options.bigint === true);
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
      checkByteLength(byteLength);
      const call = this.#newCall(op, undefined, options);
      if (this.#streams.full && this.waiting >= this.#settings.waitingMax) throw this.#overloaded();
      call.wait();
      this.#streams.add(new StreamCall(call, source, byteLength));
      this.#watch(call, options.signal, () => undefined);
      return await call.reply;
    } catch (error) {
      source.close();
      throw error;
    }
  }

  /**
   * Takes no more calls, waits until those made have their replies, and closes. Without a connection calls that
   * wait are rejected at once. Calls that are not through after `drainMs` are rejected with `CONNECTION_LOST`.
   */
  async close({ drainMs = 5000 }: CloseOptions = {}): Promise<void> {
    if (this.#state === 'reconnecting' || this.#state === 'connecting') {
      this.#end(new ProtocolError('CONNECTION_LOST', 'The client was closed while it had no connection.'));
    } else if (this.#state === 'connected') {
      this.#change('closing');
      this.#endWhenIdle();
    }
    const timer = setTimeout(
      () => {
        const message = `This side closed the connection; calls had ${drainMs} ms to end.`;
        this.#streams.rejectAll(message);
        this.#connection?.destroy(message);
      },
      Math.min(drainMs, timerMsMax),
    );
    await Promise.all([this.#closed, this.#streams.allSettled()]);
    clearTimeout(timer);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #request(op: string, data: CallRequest['data'], options: CallOptions): Promise<Uint8Array> {
    const call = this.#newCall(op, data, options);
    if (this.#waiting.size === 0 && this.#connection?.ready) this.#connection.send(call);
    else this.#wait(call);
    this.#watch(call, options.signal, () => this.#abandon(call));
    return call.reply;
  }

  #newCall(op: string, data: CallRequest['data'], options: CallOptions): Call {
    const { signal, traceparent } = options;
    const timeoutMs = checkTimeoutMs(options.timeoutMs) ?? this.#settings.timeoutMs;
    if (signal?.aborted) throw cancelled(op, signal);
    if (this.#state === 'closing' || this.#state === 'closed') {
      throw new ProtocolError('CONNECTION_LOST', `The client is ${this.#state}; connect anew to call ${op}.`);
    }
    return new Call({ id: this.#settings.newId(), op, data, timeoutMs, traceparent });
  }

  /** Holds a call to its time and to its caller's signal. */
  #watch(call: Call, signal: AbortSignal | undefined, aborted: () => void): void {
    if (call.settled) return;
    call.guard(this.#settings.replyGraceMs, () => this.#waiting.delete(call));
    if (signal !== undefined) call.abortWith(signal, aborted);
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
    if (!this.#waiting.delete(call)) this.#connection?.cancel(call);
    this.#endWhenIdle();
  }

  #connect(): void {
    this.#connection = new Connection(this.#openTransport, this.#settings, {
      opened: () => {
        this.#openedAtMs = performance.now();
        this.#change('connected');
        this.#sendWaiting();
      },
      available: (answered) => {
        // That it opened does not show that a connection is good: some accept and close at once.
        if (answered) this.#attempts = 0;
        this.#sendWaiting();
        this.#endWhenIdle();
      },
      lost: (error) => this.#lost(error),
    });
  }

  #sendWaiting(): void {
    for (const call of this.#waiting) {
      if (!this.#connection?.ready) return;
      this.#waiting.delete(call);
      this.#connection.send(call);
    }
  }

  #endWhenIdle(): void {
    // Not earlier: some balancers take a half-closed connection for a closed one, and its replies would be lost.
    if (this.#state !== 'closing' || this.#waiting.size > 0 || this.#streams.active > 0) return;
    if (this.#connection?.idle) this.#connection.end();
  }

  #lost(error: ProtocolError): void {
    this.#connection = undefined;
    if (this.#state === 'closed') return;
    const { reconnect } = this.#settings;
    if (reconnect !== undefined && performance.now() - this.#openedAtMs > reconnect.delayMaxMs) this.#attempts = 0;
    this.#openedAtMs = Number.POSITIVE_INFINITY;
    const wanted = this.#state === 'connected' || this.#state === 'reconnecting';
    if (!wanted || reconnect === undefined || this.#attempts >= reconnect.attemptsMax) {
      this.#end(error);
      return;
    }
    const delayMs = backoffMs(this.#attempts, reconnect, Math.random());
    this.#attempts++;
    this.#retryTimer = setTimeout(() => this.#connect(), delayMs);
    this.#change('reconnecting', error, delayMs);
  }

  #end(error: ProtocolError): void {
    clearTimeout(this.#retryTimer);
    const orderly = this.#state === 'closing';
    for (const call of this.#waiting) call.reject(new ProtocolError(error.code, error.message, { cause: error.cause }));
    this.#waiting.clear();
    this.#change('closed', orderly ? undefined : error);
    this.#connection?.destroy('The client was closed.');
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
