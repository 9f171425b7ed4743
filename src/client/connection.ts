/**
 * The multiplexer: many calls on one connection, replies matched by `id` in whatever order they come.
 *
 * Invariant: a call is in `#inFlight` from the moment its frame is written until its one reply has come or the
 * connection is gone, whether or not anybody still waits for it. Frames are written whole, one behind the other; while
 * the socket is full, nothing else is sent.
 *
 * A reply whose code costs the connection retires it: nothing more is sent, since the server throws it away, and calls
 * in flight still get their replies. With the last of them this side closes, without a wait for the server's end.
 *
 * It neither queues nor reconnects: that is the client's.
 */

import { type ErrorCode, ProtocolError, RequestError } from '../errors.js';
import { encodeRequest, readReplyHead } from '../protocol/message.js';
import { Call } from './call.js';
import { codeThatEndsConnection } from './json.js';
import { Link, type LinkLimits } from './link.js';
import type { OpenTransport } from './transport.js';
import { UnmatchedReplies } from './unmatched-replies.js';

export interface ConnectionOwner {
  opened(): void;
  /** There may be room for another call. `answered`: because a reply came. */
  available(answered: boolean): void;
  /** The connection is gone and its calls in flight are rejected. Called once, also where it never stood. */
  lost(error: ProtocolError): void;
}

export interface ConnectionLimits extends LinkLimits {
  readonly inFlightMax: number;
  readonly newId: () => string;
}

export class Connection {
  readonly #link: Link;
  readonly #limits: ConnectionLimits;
  readonly #owner: ConnectionOwner;
  readonly #inFlight = new Map<string, Call>();
  readonly #unmatched = new UnmatchedReplies();
  /** The code of a reply that said that the server closes this connection. */
  #retiredBy: ErrorCode | undefined;

  constructor(open: OpenTransport, limits: ConnectionLimits, owner: ConnectionOwner) {
    this.#limits = limits;
    this.#owner = owner;
    this.#link = new Link(open, limits, {
      opened: () => owner.opened(),
      received: (body) => this.#take(body),
      caughtUp: () => this.#caughtUp(),
      drained: () => owner.available(false),
      lost: (error) => this.#lost(error),
    });
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** Is everything that was sent answered? */
  get idle(): boolean {
    return this.#inFlight.size === 0;
  }

  /** May a call be sent now? */
  get ready(): boolean {
    return this.#sends && !this.#link.full && this.#inFlight.size < this.#limits.inFlightMax;
  }

  /** Would the server read what is sent? */
  get #sends(): boolean {
    return this.#link.open && this.#retiredBy === undefined;
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
    try {
      const pieces = encodeRequest({ id, op, timeoutMs, traceparent }, data);
      this.#inFlight.set(id, call);
      for (const piece of pieces) this.#link.write(piece);
    } catch (cause) {
      call.reject(new RequestError('FRAME_TOO_LARGE', (cause as Error).message, { cause }));
    }
  }

  /** Asks the server to stop a call that is in flight. */
  cancel(call: Call): void {
    if (!this.#sends || !this.#inFlight.has(call.request.id)) return;
    const data = JSON.stringify({ id: call.request.id });
    const id = this.#limits.newId();
    const cancel = new Call({ id, op: '$cancel', data, timeoutMs: undefined, traceparent: undefined });
    // Whether it came in time shows in the reply to the call itself.
    cancel.reply.catch(() => undefined);
    this.send(cancel);
  }

  /** Says that no more calls will come. The server closes when it has answered. */
  end(): void {
    this.#link.end();
  }

  /** Ends the connection at once; what is in flight is rejected. */
  destroy(message: string): void {
    this.#link.fail('CONNECTION_LOST', message);
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
      this.#link.fail('BAD_REPLY', `${this.#link.peer} sent ${what}.`);
    }
  }

  #caughtUp(): void {
    this.#owner.available(true);
    if (this.#retiredBy === undefined || this.#inFlight.size > 0) return;
    this.destroy(`${this.#link.peer} takes nothing more on this connection (${this.#retiredBy}).`);
  }

  #deliver(replies: [Call, Uint8Array][]): void {
    for (const [call, body] of replies) {
      this.#inFlight.delete(call.request.id);
      call.resolve(body);
    }
  }

  #lost(error: ProtocolError): void {
    for (const call of this.#inFlight.values()) {
      // Each gets an error of its own: they may end up in different hands.
      call.reject(new ProtocolError(error.code, error.message, { cause: error.cause }));
    }
    this.#inFlight.clear();
    this.#owner.lost(error);
  }
}
