/**
 * The HTTP connections that are open, and when each has to end.
 *
 * Invariants: each connection is in exactly one state; whatever its peer does, it leaves every state but `answering`
 * within a time that no byte renews; and when all places are taken, a newcomer gets the place of the connection that
 * has been in the least useful state for longest. Only calls that run are never turned out for a newcomer.
 *
 * Why not Node's own limits alone: any byte ends its wait of an idle connection, also one of no request, and it has
 * none for answers that nobody reads.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Arrival } from '../server/channel/acceptor.js';

/**
 * - `waiting`: no request is here; the peer is idle or sends the head of one.
 * - `receiving`: the head of a request has come, its body has not.
 * - `answering`: the answer is being made.
 * - `sending`: the answer is made, and the peer has not taken all of it.
 * - `ending`: this side has said its last word and waits for the other side's end.
 */
export type ConnectionState = 'waiting' | 'receiving' | 'answering' | 'sending' | 'ending';

/** Who gives way to a newcomer, in this order; `answering` never does. */
const givesWay: readonly ConnectionState[] = ['ending', 'waiting', 'receiving', 'sending'];

export interface ConnectionTimes {
  /** A connection without a request is closed after this, in milliseconds. */
  readonly keepAliveMs: number;
  /** A request must be whole within this from its first byte, in milliseconds. */
  readonly requestMs: number;
  /** What an answer has at least to be taken in, in milliseconds. */
  readonly answerMs: number;
  /** A peer that takes less of an answer than this is cut, on the whole, in bytes a second. */
  readonly answerBytesPerSecond: number;
  /** What a refused peer has to read the refusal, in milliseconds. */
  readonly endingMs: number;
}

/** Who is on the other side: the client's address, which a balancer may have told, and the name in its certificate. */
export type HttpPeer = Pick<Arrival, 'address' | 'identity'>;

/** Why this side ended a connection. */
export type EndReason = 'evicted' | 'refused' | 'malformed' | 'late' | 'idle' | 'unread';

interface Entry {
  socket: Duplex;
  /** Who the peer is, as far as the steps on the way in have found out. */
  peer?: HttpPeer;
  state: ConnectionState;
  /** When this side gives up the state. */
  endsAtMs: number;
  /** Until then it does not give way while others can. */
  readonly isNewUntilMs: number;
  /** Requests without their whole answer; more than one where the peer pipelines. */
  readonly open: Set<ServerResponse>;
}

/** Node looks at late requests by itself, once a second, and has them answered; what it does not see ends this much later. */
const nodesTurnMs = 2_000;

/** A newcomer has so long to send its request before it gives way to others: a crowd of slow peers must not turn probes out. */
const newcomerMs = 1_000;

/** What the kernel may hold of an answer beyond what Node tells; it has to be taken first. */
const kernelBytes = 4 * 1024 * 1024;

export class HttpConnections {
  readonly #max: number;
  readonly #times: ConnectionTimes;
  readonly #entries = new Map<Duplex, Entry>();
  /** Each in the order in which its connections came into the state. */
  readonly #byState: Readonly<Record<ConnectionState, Set<Entry>>> = {
    waiting: new Set(),
    receiving: new Set(),
    answering: new Set(),
    sending: new Set(),
    ending: new Set(),
  };
  readonly #ended = new Map<EndReason, number>();

  /** @param max connections open at once */
  constructor(max: number, times: ConnectionTimes) {
    this.#max = max;
    this.#times = times;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Are more than half of the places taken? Then none is kept for a peer that may come back. */
  get isCrowded(): boolean {
    return this.#entries.size > this.#max / 2;
  }

  /** Are so many answers being made that further ones would leave no place for probes? */
  get isBusy(): boolean {
    return this.#byState.answering.size >= (this.#max * 3) / 4;
  }

  /** Connections by state. */
  counts(): Readonly<Record<ConnectionState, number>> {
    const { waiting, receiving, answering, sending, ending } = this.#byState;
    return {
      waiting: waiting.size,
      receiving: receiving.size,
      answering: answering.size,
      sending: sending.size,
      ending: ending.size,
    };
  }

  /** Connections that this side ended, by reason, since the start. */
  ended(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#ended);
  }

  /** A connection was accepted. Where all places are taken, another one ends for it, or else it does itself. */
  add(socket: Duplex, nowMs: number): void {
    if (this.#entries.has(socket)) return;
    if (this.#entries.size >= this.#max && !this.#evictOne(nowMs)) {
      this.#count('refused');
      socket.destroy();
      return;
    }
    const endsAtMs = nowMs + this.#times.requestMs + nodesTurnMs;
    const entry: Entry = { socket, state: 'waiting', endsAtMs, isNewUntilMs: nowMs + newcomerMs, open: new Set() };
    this.#entries.set(socket, entry);
    this.#byState.waiting.add(entry);
    socket.once('close', () => this.#remove(entry));
  }

  /**
   * A connection that was added is through its steps, maybe over a secure socket that stands before its own. Its time
   * begins anew.
   */
  arrived(first: Duplex, { socket, address, identity }: Arrival, nowMs: number): void {
    const entry = this.#entries.get(first);
    if (entry === undefined) return;
    this.#entries.delete(first);
    this.#entries.set(socket, entry);
    entry.socket = socket;
    entry.peer = { address, identity };
    this.#enter(entry, 'waiting', nowMs, this.#times.requestMs + nodesTurnMs);
  }

  /** Who the peer is, where the connection came through steps. */
  peerOf(socket: Duplex): HttpPeer | undefined {
    return this.#entries.get(socket)?.peer;
  }

  /** The head of a request has come. */
  begin(request: IncomingMessage, response: ServerResponse, nowMs: number): void {
    const entry = this.#entries.get(request.socket);
    if (entry === undefined) return;
    entry.open.add(response);
    // What is unread of an earlier answer stays the state: a peer that goes on asking does not renew its time.
    if (entry.state === 'waiting') {
      if (hasBody(request)) this.#enter(entry, 'receiving', nowMs, this.#times.requestMs + nodesTurnMs);
      else this.#enter(entry, 'answering', nowMs, Number.POSITIVE_INFINITY);
    }
    request.once('end', () => {
      if (entry.state === 'receiving') this.#enter(entry, 'answering', performance.now(), Number.POSITIVE_INFINITY);
    });
    response.once('prefinish', () => {
      if (entry.state !== 'ending') this.#enterSending(entry, performance.now());
    });
    response.once('close', () => this.#finish(entry, response));
  }

  /** Has the peer part of an answer already? Nothing else may be written to it then. */
  hasBegunToAnswer(socket: Duplex): boolean {
    const open = this.#entries.get(socket)?.open ?? [];
    return [...open].some((response) => response.headersSent);
  }

  /** This side has refused the peer, and its last bytes are on the way. */
  end(socket: Duplex, reason: EndReason, nowMs: number): void {
    const entry = this.#entries.get(socket);
    if (entry === undefined || entry.state === 'ending') return;
    this.#count(reason);
    this.#enter(entry, 'ending', nowMs, this.#times.endingMs);
  }

  /** Ends the connections whose time is over. To be called often. */
  sweep(nowMs: number): void {
    for (const entry of this.#entries.values()) {
      if (nowMs < entry.endsAtMs) continue;
      if (entry.state !== 'ending') this.#count(reasonOf(entry.state));
      this.#remove(entry);
      entry.socket.destroy();
    }
  }

  /** Ends all of them on the spot. */
  destroyAll(): void {
    for (const { socket } of this.#entries.values()) socket.destroy();
  }

  #finish(entry: Entry, response: ServerResponse): void {
    entry.open.delete(response);
    if (entry.open.size > 0 || entry.state === 'ending' || !this.#entries.has(entry.socket)) return;
    // A head that has begun within the time of an idle connection gets its own time too.
    const { keepAliveMs, requestMs } = this.#times;
    this.#enter(entry, 'waiting', performance.now(), keepAliveMs + requestMs + nodesTurnMs);
  }

  #enterSending(entry: Entry, nowMs: number): void {
    if (entry.state === 'sending') return;
    const { answerMs, answerBytesPerSecond } = this.#times;
    const bytes = entry.socket.writableLength + kernelBytes;
    this.#enter(entry, 'sending', nowMs, answerMs + (bytes / answerBytesPerSecond) * 1000);
  }

  #enter(entry: Entry, state: ConnectionState, nowMs: number, limitMs: number): void {
    if (!this.#entries.has(entry.socket)) return;
    this.#byState[entry.state].delete(entry);
    entry.state = state;
    entry.endsAtMs = nowMs + limitMs;
    this.#byState[state].add(entry);
  }

  /** Each set is in the order of time, so the first of it says whether any of it is old enough. */
  #evictOne(nowMs: number): boolean {
    const first = givesWay
      .map((state) => this.#byState[state].values().next().value)
      .filter((entry) => entry !== undefined);
    const entry = first.find(({ isNewUntilMs }) => nowMs >= isNewUntilMs) ?? first[0];
    if (entry === undefined) return false;
    this.#count('evicted');
    this.#remove(entry);
    entry.socket.destroy();
    return true;
  }

  #remove(entry: Entry): void {
    this.#entries.delete(entry.socket);
    this.#byState[entry.state].delete(entry);
  }

  #count(reason: EndReason): void {
    this.#ended.set(reason, (this.#ended.get(reason) ?? 0) + 1);
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0;
}

function reasonOf(state: ConnectionState): EndReason {
  if (state === 'sending') return 'unread';
  return state === 'waiting' ? 'idle' : 'late';
}
