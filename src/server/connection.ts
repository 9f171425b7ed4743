/**
 * One TCP connection: bytes in, response frames out, and the bounds on both.
 *
 *     open ──(a fault of the framing, no credentials)──▶ deaf ──(nothing in flight)──▶ ended ──▶ closed
 *      │                                                                                 ▲
 *      └──(the server drains, work in flight)──▶ refusing ──(nothing in flight, quiet)───┘
 *
 * open: frames are answered. deaf: what comes is thrown away. refusing: each frame is answered with SHUTTING_DOWN.
 * ended: our side is closed; what comes is thrown away until the peer closes too, since closing with unread bytes would
 * reset the connection and could take the last replies with it. A peer's half-close leads to ended from any state, once
 * nothing is in flight.
 *
 * Invariant: every frame that was received whole gets one response. Of the one that is not whole the bytes are in
 * `#collector`, or go to `#body` as they come, or are passed over. Nothing is read from a peer that leaves more than
 * `unreadPauseBytes` unread, which is cut after `frameTimeoutMs` without taking any, nor while `#body` has no room.
 */
import type { Socket } from 'node:net';
import type { BulkBody } from './bulk-body.js';
import { budgetIsEmpty } from './byte-budget.js';
import type { ConnectionParts } from './connection-parts.js';
import type { EndReason } from './counters.js';
import type { PeerAddress } from './end-log.js';
import { FrameCollector } from './frame-collector.js';
import { cancelAll, type InFlight, type Peer } from './peer.js';
import { type PauseReason, ReadPause } from './read-pause.js';
import type { IdToken } from './replies.js';
import { idTokenOf } from './request.js';

type State = 'open' | 'deaf' | 'refusing' | 'ended';

const drains = 'the server is shutting down and takes nothing new; send it to another one';

/** How long a peer that goes on sending while the server drains is answered with SHUTTING_DOWN. */
const refusalMs = 1000;

/** How long an ended connection, all of it written, waits for a silent peer to close its side. */
const lingerMs = 1000;

export class Connection implements Peer {
  readonly inFlight = new Set<InFlight>();
  readonly #socket: Socket;
  readonly #address: PeerAddress;
  readonly #parts: ConnectionParts;
  #state: State = 'open';
  #peerEnded = false;
  #collector: FrameCollector | undefined;
  /** The body of the frame at hand, where it is answered in parts. */
  #body: BulkBody | undefined;
  /** Bytes of the frame at hand that nobody wants any more. */
  #passOver = 0;
  // True, so that what a new connection brought with it is read before it counts as quiet.
  #receivedSinceLook = true;
  readonly #reading: ReadPause;
  #refusingSinceMs = 0;
  #endedAtMs = 0;
  /** Bytes taken from the server's budget for replies that the peer has not read. */
  #unreadHeld = 0;

  /** @param accepted see `SharedReads.open` */
  constructor(accepted: Socket, parts: ConnectionParts, onClose: () => void) {
    this.#parts = parts;
    const { remoteAddress, remotePort } = accepted;
    this.#address = { remoteAddress, remotePort };
    const socket = parts.reads.open(
      accepted,
      (bytes) => this.#receive(bytes),
      () => this.#body?.nextTarget(),
    );
    this.#socket = socket;
    this.#reading = new ReadPause(socket);
    socket.on('drain', () => {
      this.#giveUnread();
      this.#resume('unread');
    });
    socket.on('timeout', () => this.#giveUp());
    socket.on('end', () => {
      this.#peerEnded = true;
      this.#dropUnfinished();
      this.#endWhenIdle();
    });
    socket.on('error', (error) => parts.log.debug({ err: error }, 'connection failed'));
    socket.on('close', () => {
      this.#state = 'ended';
      this.#dropUnfinished();
      this.#giveUnread();
      onClose();
      cancelAll(this, 'the connection was closed');
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
    // A peer that goes on sending behind our end is not listened to for ever.
    if (this.#state === 'ended' && nowMs - this.#endedAtMs >= frameTimeoutMs && !this.isBusy) this.destroy();
    // A connection that is not read from cannot make its frame whole.
    const unfinished = this.#collector ?? this.#body;
    if (!unfinished || this.#reading.isPaused || nowMs - unfinished.sinceMs < frameTimeoutMs) return;
    if (this.#collector) {
      const message = `the frame was not whole after ${frameTimeoutMs} ms`;
      this.#parts.dispatcher.refuseBody(this, this.#collector.body, 'DEADLINE_EXCEEDED', message);
    } else {
      const message = `too little of the frame came within ${frameTimeoutMs} ms`;
      this.#body?.end('stalled', { kind: 'error', code: 'DEADLINE_EXCEEDED', message });
    }
    this.#turnDeaf('frame_timeout');
  }

  /**
   * Called now and then while the server drains. What the peer had sent before, and the kernel may still hold, is
   * answered: only a connection from which nothing came since the last look takes nothing new, and ends when nothing is
   * in flight.
   * @param isPatient false where even a peer that goes on sending is to take SHUTTING_DOWN for an answer
   */
  drain(isPatient: boolean): void {
    const isQuiet = !this.#receivedSinceLook && !this.#reading.isPaused;
    this.#receivedSinceLook = false;
    if (this.#state === 'open' && (isQuiet || !isPatient)) {
      this.#state = 'refusing';
      this.#refusingSinceMs = performance.now();
      this.#parts.ends.note('drain', this.#address);
    }
    // A peer that goes on sending behind our end has had its replies.
    const isOverdue = this.#state === 'ended' && performance.now() - this.#endedAtMs > lingerMs;
    if (isOverdue && !isPatient && !this.isBusy) this.destroy();
    const isTold = performance.now() - this.#refusingSinceMs > refusalMs;
    const mayEnd = this.inFlight.size === 0 && !this.#reading.isPaused && (isQuiet || isTold);
    if (this.#state === 'refusing' && mayEnd) this.#end();
  }

  /** Closes on the spot, counted under `reason`. */
  cut(reason: EndReason): void {
    this.#parts.ends.note(reason, this.#address);
    this.destroy();
  }

  /** Closes on the spot. */
  destroy(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Uint8Array): void {
    const startMs = performance.now();
    this.#parts.counters.bytesReceived += chunk.length;
    this.#receivedSinceLook = true;
    if (this.#state === 'deaf' || this.#state === 'ended') return;
    try {
      this.#read(chunk, startMs);
    } catch (error) {
      this.#parts.log.error({ err: error }, 'a defect while decoding: the connection is closed');
      this.cut('internal');
    }
  }

  #read(bytes: Uint8Array, startMs: number): void {
    const rest = this.#passOn(bytes);
    if (rest.length === 0) return;
    if (this.#collector) this.#collect(rest, startMs);
    else this.#decode(rest, startMs);
  }

  /** Hands on what belongs to a body that is answered in parts, or to one that is passed over; answers with the rest. */
  #passOn(chunk: Uint8Array): Uint8Array {
    const body = this.#body;
    if (body) {
      const taken = body.take(chunk);
      if (body.isWhole) {
        this.#body = undefined;
        this.#resume('body');
      } else if (!body.hasRoom) this.#pause('body');
      return chunk.subarray(taken);
    }
    const passed = Math.min(this.#passOver, chunk.length);
    this.#passOver -= passed;
    return passed === 0 ? chunk : chunk.subarray(passed);
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
    const { counters, limits, budget } = this.#parts;
    counters.bytesSent += bytes;
    const unreadBytes = this.#socket.writableLength;
    // Below this mark of the stream itself no `drain` would follow.
    if (unreadBytes < this.#socket.writableHighWaterMark) return;
    if (unreadBytes >= limits.unreadCloseBytes || !budget.take(unreadBytes - this.#unreadHeld)) {
      this.cut('unread');
      return;
    }
    this.#unreadHeld = unreadBytes;
    if (unreadBytes >= limits.unreadPauseBytes) this.#pause('unread');
  }

  /** Reads nothing for now. A peer that takes nothing at all of what is unread for too long is given up. */
  #pause(reason: PauseReason): void {
    if (this.#state === 'ended' || !this.#reading.pause(reason)) return;
    if (reason === 'unread') this.#socket.setTimeout(this.#parts.limits.frameTimeoutMs);
  }

  #resume(reason: PauseReason): void {
    if (reason === 'unread' && this.#state !== 'ended') this.#socket.setTimeout(0);
    const pausedMs = this.#reading.resume(reason);
    if (pausedMs === undefined) return;
    if (this.#collector) this.#collector.sinceMs += pausedMs;
    if (this.#body) this.#body.sinceMs += pausedMs;
    this.#refusingSinceMs += pausedMs;
    // What the kernel holds by now is still to be read: it is not quiet yet.
    this.#receivedSinceLook = true;
  }

  #giveUnread(): void {
    this.#parts.budget.give(this.#unreadHeld);
    this.#unreadHeld = 0;
  }

  /** Nothing has moved for as long as the state allows. */
  #giveUp(): void {
    if (this.#socket.writableLength > 0) this.cut('unread');
    else this.destroy();
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
    const hadStart = collector.hasStart;
    const taken = hadStart ? collector.take(chunk) : collector.takeStart(chunk);
    if (collector.isLarge && !hadStart) this.#judge(collector);
    if (this.#collector && collector.isWhole) {
      this.#collector = undefined;
      this.#finish(collector, startMs);
    }
    if (taken < chunk.length) this.#read(chunk.subarray(taken), startMs);
  }

  /** A large frame is answered in parts, held in memory, or refused: by its first bytes, once they are there. */
  #judge(collector: FrameCollector): void {
    const { dispatcher, limits } = this.#parts;
    const isTooLarge = collector.bodyBytes > limits.maxFrameBytes;
    if (!collector.hasStart) {
      // Some that speak another protocol would wait for an answer before they send as much.
      if (isTooLarge && collector.isHopeless) this.#refuseTooLarge(collector, null);
      return;
    }
    const start = dispatcher.readStart(collector.body);
    if (isTooLarge && collector.isIncomplete) {
      // Whether it is too large is not known: that depends on what it is for.
      dispatcher.refuse(this, start.idToken, 'OVERLOADED', budgetIsEmpty);
      this.#passOverRest(collector);
      return;
    }
    if (!start.isStreamed || collector.isIncomplete) {
      if (isTooLarge) this.#refuseTooLarge(collector, start.idToken);
      return;
    }
    if (this.#state !== 'open') {
      dispatcher.refuse(this, start.idToken, 'SHUTTING_DOWN', drains);
      this.#passOverRest(collector);
      return;
    }
    const body = dispatcher.stream(this, start, collector);
    if (!body) {
      this.#passOverRest(collector);
      return;
    }
    // The start is the body's from here on, and its release too.
    this.#collector = undefined;
    if (!body.isWhole) this.#follow(body);
  }

  /** The frame at hand has its answer already. */
  #passOverRest(collector: FrameCollector): void {
    this.#collector = undefined;
    this.#passOver = collector.missingBytes;
    collector.release();
  }

  /** Gives what comes to the body, as long as it has room. */
  #follow(body: BulkBody): void {
    this.#body = body;
    body.onRoom = () => {
      if (this.#body === body && body.hasRoom) this.#resume('body');
    };
    if (!body.hasRoom) this.#pause('body');
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

  #refuseTooLarge({ bodyBytes }: FrameCollector, idToken: IdToken): void {
    const { dispatcher, limits } = this.#parts;
    const allowed = `${limits.maxFrameBytes} are allowed (--max-frame-bytes)`;
    const message = `the frame announces a body of ${bodyBytes} bytes; ${allowed}, and more for a sum whose op comes first`;
    dispatcher.refuse(this, idToken, 'FRAME_TOO_LARGE', message);
    this.#turnDeaf('frame_too_large');
  }

  #turnDeaf(reason: EndReason): void {
    this.#parts.ends.note(reason, this.#address);
    this.#state = 'deaf';
    this.#dropUnfinished();
    this.#endWhenIdle();
  }

  #dropUnfinished(): void {
    this.#collector?.release();
    this.#collector = undefined;
    const body = this.#body;
    this.#body = undefined;
    body?.abandon('gone');
  }

  #endWhenIdle(): void {
    const isOver = this.#peerEnded || this.#state === 'deaf';
    if (isOver && this.#state !== 'ended' && this.inFlight.size === 0) this.#end();
  }

  #end(): void {
    const socket = this.#socket;
    this.#state = 'ended';
    this.#endedAtMs = performance.now();
    this.#dropUnfinished();
    this.#reading.clear();
    socket.setTimeout(this.#parts.limits.frameTimeoutMs);
    socket.end(() => socket.setTimeout(lingerMs));
  }
}
