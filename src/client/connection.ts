/**
 * The multiplexer: many calls on one transport, replies matched by `id` in whatever order they come.
 *
 * Invariant: a call is in `#inFlight` from the moment its frame begins to be written until its one reply has come or
 * the connection is gone, whether or not anybody still waits for it. Frames are written whole, one behind the other;
 * while the socket is full, or a large request is being read from its source, nothing else is sent.
 *
 * A reply whose code costs the connection retires it: nothing more is sent, since the server throws it away, and calls
 * in flight still get their replies. With the last of them this side closes, without a wait for the server's end.
 *
 * It neither queues nor reconnects: that is the client's.
 */

import { type ErrorCode, ProtocolError, RequestError } from '../errors.js';
import { FrameReader } from '../protocol/frame.js';
import { encodeRequest, encodeRequestEnvelope, readReplyHead } from '../protocol/message.js';
import { Call } from './call.js';
import { codeThatEndsConnection } from './json.js';
import type { DataSource } from './options.js';
import type { OpenTransport, Transport } from './transport.js';
import { UnmatchedReplies } from './unmatched-replies.js';

export interface ConnectionOwner {
  opened(): void;
  /** There may be room for another call. `answered`: because a reply came. */
  available(answered: boolean): void;
  /** The connection is gone and its calls in flight are rejected. Called once, also where it never stood. */
  lost(error: ProtocolError): void;
}

export interface ConnectionLimits {
  readonly connectTimeoutMs: number;
  readonly inFlightMax: number;
  readonly replyBytesMax: number;
  readonly newId: () => string;
}

/** What a server of HTTP begins with, `HTTP`, read as the length of a frame. */
const httpAsLength = 0x48545450;

type State = 'opening' | 'open' | 'ending' | 'lost';

export class Connection {
  readonly #transport: Transport;
  readonly #limits: ConnectionLimits;
  readonly #owner: ConnectionOwner;
  readonly #reader: FrameReader;
  readonly #inFlight = new Map<string, Call>();
  readonly #unmatched = new UnmatchedReplies();
  readonly #connectTimer: ReturnType<typeof setTimeout>;
  #state: State = 'opening';
  /** The socket took more than it wants to hold. */
  #full = false;
  /** The code of a reply that said that the server closes this connection. */
  #retiredBy: ErrorCode | undefined;
  /** A frame has begun whose data is still coming from its source. */
  #uploading = false;
  /** To be sent when the upload is through. */
  #cancelsHeld: Call[] = [];
  #onDrained: (() => void) | undefined;
  /** Why this side ended the connection, where it did. */
  #failure: ProtocolError | undefined;

  constructor(open: OpenTransport, limits: ConnectionLimits, owner: ConnectionOwner) {
    this.#limits = limits;
    this.#owner = owner;
    this.#reader = new FrameReader(limits.replyBytesMax);
    this.#transport = open({
      opened: () => this.#opened(),
      received: (chunk) => this.#received(chunk),
      drained: () => this.#drained(),
      closed: (error) => this.#closed(error),
    });
    this.#connectTimer = setTimeout(
      () =>
        this.#fail('CONNECT_FAILED', `${this.#transport.peer} did not answer within ${limits.connectTimeoutMs} ms.`),
      limits.connectTimeoutMs,
    );
  }

  get peer(): string {
    return this.#transport.peer;
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** Is everything that was sent answered, and nothing half sent? */
  get idle(): boolean {
    return this.#inFlight.size === 0 && !this.#uploading;
  }

  /** May a call be sent now? */
  get ready(): boolean {
    if (this.#state !== 'open' || this.#failure !== undefined || this.#retiredBy !== undefined) return false;
    return !this.#full && !this.#uploading && this.#inFlight.size < this.#limits.inFlightMax;
  }

  /** Sends a call; only while `ready`. What cannot be sent rejects the call and leaves the connection as it was. */
  send(call: Call): void {
    const { id, op, data, traceparent } = call.request;
    const timeoutMs = call.budgetMs();
    if (timeoutMs !== undefined && timeoutMs <= 0) {
      call.reject(new RequestError('DEADLINE_EXCEEDED', `The time for ${op} ran out before it could be sent.`));
      return;
    }
    if (this.#inFlight.has(id)) {
      call.reject(new RequestError('BAD_REQUEST', `The id ${JSON.stringify(id)} is in flight already.`));
      return;
    }
    const request = { id, op, timeoutMs, traceparent };
    try {
      if (typeof data === 'object' && 'chunks' in data) {
        const { head, tail } = encodeRequestEnvelope(request, data.byteLength);
        this.#inFlight.set(id, call);
        this.#write(head);
        void this.#upload(data, tail);
      } else {
        const pieces = encodeRequest(request, data);
        this.#inFlight.set(id, call);
        for (const piece of pieces) this.#write(piece);
      }
    } catch (cause) {
      call.reject(new RequestError('FRAME_TOO_LARGE', (cause as Error).message, { cause }));
    }
  }

  /** Asks the server to stop a call that is in flight. */
  cancel(call: Call): void {
    if (this.#state !== 'open' || this.#retiredBy !== undefined || !this.#inFlight.has(call.request.id)) return;
    const data = JSON.stringify({ id: call.request.id });
    const id = this.#limits.newId();
    const cancel = new Call({ id, op: '$cancel', data, timeoutMs: undefined, traceparent: undefined });
    // Whether it came in time shows in the reply to the call itself.
    cancel.reply.catch(() => undefined);
    if (this.#uploading) this.#cancelsHeld.push(cancel);
    else this.send(cancel);
  }

  /** Says that no more calls will come. The server closes when it has answered. */
  end(): void {
    if (this.#state !== 'open') return;
    this.#state = 'ending';
    this.#transport.end();
  }

  /** Ends the connection at once; what is in flight is rejected. */
  destroy(message: string): void {
    this.#fail('CONNECTION_LOST', message);
  }

  #write(piece: Uint8Array): void {
    if (!this.#transport.write(piece)) this.#full = true;
  }

  async #upload(source: DataSource, tail: Uint8Array): Promise<void> {
    this.#uploading = true;
    let sentBytes = 0;
    try {
      for await (const chunk of source.chunks) {
        if (this.#full) await new Promise<void>((resolve) => (this.#onDrained = resolve));
        if (this.#state !== 'open') return;
        sentBytes += chunk.length;
        if (sentBytes > source.byteLength) break;
        this.#write(chunk);
      }
    } catch (cause) {
      return this.#fail(
        'CONNECTION_LOST',
        `The data of a request could not be read: ${(cause as Error).message}.`,
        cause,
      );
    }
    if (sentBytes !== source.byteLength) {
      const more = sentBytes > source.byteLength ? 'more' : `only ${sentBytes}`;
      return this.#fail('CONNECTION_LOST', `A request announced ${source.byteLength} bytes of data and had ${more}.`);
    }
    this.#write(tail);
    this.#uploading = false;
    for (const cancel of this.#cancelsHeld.splice(0)) this.send(cancel);
    this.#owner.available(false);
  }

  #opened(): void {
    if (this.#state !== 'opening') return;
    clearTimeout(this.#connectTimer);
    this.#state = 'open';
    this.#owner.opened();
  }

  #drained(): void {
    this.#full = false;
    this.#onDrained?.();
    this.#onDrained = undefined;
    this.#owner.available(false);
  }

  #received(chunk: Uint8Array): void {
    if (this.#failure !== undefined) return;
    const bodies = this.#reader.push(chunk);
    for (const body of bodies) {
      this.#take(body);
      if (this.#failure !== undefined) return;
    }
    const { refusedBytes, bodyBytesMax } = this.#reader;
    if (refusedBytes !== undefined) {
      const what =
        refusedBytes === httpAsLength
          ? 'answers in HTTP: the framed protocol is on another port, 5000 by default'
          : `announces a reply of ${refusedBytes} bytes; at most ${bodyBytesMax} are taken`;
      this.#fail('BAD_REPLY', `${this.peer} ${what}.`);
    } else if (bodies.length > 0) {
      this.#owner.available(true);
      if (this.#retiredBy !== undefined && this.#inFlight.size === 0) {
        this.destroy(`${this.peer} takes nothing more on this connection (${this.#retiredBy}).`);
      }
    }
  }

  #take(body: Uint8Array): void {
    const head = readReplyHead(body);
    if (head?.ok === false) this.#retiredBy ??= codeThatEndsConnection(body);
    const call = typeof head?.id === 'string' ? this.#inFlight.get(head.id) : undefined;
    if (call !== undefined) {
      this.#deliver([[call, body]]);
      this.#deliver(this.#unmatched.answered(call));
    } else if (head?.id === null && this.#inFlight.size > this.#unmatched.held) {
      this.#deliver(this.#unmatched.add(body, this.#inFlight.values()));
    } else {
      const what = head === undefined ? 'a frame that is not a reply' : `a reply to ${head.id}, which is not in flight`;
      this.#fail('BAD_REPLY', `${this.peer} sent ${what}.`);
    }
  }

  #deliver(replies: [Call, Uint8Array][]): void {
    for (const [call, body] of replies) {
      this.#inFlight.delete(call.request.id);
      call.resolve(body);
    }
  }

  #fail(code: ErrorCode, message: string, cause?: unknown): void {
    if (this.#state === 'lost' || this.#failure !== undefined) return;
    this.#failure = new ProtocolError(code, message, { cause });
    this.#transport.destroy();
  }

  #closed(cause: Error | undefined): void {
    clearTimeout(this.#connectTimer);
    const error = this.#failure ?? this.#closingError(cause);
    this.#state = 'lost';
    this.#full = false;
    this.#onDrained?.();
    for (const call of this.#inFlight.values()) {
      // Each gets an error of its own: they may end up in different hands.
      call.reject(new ProtocolError(error.code, error.message, { cause: error.cause ?? cause }));
    }
    this.#inFlight.clear();
    this.#owner.lost(error);
  }

  #closingError(cause: Error | undefined): ProtocolError {
    const reason =
      cause === undefined ? 'the other side closed it' : ((cause as { code?: string }).code ?? cause.message);
    if (this.#state === 'opening') {
      return new ProtocolError(
        'CONNECT_FAILED',
        `Cannot connect to ${this.peer} (${reason}); is the server running there?`,
        { cause },
      );
    }
    const middle = this.#reader.midFrame ? ', in the middle of a reply' : ' before the reply came';
    return new ProtocolError('CONNECTION_LOST', `The connection to ${this.peer} ended${middle}: ${reason}.`, { cause });
  }
}
