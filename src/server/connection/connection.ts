/**
 * One connection: bytes in, reply frames out, and the bounds on both.
 *
 *     channel ──▶ backlog ──▶ requests ──▶ engine, dispatcher
 *        ▲                                      │
 *        └──────────── writer ◀─────────────────┘
 *
 * What is done with each byte that comes, the requests know; what the peer has not read, the writer; whether frames are
 * still taken, the life. Here they meet: what came is worked on as long as the peer reads its replies, the body at hand
 * has room and the connection's turn lasts. What is left then waits in the backlog, and nothing is read.
 *
 * Invariant: every frame that was received whole gets one reply. A defect closes the connection, and nothing else.
 */

import { errorFrame } from '../../protocol/replies.js';
import type { Identity } from '../access/identity.js';
import type { Channel, ChannelHandlers, ReadTarget } from '../channel/channel.js';
import { addressGroup } from '../channel/connection-places.js';
import type { EndReason } from '../observer.js';
import { cancelAll, type InFlight } from '../requests/peer.js';
import type { RequestRecord } from '../requests/request.js';
import { Backlog } from './backlog.js';
import { ConnectionClock } from './connection-clock.js';
import { ConnectionLife, type LifeState } from './connection-life.js';
import type { ConnectionParts } from './connection-parts.js';
import { DrainNotice } from './drain-notice.js';
import { LateReply } from './late-reply.js';
import { authMs, PeerIdentity } from './peer-identity.js';
import { type PauseReason, ReadPause } from './read-pause.js';
import { ReplyWriter } from './reply-writer.js';
import { type RequestSource, RequestStream } from './request-stream.js';

/** How long a peer that goes on sending while the server drains is answered with SHUTTING_DOWN. */
const refusalMs = 1000;

/** How long an ended connection, all of it written, waits for a silent peer to close its side. */
const lingerMs = 1000;

export class Connection implements RequestSource, ChannelHandlers {
  readonly inFlight = new Set<InFlight>();
  readonly remoteAddress: string | undefined;
  readonly share;
  readonly #channel: Channel;
  readonly #parts: ConnectionParts;
  readonly #life = new ConnectionLife();
  readonly #requests: RequestStream;
  readonly #writer: ReplyWriter;
  readonly #reading: ReadPause;
  readonly #notice: DrainNotice;
  readonly #onClose: () => void;
  readonly #identity: PeerIdentity;
  #lateReply: LateReply | undefined;
  #hasPeerEnded = false;
  /** Nothing new is taken from where the backlog ends. */
  #isToldToDrain = false;
  readonly #backlog: Backlog;
  readonly #clock = new ConnectionClock();

  /** @param onClose called once, when the channel has closed */
  constructor(channel: Channel, parts: ConnectionParts, onClose: () => void) {
    this.#channel = channel;
    this.#parts = parts;
    this.#onClose = onClose;
    this.remoteAddress = channel.address.remoteAddress;
    this.#identity = new PeerIdentity(parts.access, channel.identity);
    this.share = parts.budget.share(addressGroup(this.remoteAddress ?? ''));
    this.#backlog = new Backlog(parts.buffers, this.share);
    this.#requests = new RequestStream(this, parts);
    this.#reading = new ReadPause(channel);
    this.#writer = new ReplyWriter(channel, this.share, parts.stage, parts.limits.unreadPauseBytes);
    this.#notice = new DrainNotice(this, parts.observer);
  }

  // What the channel tells.

  nextTarget(): ReadTarget | undefined {
    // What waits in the backlog comes before the next read.
    return this.#backlog.bytes ? undefined : this.#parts.loop.shorten(this.#requests.nextTarget());
  }

  wantsLittle(): boolean {
    // A new connection has not shown yet that it sends much, and a crowd of them comes at once.
    return this.#clock.receivedAtMs === 0 || this.#parts.budget.isTight || this.#parts.loop.isCrowded;
  }

  received(bytes: Uint8Array): void {
    this.#parts.observer.bytesReceived(bytes.length);
    this.#clock.received();
    if (!this.#life.takesFrames) return;
    const waiting = this.#backlog.bytes;
    if (waiting) this.#keep(Buffer.concat([waiting, bytes]));
    else this.#work(bytes);
  }

  written(): void {
    this.#writer.written();
    if (!this.#writer.isOverMark) this.#resume('unread');
  }

  ended(): void {
    this.#hasPeerEnded = true;
    if (this.#channel.isPeerGone()) this.destroy();
    else if (!this.#backlog.bytes) this.#endOfStream();
  }

  failed(error: Error): void {
    this.#parts.log.debug({ err: error }, 'connection failed');
  }

  closed(): void {
    this.#life.move('close');
    this.#endLate();
    this.#identity.become(undefined);
    this.#dropUnfinished();
    this.#writer.close();
    this.share.leave();
    this.#onClose();
    cancelAll(this, 'the connection was closed');
  }

  // What the requests and the dispatcher ask for.

  get identity(): Identity | undefined {
    return this.#identity.current;
  }

  readonly identify = (identity: Identity): void => this.#identity.become(identity);

  get state(): LifeState {
    return this.#life.state;
  }

  hasToWait(): boolean {
    return !this.#life.takesFrames || this.#writer.isOverMark || this.#parts.loop.isUsedUp;
  }

  send(frame: Uint8Array): boolean {
    if (!this.#life.takesReplies) return true;
    const isSent = this.#writer.add(frame);
    if (isSent) this.#parts.observer.bytesSent(frame.length);
    this.#pauseWhereUnread();
    return isSent;
  }

  sendReplies(replies: Uint8Array): void {
    if (!this.#life.takesReplies) return;
    this.#writer.addCopy(replies);
    this.#parts.observer.bytesSent(replies.length);
  }

  sendKept(reply: Uint8Array, release: () => void): void {
    if (!this.#life.takesReplies) {
      release();
      return;
    }
    this.#writer.addKept(reply, release);
    this.#parts.observer.bytesSent(reply.length);
    this.#pauseWhereUnread();
  }

  sendLast(frame: Uint8Array, delayMs = 0, sent = () => {}): void {
    if (delayMs === 0) this.send(frame);
    else {
      // Nothing is taken meanwhile; the kernel holds what comes.
      this.#pause('delay');
      this.#lateReply = new LateReply(delayMs, () => this.contain(() => this.#sendLate(frame)), sent);
    }
    this.turnDeaf('unauthenticated');
  }

  hangUp(): void {
    this.turnDeaf('auth_flood');
    this.destroy();
  }

  contain(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#fail(error);
    }
  }

  awaitDrain(request: RequestRecord): boolean {
    return this.#notice.ask(request);
  }

  settled(): void {
    this.#clock.settled();
    this.#endWhenIdle();
  }

  turnDeaf(reason: EndReason): void {
    if (!this.#life.move('fault')) return;
    this.#note(reason);
    this.#dropUnfinished();
    this.#endWhenIdle();
  }

  bodyHasRoom(): void {
    this.#resume('body');
  }

  retarget(): boolean {
    return this.#channel.retarget();
  }

  // What the server asks for.

  /** Is there work whose reply has not been written out? */
  get isBusy(): boolean {
    return this.inFlight.size > 0 || this.#writer.unreadBytes > 0;
  }

  /** Its identity has lost its rights: nothing more is taken. What it had in flight was ended. */
  revoke(): void {
    this.contain(() => this.turnDeaf('revoked'));
  }

  /** Looks at the clock: called now and then. @param lateMs for so long nothing was read, since the loop stood still */
  sweep(nowMs: number, lateMs: number): void {
    this.contain(() => this.#sweep(nowMs, lateMs));
  }

  #sweep(nowMs: number, lateMs: number): void {
    if (lateMs > 0) {
      this.#requests.forgive(lateMs);
      this.#clock.forgive(lateMs);
    }
    if (this.#life.takesFrames && this.#identity.isLateStranger(this.#clock.openedAtMs, nowMs)) {
      this.send(errorFrame(null, 'UNAUTHENTICATED', `no $auth came within ${authMs} ms`));
      this.turnDeaf('auth_timeout');
    }
    if (this.#writer.stalledMs(nowMs) - lateMs > this.#parts.limits.unreadPatienceMs) this.cut('unread');
    else if (this.#life.state === 'ended') this.#sweepEnded(nowMs);
    else if (this.#hasPeerEnded && this.#channel.isPeerGone()) this.destroy();
    // A connection that is not read from cannot make its frame whole.
    if (this.#reading.isPaused) return;
    this.#requests.sweep(nowMs, this.#clock.openedAtMs);
    const { idleTimeoutMs } = this.#parts.limits;
    if (idleTimeoutMs > 0 && nowMs - lateMs - this.#usedAtMs >= idleTimeoutMs && this.#isIdle)
      this.turnDeaf('idle_timeout');
  }

  /** The server begins to drain: a peer that asked for it is told. */
  tellDraining(): void {
    this.contain(() => this.#notice.tell());
  }

  /**
   * Called now and then while the server drains. A peer that was told has `toldMs` to go by itself, as if nothing were.
   * What the peer had sent before, and the kernel may still hold, is answered: only a connection from which nothing came
   * since the last look takes nothing new, and ends when nothing is in flight.
   * @param isPatient false where even a peer that goes on sending is to take SHUTTING_DOWN for an answer
   */
  drain(isPatient: boolean, toldMs: number): void {
    this.contain(() => this.#drain(isPatient, toldMs));
  }

  #drain(isPatient: boolean, toldMs: number): void {
    const { toldAtMs } = this.#notice;
    if (toldAtMs !== undefined && performance.now() - toldAtMs < toldMs) return;
    const isQuiet = !this.#clock.look() && !this.#reading.isPaused;
    if (isQuiet || !isPatient) this.#isToldToDrain = true;
    if (!this.#backlog.bytes) this.#beginDrain();
    const sinceMs = performance.now() - this.#life.sinceMs;
    // A peer that goes on sending after our end has had its replies.
    if (this.#life.state === 'ended' && sinceMs > lingerMs && !isPatient && !this.isBusy) this.destroy();
    const mayEnd = this.inFlight.size === 0 && !this.#reading.isPaused && (isQuiet || sinceMs > refusalMs);
    if (this.#life.state === 'refusing' && mayEnd) this.#end();
  }

  /** Closes on the spot, counted under `reason`. */
  cut(reason: EndReason): void {
    this.#note(reason);
    this.destroy();
  }

  /** Closes on the spot. */
  destroy(): void {
    this.#channel.destroy();
  }

  #sendLate(frame: Uint8Array): void {
    this.send(frame);
    this.#endLate();
    this.#endWhenIdle();
  }

  #endLate(): void {
    this.#lateReply?.end();
    this.#lateReply = undefined;
  }

  get #isIdle(): boolean {
    return this.#life.state === 'open' && !this.isBusy && this.#requests.isAtBorder;
  }

  /** When the connection was last of use to its peer. */
  get #usedAtMs(): number {
    return Math.max(this.#clock.usedAtMs, this.#writer.progressAtMs);
  }

  /** Works on bytes as long as it may; the rest waits. */
  #work(bytes: Uint8Array): void {
    const { loop } = this.#parts;
    const nowMs = performance.now();
    loop.enter(this, nowMs, bytes.length, this.#identity.current);
    this.#writer.beginBatch();
    let taken = 0;
    try {
      taken = this.#requests.push(bytes, nowMs);
    } catch (error) {
      this.#fail(error);
    }
    this.#writer.flush();
    loop.leave();
    if (this.#life.takesFrames) this.#keep(bytes.subarray(taken));
    else this.#backlog.drop();
  }

  /** Keeps what has to wait, if there is something, and stops reading for as long as there is a reason. */
  #keep(rest: Uint8Array): void {
    if (rest.length === 0) {
      this.#backlog.drop();
      this.#beginDrain();
    } else this.#backlog.keep(rest);
    this.#pauseWhereUnread();
    if (this.#requests.isBlocked) this.#pause('body');
    if (this.#parts.loop.isInCrowd || this.#parts.loop.isUsedUp || (rest.length > 0 && !this.#reading.isPaused))
      this.#letOthersGo();
    if (rest.length === 0 && this.#hasPeerEnded) this.#endOfStream();
  }

  /** The connection goes on in a later turn of the event loop. */
  #letOthersGo(): void {
    if (this.#reading.has('turn')) return;
    this.#pause('turn');
    this.#parts.loop.yield(this.#identity.current ?? addressGroup(this.remoteAddress ?? ''), () => {
      this.#resume('turn');
      return !this.#reading.isPaused;
    });
  }

  /** What is in a batch has not been shown to the kernel, which may take it on the spot: then no `written` follows. */
  #pauseWhereUnread(): void {
    if (!this.#writer.isInBatch && this.#writer.isOverMark) this.#pause('unread');
  }

  #pause(reason: PauseReason): void {
    if (this.#life.takesFrames) this.#reading.pause(reason);
  }

  #resume(reason: PauseReason): void {
    const pausedMs = this.#reading.lift(reason);
    if (pausedMs === undefined) return;
    if (reason !== 'turn') {
      this.#requests.forgive(pausedMs);
      this.#life.forgive(pausedMs);
    }
    // What the kernel holds by now is still to be read: it is not quiet yet.
    this.#clock.mayHear();
    const { bytes } = this.#backlog;
    if (bytes && this.#life.takesFrames) this.#work(bytes);
    if (!this.#reading.isPaused) this.#channel.resume();
  }

  #fail(error: unknown): void {
    this.#parts.log.error({ err: error }, 'a defect while decoding: the connection is closed');
    this.#parts.renewEngine();
    // What was read is not looked at a second time: some of it may have been answered.
    this.#life.move('fault');
    this.cut('internal');
  }

  #beginDrain(): void {
    if (this.#isToldToDrain && this.#life.move('drain')) this.#note('drain');
  }

  #dropUnfinished(): void {
    this.#backlog.drop();
    this.#requests.drop();
  }

  /** The peer sends nothing more, and all that it sent is looked at. */
  #endOfStream(): void {
    this.#dropUnfinished();
    this.#notice.end();
    this.#endWhenIdle();
  }

  #endWhenIdle(): void {
    if (this.#lateReply !== undefined) return;
    const isOver = (this.#hasPeerEnded && !this.#backlog.bytes) || this.#life.state === 'deaf';
    if (isOver && this.inFlight.size === 0) this.#end();
  }

  #end(): void {
    this.#notice.end();
    if (!this.#life.move('end')) return;
    this.#dropUnfinished();
    for (const reason of ['unread', 'body', 'turn', 'delay'] as const) this.#resume(reason);
    this.#writer.end();
  }

  /** Our side is closed: a peer that does not close its own is waited for, but not for ever. */
  #sweepEnded(nowMs: number): void {
    if (this.isBusy) return;
    const isSilent = nowMs - this.#clock.receivedAtMs >= lingerMs;
    const sinceMs = nowMs - Math.max(this.#life.sinceMs, this.#writer.progressAtMs);
    if (sinceMs >= (isSilent ? lingerMs : this.#parts.limits.frameTimeoutMs)) this.destroy();
  }

  #note(reason: EndReason): void {
    this.#parts.ends.note(reason, this.#channel.address);
  }
}
