/**
 * The body of one frame on its way to the workers, in parts, as it comes.
 *
 *     reads ──▶ │ filling │ ──full, or the end──▶ │ full │ … ──▶ │ with a worker │ ──▶ used again
 *
 *     waiting ──begin──▶ open ──yieldPlace──▶ yielding ──all that came is added──▶ waiting
 *        any of them ──the answer, a fault, `end`, `abandon`──▶ over
 *
 * One part is with a worker at a time, since each goes on where the one before left off. The state between them is in
 * shared memory twice, so that a part whose thread died can be run again. While its segments are full, or while it waits
 * for a place, its peer is not read from.
 *
 * Invariant: a body ends once, with the outcome that `onEnd` is given or by `abandon`; what still comes of it is then
 * dropped. Its memory goes back when no thread reads it any more; the segment that the next read goes to, when that read
 * has come or goes elsewhere.
 */
import type { Outcome, TaskHandle, TaskRunner } from '../../pool/task.js';
import type { BudgetShare } from '../byte-budget.js';
import type { ReadTarget } from '../channel/channel.js';
import { readBytes } from '../channel/tcp-channel.js';
import type { BulkMemory, StatePlace } from './bulk-memory.js';
import type { Segment } from './segment.js';

/** What a worker gets at once, at the most. */
const segmentsPerPart = 2;
/** One part with a worker, the next one ready, and one that is filled: with all of them in one part, each waits for the other. */
export const segmentsPerBody = 3 * segmentsPerPart;
export const statesPerBody = 2;

/** The least for which a read gets a place of its own. Fewer bytes are read together with what follows, and copied. */
const targetBytesMin = 64 * 1024;

/** A MB a second: a place is of little use to a peer that sends no faster. */
const slowBytesPerMs = 1000;

export interface BulkRequest {
  /** The first bytes of the body. */
  readonly start: Uint8Array;
  readonly totalBytes: number;
  /** Progress is seen each time that so many bytes have come. */
  readonly progressBytes: number;
  /** Nobody reads `start` any more. */
  release(): void;
  /** Has what is kept of a body that has given up its place. */
  readonly share: BudgetShare;
  /** The request's id, for the log. */
  readonly label: string | undefined;
  /** Whom it is for: those who wait for workers take turns. */
  readonly owner: object;
  /** All owners of one address, or an identity. */
  readonly group: object | string;
  /** Called once, never before `open` has returned; without an outcome where the body was abandoned. */
  readonly onEnd: (outcome: BulkOutcome | undefined) => void;
}

/** How bodies that were sent in parts have ended: with a reply of the engine's, or else why not. */
export type BulkEnd = 'answered' | 'cancelled' | 'expired' | 'failed' | 'overloaded' | 'stalled' | 'gone';

/** Whoever gives bodies their turn. */
export interface BulkOwner {
  readonly pool: TaskRunner;
  readonly memory: BulkMemory;
  readonly ended: Record<BulkEnd, number>;
  /** A body that waited is over. */
  leftQueue(body: BulkBody): void;
  /** A body that was open is over, and nobody reads its memory. */
  leftPlace(body: BulkBody): void;
  /** A body has given up its place for now, and nobody reads its memory. */
  gaveUpPlace(body: BulkBody): void;
  /** A part could not be given to the pool, for a reason that the pool does not know. Its body ends with INTERNAL. */
  failed(error: unknown): void;
}

export type BulkOutcome = Extract<Outcome, { kind: 'frame' | 'error' }>;

const noTask: TaskHandle = { end: () => {} };
const lostPart: Outcome = {
  kind: 'error',
  code: 'INTERNAL',
  message: 'the server failed on this request; its log has the cause',
};

export class BulkBody {
  /** When its first bytes were there, as `performance.now()` gives it. */
  readonly cameAtMs = performance.now();
  /** When progress was last seen. */
  sinceMs = this.cameAtMs;
  /** When it got the place that it has. */
  openedAtMs = 0;
  /** When the last byte came. */
  wholeAtMs: number | undefined;
  /** Called where the peer may be read from again. */
  onRoom: () => void = () => {};
  /** Called where the place for the next read is taken back; true where the read goes elsewhere now. */
  onRetarget: () => boolean = () => false;
  /** Bytes that had come when it got its place. */
  #seenAtOpen = 0;
  readonly #owner: BulkOwner;
  readonly #request: BulkRequest;
  #state: 'waiting' | 'open' | 'yielding' | 'over' = 'waiting';
  #seen: number;
  #progress = 0;
  /** Segments that this body has, whatever is in them. */
  #segments = 0;
  readonly #free: Segment[] = [];
  readonly #full: Segment[] = [];
  #filling: Segment | undefined;
  /** The next read goes to `#filling`. */
  #isOnLoan = false;
  #states: readonly [StatePlace, StatePlace] | undefined;
  /** What the parts before left, of a body that has given up its place. */
  #kept: Uint8Array | undefined;
  #running: TaskHandle | undefined;
  /** No thread reads the memory of the part that ran last. */
  #isFreed = true;

  constructor(owner: BulkOwner, request: BulkRequest) {
    this.#owner = owner;
    this.#request = request;
    this.#seen = request.start.length;
    if (this.isWhole) this.wholeAtMs = this.sinceMs;
  }

  /** Has all of the body come? */
  get isWhole(): boolean {
    return this.#seen === this.#request.totalBytes;
  }

  /** Bytes of the body that have not come. */
  get missingBytes(): number {
    return this.#request.totalBytes - this.#seen;
  }

  /** Has it had a place before? */
  get hasBegun(): boolean {
    return this.openedAtMs > 0;
  }

  /**
   * May another read's bytes be given to `take`? The last segment is not counted on: a read that `nextTarget` sends there
   * is to have its room even if it comes after a pause.
   */
  get hasRoom(): boolean {
    if (this.#state !== 'open') return this.#state === 'over';
    return this.#spareSegments > (this.#filling ? 0 : 1);
  }

  get isYielding(): boolean {
    return this.#state === 'yielding';
  }

  /** Did little come since it got its place, `heldMs` milliseconds ago? */
  isSlow(heldMs: number): boolean {
    return this.#seen - this.#seenAtOpen < slowBytesPerMs * heldMs;
  }

  /** Called by the owner when there is a place for it. */
  begin(): void {
    this.#state = 'open';
    this.openedAtMs = performance.now();
    this.#seenAtOpen = this.#seen;
    const { memory } = this.#owner;
    this.#states = [memory.takeState(), memory.takeState()];
    const kept = this.#kept;
    if (kept !== undefined) {
      this.#states[0].bytes.set(kept);
      this.#dropKept();
    } else {
      // All zero is a body of which nothing has come; the other one is written before it is read.
      this.#states[0].bytes.fill(0);
      this.#keep(this.#request.start);
      this.#request.release();
    }
    this.#submit();
    this.onRoom();
  }

  /** Whom it is for. */
  get owner(): object {
    return this.#request.owner;
  }

  get group(): object | string {
    return this.#request.group;
  }

  /** Gives up its place, as soon as all that has come is added: others wait. False where it keeps it. */
  yieldPlace(): boolean {
    const { share } = this.#request;
    const { stateBytes } = this.#owner.memory;
    if (this.#state !== 'open' || this.isWhole || !share.take(stateBytes)) return false;
    this.#state = 'yielding';
    if (this.#isOnLoan && !this.onRetarget()) {
      this.#state = 'open';
      share.give(stateBytes);
      return false;
    }
    this.#kept = new Uint8Array(stateBytes);
    const filling = this.#filling;
    this.#filling = undefined;
    if (filling) (filling.pieces.length > 0 ? this.#full : this.#free).push(filling);
    this.#submit();
    if (this.#isFreed) this.#leavePlace();
    return true;
  }

  /**
   * A place for the next read of the body's channel, from which `take` need not copy; `undefined` where there is none, or
   * where it is not worth it.
   */
  nextTarget(): ReadTarget | undefined {
    const { memory } = this.#owner;
    if (this.#state !== 'open' || this.missingBytes < targetBytesMin) return undefined;
    if ((!this.#filling && this.#spareSegments === 0) || !memory.beginLoan()) return undefined;
    this.#filling ??= this.#takeSegment();
    this.#isOnLoan = true;
    return {
      bytes: this.#filling.rest(Math.min(readBytes, this.missingBytes)),
      release: () => this.#endLoan(),
    };
  }

  /** Takes what belongs to the body from the start of `chunk`, at most a read's bytes; answers how many that was. */
  take(chunk: Uint8Array): number {
    const part = chunk.subarray(0, this.missingBytes);
    this.#seen += part.length;
    if (this.isWhole) this.wholeAtMs = performance.now();
    if (this.#seen - this.#progress >= this.#request.progressBytes) {
      this.#progress = this.#seen;
      this.sinceMs = performance.now();
    }
    if (this.#state === 'open') {
      if (this.#filling?.isNext(part)) {
        this.#filling.grow(part.length);
        this.#closeFilled();
      } else this.#keep(part);
      this.#submit();
    }
    return part.length;
  }

  /** Ends it with an error, which `onEnd` is given at once. */
  end(how: BulkEnd, outcome: BulkOutcome): void {
    this.#leave(how, outcome);
  }

  /** Ends it without a word: nobody is there to be told. */
  abandon(how: BulkEnd): void {
    this.#leave(how, undefined);
  }

  get #spareSegments(): number {
    return segmentsPerBody - this.#segments + this.#free.length;
  }

  #keep(bytes: Uint8Array): void {
    let offset = 0;
    while (offset < bytes.length) {
      this.#filling ??= this.#takeSegment();
      offset += this.#filling.add(bytes.subarray(offset));
      this.#closeFilled();
    }
  }

  /** A segment is full where nothing more comes, or not enough fits in for another read. */
  #closeFilled(): void {
    if (!this.#filling || (!this.isWhole && this.#filling.room >= targetBytesMin)) return;
    this.#full.push(this.#filling);
    this.#filling = undefined;
  }

  #takeSegment(): Segment {
    const free = this.#free.pop();
    if (free) return free;
    this.#segments++;
    return this.#owner.memory.takeSegment();
  }

  /** Gives the next part to a worker, if none has one and there is one to give. */
  #submit(): void {
    if (this.#running || (this.#state !== 'open' && this.#state !== 'yielding')) return;
    const segments = this.#full.splice(0, segmentsPerPart);
    if (segments.length === 0) return;
    const isLast = this.isWhole && this.#full.length === 0;
    const [from, to] = this.#states!;
    const pieces = segments.flatMap((segment) => segment.pieces);
    const payload = { pieces, from: from.offset, to: to.offset, isLast };
    const { label, owner } = this.#request;
    this.#isFreed = false;
    try {
      this.#running = this.#owner.pool.submit(
        { kind: 'part', op: 'sum', label, owner, payload },
        (outcome) => this.#took(outcome),
        () => this.#freed(segments),
      );
    } catch (error) {
      this.#isFreed = true;
      for (const segment of segments) segment.clear();
      this.#free.push(...segments);
      // Nothing follows a part that is lost.
      this.#running = noTask;
      this.#owner.failed(error);
      // As the pool answers what it cannot take: whoever called may not be ready to be told.
      queueMicrotask(() => this.#took(lostPart));
    }
  }

  #took(outcome: Outcome): void {
    this.#running = undefined;
    if (this.#state === 'over') return;
    if (outcome.kind === 'more') {
      const [from, to] = this.#states!;
      this.#states = [to, from];
      return;
    }
    if (outcome.kind === 'frame' || outcome.kind === 'error') {
      this.end(outcome.kind === 'frame' ? 'answered' : 'failed', outcome);
    }
  }

  /** Nobody reads the segments any more: they are used again. */
  #freed(segments: readonly Segment[]): void {
    this.#isFreed = true;
    for (const segment of segments) segment.clear();
    this.#free.push(...segments);
    if (this.#state === 'over') {
      this.#giveBack();
      return;
    }
    this.#submit();
    if (this.#state === 'yielding' && this.#isFreed) this.#leavePlace();
    else this.onRoom();
  }

  /** Keeps what the parts have left, and waits for its next turn. */
  #leavePlace(): void {
    this.#kept!.set(this.#states![0].bytes);
    this.#state = 'waiting';
    this.#returnMemory();
    this.#owner.gaveUpPlace(this);
  }

  #dropKept(): void {
    if (this.#kept === undefined) return;
    this.#request.share.give(this.#kept.length);
    this.#kept = undefined;
  }

  #leave(how: BulkEnd, outcome: BulkOutcome | undefined): void {
    if (this.#state === 'over') return;
    const wasWaiting = this.#state === 'waiting';
    this.#state = 'over';
    this.#owner.ended[how]++;
    this.#dropKept();
    if (wasWaiting) {
      this.#owner.leftQueue(this);
      if (!this.hasBegun) this.#request.release();
    } else if (this.#isFreed) this.#giveBack();
    // `#freed` gives back, at once where no thread has the part.
    else this.#running?.end('CANCELLED', 'the body that the part belongs to is over');
    this.#request.onEnd(outcome);
    this.onRoom();
  }

  #giveBack(): void {
    this.#returnMemory();
    this.#owner.leftPlace(this);
  }

  #returnMemory(): void {
    const { memory } = this.#owner;
    for (const segment of [...this.#free, ...this.#full]) memory.putBackSegment(segment);
    this.#free.length = 0;
    this.#full.length = 0;
    this.#segments = 0;
    if (!this.#isOnLoan) this.#giveBackFilling();
    for (const state of this.#states ?? []) memory.putBackState(state);
    this.#states = undefined;
  }

  #giveBackFilling(): void {
    if (this.#filling) this.#owner.memory.putBackSegment(this.#filling);
    this.#filling = undefined;
  }

  #endLoan(): void {
    this.#isOnLoan = false;
    this.#owner.memory.endLoan();
    // The rest went back when the body was over, if it is.
    if (this.#states === undefined) this.#giveBackFilling();
  }
}
