/**
 * One TCP connection: bytes in, response frames out, and the bounds on both.
 *
 *     open ──(a fault of the framing, no credentials)──▶ deaf ──┐
 *      │                                                         ├─(nothing in flight)─▶ ended ─▶ closed
 *      └──────────────(the server drains)──▶ refusing ──────────┘
 *
 * open: frames are answered. deaf: what comes is thrown away. refusing: each frame is answered with SHUTTING_DOWN.
 * ended: our side is closed; what comes is thrown away until the peer closes too, since closing with unread bytes would
 * reset the connection and could take the last replies with it. A peer's half-close leads from any state to ended.
 *
 * Invariant: every frame that was received whole gets one response, and `#collector` holds the bytes of the one that
 * is not whole. While the peer leaves more than `unreadPauseBytes` unread, nothing is read from it.
 */
import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import type { Engine } from '../engine/index.js';
import type { ByteBudget } from './byte-budget.js';
import type { Counters, EndReason } from './counters.js';
import { budgetIsEmpty, type Dispatcher } from './dispatcher.js';
import type { FrameBuffers } from './frame-buffers.js';
import { FrameCollector } from './frame-collector.js';
import { cancelAll, type InFlight, type Peer } from './peer.js';
import type { ReplyBuffer } from './reply-buffer.js';
import { idTokenOf } from './request.js';
import type { SharedReads } from './shared-reads.js';

export interface ConnectionLimits {
  readonly maxFrameBytes: number;
  readonly unreadPauseBytes: number;
  readonly unreadCloseBytes: number;
  readonly frameTimeoutMs: number;
}

export interface ConnectionParts {
  readonly engine: Engine;
  readonly dispatcher: Dispatcher;
  readonly counters: Counters;
  readonly budget: ByteBudget;
  readonly buffers: FrameBuffers;
  readonly reads: SharedReads;
  readonly replies: ReplyBuffer;
  readonly limits: ConnectionLimits;
  readonly log: Logger;
}

type State = 'open' | 'deaf' | 'refusing' | 'ended';

const drains = 'the server is shutting down and takes nothing new; send it to another one';

/** How long an ended connection waits for the peer to close its side. */
const lingerMs = 1000;

export class Connection implements Peer {
  readonly inFlight = new Set<InFlight>();
  readonly #socket: Socket;
  readonly #parts: ConnectionParts;
  readonly #pauseBytes: number;
  #state: State = 'open';
  #peerEnded = false;
  #collector: FrameCollector | undefined;
  #receivedSinceLook = false;

  /** @param accepted see `SharedReads.open` */
  constructor(accepted: Socket, parts: ConnectionParts, onClose: () => void) {
    this.#parts = parts;
    const socket = parts.reads.open(accepted, (bytes) => this.#receive(bytes));
    this.#socket = socket;
    // Below the mark of the stream itself no `drain` would follow.
    this.#pauseBytes = Math.max(parts.limits.unreadPauseBytes, socket.writableHighWaterMark);
    socket.on('drain', () => socket.resume());
    socket.on('end', () => {
      this.#peerEnded = true;
      this.#dropUnfinished();
      this.#endWhenIdle();
    });
    socket.on('error', (error) => parts.log.debug({ err: error }, 'connection failed'));
    socket.on('close', () => {
      this.#state = 'ended';
      this.#dropUnfinished();
      cancelAll(this, 'the connection was closed');
      onClose();
    });
  }

  /** Is there work whose response has not been written out? */
  get isBusy(): boolean {
    return this.inFlight.size > 0 || this.#socket.writableLength > 0;
  }

  send(frame: Uint8Array): void {
    if (!this.#canSend) return;
    this.#socket.write(frame);
    this.#sent(frame.length);
  }

  settled(): void {
    this.#endWhenIdle();
  }

  refuse(frame: Uint8Array): void {
    this.send(frame);
    this.#turnDeaf('unauthenticated');
  }

  /** Looks at the clock: called now and then for every connection. */
  sweep(nowMs: number): void {
    const { frameTimeoutMs } = this.#parts.limits;
    // A connection that is not read from cannot make its frame whole.
    if (!this.#collector || this.#socket.isPaused() || nowMs - this.#collector.sinceMs < frameTimeoutMs) return;
    const message = `the frame was not whole after ${frameTimeoutMs} ms`;
    this.#parts.dispatcher.refuseBody(this, this.#collector.body, 'DEADLINE_EXCEEDED', message);
    this.#turnDeaf('frame_timeout');
  }

  /**
   * Once no more bytes come, or `force`, takes nothing new and closes when what is in flight is answered: what the
   * peer had sent before, and the kernel still holds, is answered too. Called now and then while the server drains.
   */
  drain(force: boolean): void {
    if (this.#state !== 'open') return;
    const isQuiet = !this.#receivedSinceLook;
    this.#receivedSinceLook = false;
    if (!isQuiet && !force) return;
    this.#state = 'refusing';
    this.#parts.counters.connectionsEnded.drain++;
    this.#endWhenIdle();
  }

  /** Closes on the spot, counted under `reason`. */
  cut(reason: EndReason): void {
    this.#parts.counters.connectionsEnded[reason]++;
    this.destroy();
  }

  /** Closes on the spot. */
  destroy(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    const startMs = performance.now();
    this.#parts.counters.bytesReceived += chunk.length;
    this.#receivedSinceLook = true;
    if (this.#state === 'deaf' || this.#state === 'ended') return;
    try {
      if (this.#collector) this.#collect(chunk, startMs);
      else this.#decode(chunk, startMs);
    } catch (error) {
      this.#parts.log.error({ err: error }, 'a defect while decoding: the connection is closed');
      this.cut('internal');
    }
  }

  /** Answers the frames in `bytes`, which begin at a frame's border, and keeps what is left of them. */
  #decode(bytes: Uint8Array, startMs: number): void {
    const { engine, counters } = this.#parts;
    let rest = bytes;
    while (this.#state === 'open' || this.#state === 'refusing') {
      const consumed = engine.run(rest, this.#state === 'refusing');
      const { answered, handouts, stop } = engine;
      if (answered > 0) {
        this.#sendReplies(engine.replies);
        counters.latency.inline.observe(performance.now() - startMs, answered);
      }
      if (handouts > 0) this.#handOut(rest, handouts, startMs);
      if (consumed === rest.length) return;
      rest = rest.subarray(consumed);
      if (stop === 'output') continue;
      this.#collector = new FrameCollector(this.#parts.budget, this.#parts.buffers, startMs);
      this.#collect(rest, startMs);
      return;
    }
  }

  /** @param replies a view that the engine's next call overwrites */
  #sendReplies(replies: Uint8Array): void {
    if (!this.#canSend) return;
    this.#parts.replies.write(this.#socket, replies);
    this.#sent(replies.length);
  }

  get #canSend(): boolean {
    return this.#state !== 'ended' && !this.#socket.destroyed;
  }

  #sent(bytes: number): void {
    const socket = this.#socket;
    this.#parts.counters.bytesSent += bytes;
    const unreadBytes = socket.writableLength;
    if (unreadBytes < this.#pauseBytes) return;
    socket.pause();
    if (unreadBytes >= this.#parts.limits.unreadCloseBytes) this.cut('unread');
  }

  #handOut(bytes: Uint8Array, handouts: number, startMs: number): void {
    const { engine, dispatcher } = this.#parts;
    // All are read before the first is dispatched, which may use the engine again.
    const envelopes = Array.from({ length: handouts }, (_, index) => engine.handout(index));
    for (const envelope of envelopes) {
      if (this.#state === 'open') dispatcher.request(this, bytes, envelope, startMs);
      else if (this.#state === 'refusing') dispatcher.refuse(this, idTokenOf(bytes, envelope), 'SHUTTING_DOWN', drains);
    }
  }

  /** Feeds the frame that is not whole. */
  #collect(chunk: Uint8Array, startMs: number): void {
    const collector = this.#collector;
    if (!collector) return;
    const taken = collector.take(chunk);
    if (collector.bodyBytes > this.#parts.limits.maxFrameBytes) {
      this.#refuseTooLarge(collector);
      return;
    }
    if (!collector.isWhole) return;
    this.#collector = undefined;
    this.#finish(collector, startMs);
    if (taken < chunk.length) this.#decode(chunk.subarray(taken), startMs);
  }

  /** Answers a frame that was gathered. A large one is the dispatcher's from here on, and its release too. */
  #finish(collector: FrameCollector, startMs: number): void {
    const { dispatcher } = this.#parts;
    if (collector.isLarge && !collector.isIncomplete && this.#state === 'open') {
      dispatcher.bulk(this, collector, startMs);
      return;
    }
    try {
      if (collector.isIncomplete) {
        dispatcher.refuseBody(this, collector.body, 'OVERLOADED', budgetIsEmpty);
      } else if (collector.isLarge) dispatcher.refuseBody(this, collector.body, 'SHUTTING_DOWN', drains);
      else this.#decode(collector.frame, startMs);
    } finally {
      collector.release();
    }
  }

  #refuseTooLarge(collector: FrameCollector): void {
    const { dispatcher, limits } = this.#parts;
    const message = `the frame announces a body of ${collector.bodyBytes} bytes, and ${limits.maxFrameBytes} are allowed`;
    dispatcher.refuseBody(this, collector.body, 'FRAME_TOO_LARGE', message);
    this.#turnDeaf('frame_too_large');
  }

  #turnDeaf(reason: EndReason): void {
    this.#parts.counters.connectionsEnded[reason]++;
    this.#state = 'deaf';
    this.#dropUnfinished();
    this.#endWhenIdle();
  }

  #dropUnfinished(): void {
    this.#collector?.release();
    this.#collector = undefined;
  }

  #endWhenIdle(): void {
    if (this.#state === 'ended' || this.inFlight.size > 0) return;
    if (this.#state === 'open' && !this.#peerEnded) return;
    this.#state = 'ended';
    this.#dropUnfinished();
    const socket = this.#socket;
    socket.end(() => setTimeout(() => socket.destroy(), lingerMs).unref());
  }
}
