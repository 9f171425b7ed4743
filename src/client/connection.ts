/**
 * The multiplexer: many calls on one connection, replies matched by `id` in whatever order they come.
 *
 * Invariant: a call is in `#inFlight` from the moment its frame is written until its one reply has come or the
 * connection is gone, whether or not anybody still waits for it. `#abandoned` counts those that nobody waits for. Frames
 * are written whole, one after the other. While the socket is full, no other call is sent.
 *
 * A reply whose code costs the connection retires it: nothing more is sent, since the server throws it away, and calls
 * in flight still get their replies. A connection where abandoned calls hold half of the places is worn: its owner
 * is told and may retire it. A retired connection ends itself when nobody waits for a reply any more; one that was left,
 * since its server drains, says so with a half-close after its last reply.
 *
 * It neither queues nor reconnects: that is the client's.
 */

import { type ErrorCode, ProtocolError, RequestError } from '../errors.js';
import { encodeRequest, type ReplyHead, readReplyHead } from '../protocol/message.js';
import { Call } from './call.js';
import { messageOf } from './checks.js';
import { Heartbeat } from './heartbeat.js';
import { codeThatEndsConnection, decodeResponse, strangeReply } from './json.js';
import { Link, type LinkLimits } from './link.js';
import { patientTimer } from './patient-timer.js';
import type { OpenTransport } from './transport.js';
import { UnmatchedReplies } from './unmatched-replies.js';
import { Upkeep } from './upkeep.js';

export interface ConnectionOwner {
  opened(): void;
  /** After `prove`: the server has answered. */
  proven(): void;
  /** There may be room for another call. `answered`: because a reply came. */
  available(answered: boolean): void;
  /** A call in flight was given up by its caller, or ran out of time. */
  abandoned(): void;
  /** Half of the places have been held by abandoned calls for `replyGraceMs`. */
  worn(): void;
  /** The server drains: new calls should go elsewhere. May be told again. */
  leaving(): void;
  /** The peer is silent, and the connection given up: see `LinkOwner.silent`. */
  silent(letGo: () => void): void;
  /**
   * A call in flight was not run, since the server drains (`refused`), or has lost its reply (`lost`). True where the owner
   * takes it back and sends it again; else it is rejected.
   */
  repeats(call: Call, why: 'refused' | 'lost'): boolean;
  /** The connection is gone and its calls in flight are rejected. Called once, also where it never opened. */
  lost(error: ProtocolError): void;
}

export interface ConnectionLimits extends LinkLimits {
  readonly inFlightMax: number;
  readonly replyGraceMs: number;
  readonly pingIntervalMs: number | undefined;
  readonly newId: () => string;
}

/** The data of a request that a server may not have read at once. */
const muchBytes = 64 * 1024;

export class Connection {
  readonly #link: Link;
  readonly #limits: ConnectionLimits;
  readonly #owner: ConnectionOwner;
  readonly #inFlight = new Map<string, Call>();
  readonly #unmatched = new UnmatchedReplies(this.#inFlight);
  #sent = 0;
  #abandoned = 0;
  #stopWornTimer: (() => void) | undefined;
  /** Why nothing more is sent: mostly a reply's code that said that the server closes this connection. */
  #retiredBy: ErrorCode | undefined;
  #isLeft = false;
  /** Did the bodies that came together answer a call? */
  #hasAnswered = false;
  #stopProofTimer: (() => void) | undefined;
  readonly #upkeep = new Upkeep((piece) => this.#link.write(piece));
  readonly #heartbeat: Heartbeat;

  constructor(open: OpenTransport, limits: ConnectionLimits, owner: ConnectionOwner) {
    this.#limits = limits;
    this.#owner = owner;
    this.#link = new Link(open, limits, {
      opened: () => owner.opened(),
      received: (body) => this.#take(body),
      caughtUp: () => this.#caughtUp(),
      drained: () => owner.available(false),
      silent: (letGo) => owner.silent(letGo),
      lost: (error) => this.#lost(error),
    });
    this.#heartbeat = new Heartbeat(limits.pingIntervalMs, {
      heardAtMs: () => this.#link.heardAtMs,
      isAwaiting: () => this.#inFlight.size > 0,
      isMuchUnderWay: () => this.#isMuchUnderWay(),
      ping: () => this.#upkeep.ask('$ping'),
      dead: (silentMs) =>
        this.#link.giveUp(
          'CONNECTION_LOST',
          `Nothing came from ${this.#link.peer} for ${silentMs} ms, not even the reply to $ping.`,
        ),
    });
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** Calls whose callers still wait for the reply. */
  get awaited(): number {
    return this.#inFlight.size - this.#abandoned;
  }

  /** May a call be sent now? */
  get ready(): boolean {
    return this.#sends && !this.#link.full && this.#inFlight.size < this.#limits.inFlightMax;
  }

  /** Would the server read what is sent? */
  get #sends(): boolean {
    return this.#link.open && this.#retiredBy === undefined;
  }

  /** Asks to be told when the server drains: see `leaving`. */
  askDraining(): void {
    this.#upkeep.ask('$draining');
  }

  /** Asks for a first reply: see `proven`. Without one within the time to connect, the connection is lost. */
  prove(): void {
    const { connectTimeoutMs } = this.#limits;
    this.#upkeep.ask('$ping');
    this.#stopProofTimer = patientTimer(connectTimeoutMs, () =>
      this.#link.giveUp(
        'CONNECT_FAILED',
        `${this.#link.peer} took the connection, and did not answer in ${connectTimeoutMs} ms.`,
      ),
    );
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
    let pieces: Uint8Array[];
    try {
      pieces = encodeRequest({ id, op, timeoutMs, traceparent }, data);
    } catch (cause) {
      call.reject(new RequestError('FRAME_TOO_LARGE', messageOf(cause), { cause }));
      return;
    }
    call.order = ++this.#sent;
    this.#inFlight.set(id, call);
    call.onSettled(() => this.#noteAbandoned(call));
    for (const piece of pieces) this.#link.write(piece);
    this.#heartbeat.watch();
  }

  /** Asks the server to stop a call that is in flight. */
  cancel(call: Call): void {
    if (!this.#sends || !this.#inFlight.has(call.request.id)) return;
    const data = JSON.stringify({ id: call.request.id });
    const id = this.#limits.newId();
    const limits = { timeoutMs: undefined, traceparent: undefined, idempotent: false };
    const cancel = new Call({ id, op: '$cancel', data, ...limits });
    // Nobody waits for its reply: whether it came in time shows in the reply to the call itself.
    cancel.resolve(new Uint8Array(0));
    this.send(cancel);
  }

  /** Says that no more calls will come; only while nobody waits for a reply. */
  end(): void {
    // Abandoned calls may never be answered, and the server stops work for a connection that is gone.
    if (this.#inFlight.size > 0) this.destroy('Nobody waits for the replies any more.');
    else this.#link.end();
  }

  /** Sends nothing more, and ends the connection when nobody waits for a reply. */
  retire(): void {
    this.#retiredBy ??= 'CONNECTION_LOST';
    this.#endIfRetired();
  }

  /** The same, but the server is told in an orderly way: it drains, and waits for that. */
  leave(): void {
    this.#isLeft = true;
    this.#endIfRetired();
  }

  /** Ends the connection at once; what is in flight is rejected. */
  destroy(message: string): void {
    this.#link.fail('CONNECTION_LOST', message);
  }

  #take(body: Uint8Array): void {
    const head = readReplyHead(body);
    const code = head?.ok === false ? codeThatEndsConnection(body) : undefined;
    this.#retiredBy ??= code;
    const call = typeof head?.id === 'string' ? this.#inFlight.get(head.id) : undefined;
    if (call !== undefined) {
      this.#hasAnswered = true;
      const isRepeated = code === 'SHUTTING_DOWN' && !call.settled && this.#owner.repeats(call, 'refused');
      if (isRepeated) this.#inFlight.delete(call.request.id);
      else this.#deliver([[call, body]]);
      this.#deliver(this.#unmatched.answered(call));
      if (code === 'SHUTTING_DOWN') this.#owner.leaving();
    } else if (this.#takeUpkeep(head, body)) {
      return;
    } else if (head?.id === null && !head.ok && this.#inFlight.size > this.#unmatched.held) {
      this.#deliver(this.#unmatched.add(body, this.#sent));
      if (this.#unmatched.heldBytes <= this.#limits.replyBytesMax) return;
      const most = `at most ${this.#limits.replyBytesMax} bytes are held`;
      this.#link.fail('BAD_REPLY', `${this.#link.peer} sent too many replies without an id; ${most}.`);
    } else if (head?.id === null && this.#retiredBy === 'UNAUTHENTICATED') {
      // Nothing was asked: the server does not wait any longer to be told who this is.
      this.#link.failBy(body);
    } else {
      this.#link.fail('BAD_REPLY', `${this.#link.peer} sent ${strangeReply(head)}.`);
    }
  }

  /** Takes what answers no call, if it is for this side itself. */
  #takeUpkeep(head: ReplyHead | undefined, body: Uint8Array): boolean {
    const reply = this.#upkeep.take(head, body);
    if (reply === 'leaving') this.#owner.leaving();
    if (reply === 'refused') this.#link.failBy(body);
    if (reply === 'alive' && this.#stopProofTimer !== undefined) {
      this.#stopProofTimer();
      this.#stopProofTimer = undefined;
      this.#owner.proven();
    }
    if (reply !== undefined) return true;
    // A server that has no place for one more connection says so before it has read anything.
    const isTurnedAway = this.#stopProofTimer !== undefined && head?.id === null && !head.ok;
    if (isTurnedAway) this.#link.fail('CONNECT_FAILED', `${this.#link.peer} refuses the connection: ${errorOf(body)}`);
    return isTurnedAway;
  }

  #isMuchUnderWay(): boolean {
    if (this.#link.full) return true;
    for (const { request } of this.#inFlight.values()) if ((request.data?.length ?? 0) > muchBytes) return true;
    return false;
  }

  #caughtUp(): void {
    const hasAnswered = this.#hasAnswered;
    this.#hasAnswered = false;
    this.#owner.available(hasAnswered);
    this.#endIfRetired();
  }

  #endIfRetired(): void {
    if (this.#isLeft && this.#retiredBy === undefined && this.awaited === 0) this.end();
    if (this.#retiredBy === undefined || this.awaited > 0) return;
    this.destroy(`${this.#link.peer} takes nothing more on this connection (${this.#retiredBy}).`);
  }

  #noteAbandoned(call: Call): void {
    if (this.#inFlight.get(call.request.id) !== call) return;
    this.#abandoned++;
    if (this.#isWorn) {
      this.#stopWornTimer ??= patientTimer(this.#limits.replyGraceMs, () => {
        this.#stopWornTimer = undefined;
        if (this.#isWorn && this.#sends) this.#owner.worn();
      });
    }
    this.#owner.abandoned();
    this.#endIfRetired();
  }

  get #isWorn(): boolean {
    return 2 * this.#abandoned >= this.#limits.inFlightMax;
  }

  #deliver(replies: [Call, Uint8Array][]): void {
    for (const [call, body] of replies) {
      this.#inFlight.delete(call.request.id);
      if (call.settled) this.#abandoned--;
      else call.resolve(body);
    }
  }

  #lost(error: ProtocolError): void {
    this.#stopWornTimer?.();
    this.#stopProofTimer?.();
    this.#heartbeat.stop();
    const calls = [...this.#inFlight.values()];
    this.#inFlight.clear();
    this.#abandoned = 0;
    // Each gets an error of its own: they may end up in different hands.
    for (const call of calls) {
      const isRepeated = error.code === 'CONNECTION_LOST' && !call.settled && this.#owner.repeats(call, 'lost');
      if (!isRepeated) call.reject(new ProtocolError(error.code, error.message, { cause: error.cause }));
    }
    this.#owner.lost(error);
  }
}

function errorOf(body: Uint8Array): string {
  const response = decodeResponse(body, false);
  return response.ok ? '' : response.error;
}
