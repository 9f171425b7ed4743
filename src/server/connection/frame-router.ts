/**
 * Whose is the next byte? Cuts a stream of bytes into frames, without a socket: whole small frames are answered where
 * they stand, a frame that is cut is gathered, and of a large one the start decides what becomes of the rest.
 *
 *     border ──cut or large──▶ gathering ──small, whole──▶ border
 *                                 │
 *                                 └─start of a large one──▶ holding, streaming or passing ──its last byte──▶ border
 *
 * Invariant: after `push` each byte that it took was given to exactly one frame, and `next` says what the byte after it
 * is for; see `invariants`.
 */
import { frameHeaderBytes } from '../../protocol/limits.js';
import type { BulkBody } from '../bulk/bulk-body.js';
import type { ReadTarget } from '../channel/channel.js';
import type { RequestRecord } from '../requests/request.js';
import type { EchoBody } from './echo-body.js';
import type { FrameCollector } from './frame-collector.js';
import type { HeldBody } from './held-body.js';

/** A large body that is gathered in memory. It takes no more for want of room, or since its answer is certain. */
export type GatheredBody = HeldBody | EchoBody;

/** What is done with the rest of a large frame. */
export type LargeFrame =
  /** It is held in memory until it is whole. */
  | { readonly kind: 'holding'; readonly body: GatheredBody; readonly request: RequestRecord; missingBytes: number }
  /** It goes to the workers as it comes. */
  | { readonly kind: 'streaming'; readonly body: BulkBody }
  /** It has its answer, and nobody wants it. */
  | { readonly kind: 'passing'; missingBytes: number };

type Next =
  | { readonly kind: 'border' }
  | { readonly kind: 'gathering'; readonly collector: FrameCollector }
  | LargeFrame;

/** Whoever answers the frames. */
export interface FrameHandler {
  /** Has the stream to wait: its turn is over, or its peer does not read? */
  hasToWait(): boolean;
  /**
   * Answers the whole frames at the start of `bytes`; answers how many bytes are done with. `isCut`: the rest is less than
   * a frame, or a large one; otherwise it is to be called again.
   */
  answer(bytes: Uint8Array): { readonly consumed: number; readonly isCut: boolean };
  newCollector(): FrameCollector;
  /** Bodies that are longer are judged by their start. */
  readonly gatheredBytesMax: number;
  /** The bytes of a small frame had no room. The collector is released after the call. */
  refuseSmall(collector: FrameCollector): void;
  /**
   * Of a large frame is there what `collector` has: its start, or less where it is known to be no request. Undefined:
   * more of the start is needed. The collector is released after the call, unless the start is streamed. What else the
   * call has taken is given back where it throws.
   */
  judge(collector: FrameCollector): LargeFrame | undefined;
  /** A large frame that was held is whole; its body is the handler's, also where it throws. */
  answerHeld(body: GatheredBody, request: RequestRecord): void;
  /** A large frame that is held takes no more; its body is released after the call. */
  refuseHeld(body: GatheredBody, request: RequestRecord): void;
}

const border: Next = { kind: 'border' };

export class FrameRouter {
  readonly #handler: FrameHandler;
  #next: Next = border;
  /** When the frame that is not whole began, as `performance.now()` gives it. */
  #sinceMs = 0;
  /** When its last bytes came. */
  #cameAtMs = 0;

  constructor(handler: FrameHandler) {
    this.#handler = handler;
  }

  /** What the next byte is for. */
  get next(): Readonly<Next> {
    return this.#next;
  }

  /** The body that is answered as it comes, if the next byte is of one. */
  get streamed(): BulkBody | undefined {
    return this.#next.kind === 'streaming' ? this.#next.body : undefined;
  }

  /** Where the next read may go, if there is a place of its own for it. */
  nextTarget(): ReadTarget | undefined {
    const next = this.#next;
    if (next.kind === 'streaming') return next.body.nextTarget();
    return next.kind === 'holding' ? next.body.nextTarget(next.missingBytes) : undefined;
  }

  /** Since when the frame at hand is not whole, or brings too little; `undefined` at a border and where nobody waits. */
  get unfinishedSinceMs(): number | undefined {
    const next = this.#next;
    if (next.kind === 'border' || next.kind === 'passing') return undefined;
    return next.kind === 'streaming' ? next.body.sinceMs : this.#sinceMs;
  }

  /** When the last bytes of the frame at hand came. */
  get cameAtMs(): number {
    return this.#cameAtMs;
  }

  /** Bytes of the frame at hand that have not come, as far as that is known. */
  get missingBytes(): number {
    const next = this.#next;
    switch (next.kind) {
      case 'border':
        return 0;
      case 'gathering':
        return next.collector.missingBytes;
      case 'streaming':
        return next.body.missingBytes;
      default:
        return next.missingBytes;
    }
  }

  /** Takes bytes of the stream; answers how many. The rest has to wait, and is to be given again. */
  push(bytes: Uint8Array, nowMs: number): number {
    this.#cameAtMs = nowMs;
    let taken = 0;
    while (taken < bytes.length && !this.#hasToWait()) {
      taken += this.#take(taken === 0 ? bytes : bytes.subarray(taken), nowMs);
      this.invariants();
    }
    return taken;
  }

  /** Time in which nothing could come does not count. */
  forgive(ms: number): void {
    this.#sinceMs += ms;
    const { streamed } = this;
    if (streamed) streamed.sinceMs += ms;
  }

  /** Lets go of the frame that is not whole, and of the stream: nothing more is pushed. */
  drop(): void {
    this.#release();
    this.#enter(border);
  }

  /** Lets go of the frame that is not whole, whose answer is out; the rest of it is passed over. */
  passOver(): void {
    const { missingBytes } = this;
    this.#release();
    this.#enter({ kind: 'passing', missingBytes });
  }

  /** What holds after each step. @throws Error where it does not: a defect */
  invariants(): void {
    const next = this.#next;
    const isRight =
      next.kind === 'border' ||
      (next.kind === 'gathering' ? !next.collector.isDone : this.missingBytes > 0 && this.missingBytes < 2 ** 32);
    if (!isRight) throw new Error(`a frame is over and still ${next.kind}: ${this.missingBytes} bytes are missing`);
  }

  #release(): void {
    const next = this.#next;
    this.#next = border;
    if (next.kind === 'gathering') next.collector.release();
    if (next.kind === 'holding') next.body.release();
    if (next.kind === 'streaming') next.body.abandon('gone');
  }

  #hasToWait(): boolean {
    return this.#handler.hasToWait() || this.streamed?.hasRoom === false;
  }

  #take(bytes: Uint8Array, nowMs: number): number {
    const next = this.#next;
    switch (next.kind) {
      case 'border':
        return this.#takeFrames(bytes, nowMs);
      case 'gathering':
        return this.#gather(next.collector, bytes);
      case 'holding':
        return this.#hold(next, bytes);
      case 'streaming': {
        const taken = next.body.take(bytes);
        if (next.body.isWhole) this.#enter(border);
        return taken;
      }
      case 'passing': {
        const taken = Math.min(next.missingBytes, bytes.length);
        next.missingBytes -= taken;
        this.#enter(next);
        return taken;
      }
    }
  }

  #takeFrames(bytes: Uint8Array, nowMs: number): number {
    const { consumed, isCut } = this.#handler.answer(bytes);
    if (!isCut || consumed === bytes.length) return consumed;
    this.#sinceMs = nowMs;
    const collector = this.#handler.newCollector();
    this.#enter({ kind: 'gathering', collector });
    return consumed + this.#gather(collector, bytes.subarray(consumed));
  }

  #gather(collector: FrameCollector, bytes: Uint8Array): number {
    const taken = collector.take(bytes);
    if (collector.isLarge || collector.bodyBytes > this.#handler.gatheredBytesMax) this.#judge(collector);
    else if (collector.isDone) this.#finishSmall(collector);
    return taken;
  }

  #finishSmall(collector: FrameCollector): void {
    // The handler may drop the frame at hand: this one is over.
    this.#enter(border);
    try {
      if (collector.isIncomplete) this.#handler.refuseSmall(collector);
      else {
        let rest = collector.frame;
        // More than one call where the engine's room for replies is used up.
        while (rest.length >= frameHeaderBytes) rest = rest.subarray(this.#handler.answer(rest).consumed);
      }
    } finally {
      collector.release();
    }
  }

  #judge(collector: FrameCollector): void {
    const { missingBytes } = collector;
    // It is the handler's while it is judged: a fault that ends the stream must not release it a second time.
    this.#next = { kind: 'passing', missingBytes };
    let verdict: LargeFrame | undefined;
    try {
      verdict = this.#handler.judge(collector);
    } catch (error) {
      collector.release();
      throw error;
    }
    if (verdict === undefined) this.#next = { kind: 'gathering', collector };
    else {
      if (verdict.kind !== 'streaming') collector.release();
      this.#enter(verdict);
    }
  }

  #hold(next: Extract<Next, { kind: 'holding' }>, bytes: Uint8Array): number {
    const part = bytes.subarray(0, next.missingBytes);
    if (!next.body.add(part)) {
      this.#handler.refuseHeld(next.body, next.request);
      next.body.release();
      this.#enter({ kind: 'passing', missingBytes: next.missingBytes });
      return 0;
    }
    next.missingBytes -= part.length;
    if (next.missingBytes > 0) return part.length;
    this.#enter(border);
    this.#handler.answerHeld(next.body, next.request);
    return part.length;
  }

  /** Goes on with `next`, or at a border where nothing of it is missing. */
  #enter(next: Next): void {
    const isOver = next.kind === 'streaming' ? next.body.isWhole : 'missingBytes' in next && next.missingBytes === 0;
    this.#next = isOver ? border : next;
  }
}
