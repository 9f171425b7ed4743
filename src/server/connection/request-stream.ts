/**
 * The requests in a connection's bytes: whole small frames go to the engine where they stand, large ones to the
 * dispatcher, as they come or when they are whole. The cutting is the router's; here is what is done with each frame.
 */
import { readFrameHeader } from '../../protocol/frame.js';
import { frameHeaderBytes, inlineBytesMax } from '../../protocol/limits.js';
import type { ReadTarget } from '../channel/channel.js';
import type { EndReason } from '../observer.js';
import { type BodyWay, hereBytesMax } from '../requests/executor.js';
import type { Peer } from '../requests/peer.js';
import type { RequestRecord } from '../requests/request.js';
import { drains, quote } from '../requests/sentences.js';
import type { LifeState } from './connection-life.js';
import type { ConnectionParts } from './connection-parts.js';
import { EchoBody } from './echo-body.js';
import { FrameCollector } from './frame-collector.js';
import { type FrameHandler, FrameRouter, type GatheredBody, type LargeFrame } from './frame-router.js';
import { HeldBody } from './held-body.js';

/** The connection that the requests come from. */
export interface RequestSource extends Peer {
  readonly state: LifeState;
  /** Have the next bytes to wait: its turn is over, or its peer does not read? */
  hasToWait(): boolean;
  /** Sends replies that are overwritten after the call. */
  sendReplies(replies: Uint8Array): void;
  /** Sends a reply that is not overwritten before `release` is called. */
  sendKept(reply: Uint8Array, release: () => void): void;
  /** The framing is lost, or the peer has broken a rule: nothing more is taken. */
  turnDeaf(reason: EndReason): void;
  /** A body that had no room may have some. */
  bodyHasRoom(): void;
  /** The place for the next read is taken back; true where the read goes elsewhere now. */
  retarget(): boolean;
  /** Does what a timer brings about. A defect in it, such as a trap of the engine, closes the connection. */
  contain(action: () => void): void;
}

/** Where the server is short of memory, a frame of which nothing comes for so long is let go. */
const stalledFrameMs = 2000;

/** A peer that has not said who it is has to say so in a frame that is no longer. */
const strangerBytesMax = 4096;
const stalledAndFull =
  'nothing of the frame came for a while, and the server is short of memory (--max-held-bytes); try again later';

/** The least that the engine is given at once where it stops often: it copies what it is given. */
const windowBytesMin = 2048;

export class RequestStream implements FrameHandler {
  readonly #source: RequestSource;
  readonly #parts: ConnectionParts;
  readonly #router = new FrameRouter(this);
  #windowBytes = Number.POSITIVE_INFINITY;
  /** Has one frame come whole, or the start of a large one? */
  #hasBegun = false;
  /** Ends the wait for a large frame whose own time is over before it is whole. */
  #heldTimer: NodeJS.Timeout | undefined;

  constructor(source: RequestSource, parts: ConnectionParts) {
    this.#source = source;
    this.#parts = parts;
  }

  /** Has the body at hand no room for more? */
  get isBlocked(): boolean {
    return this.#router.streamed?.hasRoom === false;
  }

  nextTarget(): ReadTarget | undefined {
    return this.#router.nextTarget();
  }

  /** Takes bytes, which came at `nowMs`; answers how many. The rest has to wait, and is to be given again. */
  push(bytes: Uint8Array, nowMs: number): number {
    return this.#router.push(bytes, nowMs);
  }

  /** Time in which nothing could come does not count. */
  forgive(ms: number): void {
    this.#router.forgive(ms);
  }

  /** Lets go of the frame that is not whole; nothing more is pushed. */
  drop(): void {
    clearTimeout(this.#heldTimer);
    const isHolding = this.#router.next.kind === 'holding';
    this.#router.drop();
    if (isHolding) this.#source.retarget();
  }

  /** Is there nothing that has begun and is not over? */
  get isAtBorder(): boolean {
    return this.#router.unfinishedSinceMs === undefined;
  }

  /** Looks at the clock. The peer could send all the time, since `openedAtMs`. */
  sweep(nowMs: number, openedAtMs: number): void {
    const { firstFrameTimeoutMs } = this.#parts.limits;
    if (!this.#hasBegun && firstFrameTimeoutMs > 0 && nowMs - openedAtMs >= firstFrameTimeoutMs) {
      const message = `the first frame was not whole ${firstFrameTimeoutMs} ms after the connection was taken (--first-frame-timeout-ms)`;
      this.#refuseUnfinished('DEADLINE_EXCEEDED', message);
      this.#source.turnDeaf('first_frame_timeout');
      return;
    }
    const { unfinishedSinceMs, cameAtMs } = this.#router;
    if (unfinishedSinceMs === undefined) return;
    if (nowMs - unfinishedSinceMs >= this.#parts.limits.frameTimeoutMs) this.#endUnfinished();
    else if (this.#parts.budget.isTight && nowMs - cameAtMs > stalledFrameMs) this.#letGoOfStalled();
  }

  hasToWait(): boolean {
    return this.#source.hasToWait();
  }

  answer(bytes: Uint8Array): { consumed: number; isCut: boolean } {
    const size = bytes.length < frameHeaderBytes ? 0 : readFrameHeader(bytes);
    if (size > this.gatheredBytesMax) return this.#answerLarge(bytes, size);
    const engine = this.#parts.engine();
    const startMs = this.#router.cameAtMs;
    const given = bytes.length > this.#windowBytes ? bytes.subarray(0, this.#windowBytes) : bytes;
    const { identity } = this.#source;
    const mask = this.#parts.access.inlineMask(identity, startMs);
    const consumed = engine.run(given, this.#source.state === 'refusing', mask);
    if (consumed > 0) this.#hasBegun = true;
    const { answered, handouts, stop } = engine;
    if (identity !== undefined && mask !== 0) identity.charge(answered, consumed);
    if (answered > 0) {
      this.#source.sendReplies(engine.replies);
      this.#parts.observer.answeredInline(answered, performance.now() - startMs);
    }
    // Who sends what is no request does not say who he is.
    if (answered > 0 && this.#isStranger) this.#source.turnDeaf('unauthenticated');
    if (handouts > 0) this.#handOut(given, handouts, startMs);
    // Where it stops early, it is given less at the next call, so that what is left is not copied again each time.
    if (stop === 'output') this.#windowBytes = Math.max(windowBytesMin, 2 * consumed);
    else if (given.length < bytes.length) this.#windowBytes = 2 * given.length;
    else this.#windowBytes = Number.POSITIVE_INFINITY;
    return { consumed, isCut: stop === 'large' || (stop === 'input' && given.length === bytes.length) };
  }

  /**
   * Answers the large frame at the start of `bytes`, if it is there as a whole and needs no other thread to decode it. What
   * comes of it is the same as where it comes in pieces.
   */
  #answerLarge(bytes: Uint8Array, size: number): { consumed: number; isCut: boolean } {
    const end = frameHeaderBytes + size;
    const { maxFrameBytes } = this.#parts.limits;
    const isFree = this.#parts.access.isFree(this.#source.identity);
    const isHere = isFree && bytes.length >= end && size <= Math.min(hereBytesMax, maxFrameBytes);
    this.#hasBegun = true;
    const isDone = isHere && this.#source.state === 'open' && this.#answerHere(bytes.subarray(frameHeaderBytes, end));
    return { consumed: isDone ? end : 0, isCut: !isDone };
  }

  /** Answers a whole body, or runs it where it is a user's operation's; false where it is for something else. */
  #answerHere(body: Uint8Array): boolean {
    const { cameAtMs } = this.#router;
    const answer = this.#parts.engine().answerInPlace(body);
    if (answer.kind === 'handout')
      return this.#parts.dispatcher.runUsers(this.#source, body, answer.envelope, cameAtMs);
    this.#sendCounted(answer.frame);
    return true;
  }

  /** Sends a reply that the engine has counted. It is overwritten after the call. */
  #sendCounted(frame: Uint8Array): void {
    this.#source.sendReplies(frame);
    this.#observeAnswer();
  }

  get gatheredBytesMax(): number {
    return this.#isStranger ? strangerBytesMax : inlineBytesMax;
  }

  get #isStranger(): boolean {
    return this.#parts.access.isStranger(this.#source.identity);
  }

  newCollector(): FrameCollector {
    return new FrameCollector(this.#source.share, this.#parts.buffers);
  }

  refuseSmall({ body }: FrameCollector): void {
    this.#refuseFull(this.#parts.dispatcher.readStart(this.#source, body, body.length, this.#router.cameAtMs).request);
  }

  /** A large frame is answered as it comes, held in memory, or refused: by its first bytes, once they are there. */
  judge(collector: FrameCollector): LargeFrame | undefined {
    const { dispatcher, limits } = this.#parts;
    const { missingBytes } = collector;
    if (this.#isStranger) {
      const message = `a frame of ${collector.bodyBytes} bytes came before $auth; ${strangerBytesMax} are allowed there`;
      dispatcher.refuseStranger(this.#source, message);
      return { kind: 'passing', missingBytes };
    }
    const isTooLarge = collector.bodyBytes > limits.maxFrameBytes;
    if (!collector.isDone) {
      // Some that speak another protocol would wait for an answer before they send as much.
      return isTooLarge && collector.isHopeless ? this.#refuseTooLarge(collector) : undefined;
    }
    const { body, bodyBytes } = collector;
    const { request, op, way } = dispatcher.readStart(this.#source, body, bodyBytes, this.#router.cameAtMs);
    const passing = { kind: 'passing', missingBytes } as const;
    if (collector.isIncomplete) {
      this.#refuseFull(request);
      return passing;
    }
    if (way !== 'streamed' && isTooLarge) return this.#refuseTooLarge(collector);
    if (this.#source.state !== 'open') {
      dispatcher.refuse(this.#source, request, 'SHUTTING_DOWN', drains);
      return passing;
    }
    if (!dispatcher.admits(this.#source, request, op, bodyBytes)) return passing;
    // One that is streamed is looked at when it begins.
    if (way !== 'streamed' && dispatcher.isShed(this.#source, request)) return passing;
    const large = way === 'streamed' ? this.#stream(collector, request) : this.#hold(collector, request, way);
    return large ?? passing;
  }

  answerHeld(body: GatheredBody, request: RequestRecord): void {
    clearTimeout(this.#heldTimer);
    request.wholeAtMs = this.#router.cameAtMs;
    try {
      if (body instanceof EchoBody) this.#answerEcho(body);
      else this.#answerWhole(body, request);
    } catch (error) {
      body.release();
      throw error;
    }
  }

  refuseHeld(body: GatheredBody, request: RequestRecord): void {
    clearTimeout(this.#heldTimer);
    if (body instanceof EchoBody && body.answer) this.#answerEcho(body);
    else this.#refuseFull(request);
  }

  #handOut(bytes: Uint8Array, handouts: number, cameAtMs: number): void {
    const { dispatcher } = this.#parts;
    const engine = this.#parts.engine();
    // All are read before the first is dispatched, which may use the engine again.
    const envelopes = Array.from({ length: handouts }, (_, index) => engine.handout(index));
    for (const envelope of envelopes) {
      const { state } = this.#source;
      if (state === 'open') dispatcher.answer(this.#source, bytes, envelope, cameAtMs);
      else if (state === 'refusing') dispatcher.refuseHandout(this.#source, bytes, envelope, cameAtMs);
    }
  }

  #stream(collector: FrameCollector, request: RequestRecord): LargeFrame | undefined {
    if (!collector.own()) {
      this.#refuseFull(request);
      return undefined;
    }
    const body = this.#parts.dispatcher.openStream(this.#source, request, {
      start: collector.body,
      totalBytes: collector.bodyBytes,
      progressBytes: this.#progressBytes,
      release: () => collector.release(),
      share: this.#source.share,
    });
    if (!body) return undefined;
    body.onRoom = () => {
      if (body.hasRoom) this.#source.bodyHasRoom();
    };
    body.onRetarget = () => this.#source.retarget();
    return { kind: 'streaming', body };
  }

  /** There is no room for the body. */
  #refuseFull(request: RequestRecord): void {
    this.#parts.dispatcher.refuseOver(this.#source, request, this.#source.share.refusal);
  }

  #hold({ body: start, bodyBytes, missingBytes }: FrameCollector, request: RequestRecord, way: BodyWay) {
    const { engine, bodyStates, buffers } = this.#parts;
    const held = new HeldBody(this.#source.share, buffers, bodyBytes, way === 'held' ? 'shared' : 'own');
    const body = way === 'echoed' ? new EchoBody(engine, bodyStates, held, bodyBytes) : held;
    let isAdded = false;
    try {
      isAdded = body.add(start);
      if (!isAdded) this.refuseHeld(body, request);
    } finally {
      if (!isAdded) body.release();
    }
    if (!isAdded) return undefined;
    const { timeoutMs, op } = request;
    if (timeoutMs !== undefined) {
      const message = `${quote(op)} was still being read after ${timeoutMs} ms`;
      const passOver = () => this.#passOver('DEADLINE_EXCEEDED', message);
      this.#heldTimer = setTimeout(() => this.#source.contain(passOver), Math.max(1, timeoutMs));
    }
    return { kind: 'holding', body, request, missingBytes } as const;
  }

  #answerEcho(body: EchoBody): void {
    const answer = body.answer!;
    if (answer.kind === 'echo') {
      this.#source.sendKept(body.reply(answer), () => body.release());
      this.#observeAnswer();
      return;
    }
    this.#sendCounted(answer.frame);
    body.release();
  }

  #answerWhole(body: HeldBody, request: RequestRecord): void {
    if (request.lane === 'inline') {
      if (!this.#answerHere(body.bytes)) throw new Error(`the engine has \`${request.op}\`, and handed it out`);
      body.release();
      return;
    }
    this.#parts.dispatcher.answerHeld(this.#source, request, { bytes: body.bytes, release: () => body.release() });
  }

  /** What a body that is answered as it comes has to bring within the time that a frame may take. */
  get #progressBytes(): number {
    const { minSendRate, frameTimeoutMs } = this.#parts.limits;
    return Math.ceil((minSendRate * frameTimeoutMs) / 1000);
  }

  #observeAnswer(): void {
    this.#parts.observer.answeredInline(1, performance.now() - this.#router.cameAtMs);
  }

  #refuseTooLarge(collector: FrameCollector): LargeFrame {
    const { dispatcher, limits } = this.#parts;
    const allowed = `${limits.maxFrameBytes} are allowed (--max-frame-bytes)`;
    const message = `the frame announces a body of ${collector.bodyBytes} bytes; ${allowed}, and more for a sum whose op comes first`;
    dispatcher.refuseStart(this.#source, collector.body, this.#router.cameAtMs, 'FRAME_TOO_LARGE', message);
    this.#source.turnDeaf('frame_too_large');
    return { kind: 'passing', missingBytes: collector.missingBytes };
  }

  /** The frame at hand took too long. */
  #endUnfinished(): void {
    const { streamed } = this.#router;
    const { frameTimeoutMs, minSendRate } = this.#parts.limits;
    if (streamed) {
      const message = `less than ${minSendRate} bytes a second of the frame came (--min-send-rate), over ${frameTimeoutMs} ms`;
      streamed.end('stalled', { kind: 'error', code: 'DEADLINE_EXCEEDED', message });
      this.#source.turnDeaf('send_rate');
      return;
    }
    this.#refuseUnfinished(
      'DEADLINE_EXCEEDED',
      `the frame was not whole after ${frameTimeoutMs} ms (--frame-timeout-ms)`,
    );
    this.#source.turnDeaf('frame_timeout');
  }

  /** Gives back the memory of a frame that others need. */
  #letGoOfStalled(): void {
    const { next } = this.#router;
    const isLarge = next.kind === 'holding' || (next.kind === 'gathering' && next.collector.bodyBytes > 0);
    if (isLarge) this.#passOver('OVERLOADED', stalledAndFull);
  }

  /** Answers the frame at hand; the rest of it is passed over. */
  #passOver(code: 'OVERLOADED' | 'DEADLINE_EXCEEDED', message: string): void {
    clearTimeout(this.#heldTimer);
    this.#refuseUnfinished(code, message);
    this.#router.passOver();
    // Its memory is free only when the next read goes elsewhere.
    this.#source.retarget();
  }

  #refuseUnfinished(code: 'OVERLOADED' | 'DEADLINE_EXCEEDED', message: string): void {
    const { dispatcher } = this.#parts;
    const { next, cameAtMs } = this.#router;
    if (next.kind === 'gathering') {
      dispatcher.refuseStart(this.#source, next.collector.body, cameAtMs, code, message);
    } else if (next.kind === 'holding') dispatcher.refuse(this.#source, next.request, code, message);
  }
}
