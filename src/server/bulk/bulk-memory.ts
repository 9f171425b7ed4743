import { Segment, segmentBytes } from './segment.js';

/** A state, as long as a body has it. */
export interface StatePlace {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

export interface BulkMemorySize {
  readonly states: number;
  readonly stateBytes: number;
  /** That bodies hold at once; those that are on loan may be more for a while. */
  readonly segments: number;
  readonly loansMax: number;
}

function roundedStateBytes({ stateBytes }: BulkMemorySize): number {
  return Math.ceil(stateBytes / 64) * 64;
}

/**
 * All the memory that bodies in parts have, as one piece that every thread was given at its start: parts are then told by
 * offsets. A message with views of shared memory costs some ten times as much as one with numbers.
 *
 * Segments and states are used again and again, those last that nobody has needed yet: the system gives pages only to
 * those that were.
 *
 *     │ state 0 │ state 1 │ … │ segment 0 │ segment 1 │ … │
 *
 * Where there are several I/O threads, each has a place of its own in one such piece.
 */
export class BulkMemory {
  readonly buffer: SharedArrayBuffer;
  /** Bytes of a state. */
  readonly stateBytes: number;
  readonly #statesOffset: number;
  readonly #segmentsOffset: number;
  readonly #freeStates: StatePlace[] = [];
  readonly #freeSegments: Segment[] = [];
  readonly #loansMax: number;
  #loans = 0;
  #statesMade = 0;
  #segmentsMade = 0;

  /** @param index of its place in a piece of several, of `bytesOf` each */
  constructor(size: BulkMemorySize, piece: SharedArrayBuffer, index: number) {
    this.stateBytes = roundedStateBytes(size);
    this.#loansMax = size.loansMax;
    this.buffer = piece;
    this.#statesOffset = index * BulkMemory.bytesOf(size);
    this.#segmentsOffset = this.#statesOffset + size.states * this.stateBytes;
  }

  static bytesOf(size: BulkMemorySize): number {
    return size.states * roundedStateBytes(size) + (size.segments + size.loansMax) * segmentBytes;
  }

  /** Bytes that were ever used. */
  get usedBytes(): number {
    return this.#statesMade * this.stateBytes + this.#segmentsMade * segmentBytes;
  }

  /** Segments that the next read of some socket goes to. */
  get loans(): number {
    return this.#loans;
  }

  /** In it is whatever was there last. */
  takeState(): StatePlace {
    const free = this.#freeStates.pop();
    if (free) return free;
    const offset = this.#statesOffset + this.stateBytes * this.#statesMade++;
    return { offset, bytes: new Uint8Array(this.buffer, offset, this.stateBytes) };
  }

  /** Takes back a state that no thread reads. */
  putBackState(state: StatePlace): void {
    this.#freeStates.push(state);
  }

  /** An empty one. */
  takeSegment(): Segment {
    const free = this.#freeSegments.pop();
    if (free) return free;
    const offset = this.#segmentsOffset + segmentBytes * this.#segmentsMade++;
    return new Segment(new Uint8Array(this.buffer, offset, segmentBytes));
  }

  /**
   * May a socket read into a segment? Then that stays with the socket until its next read, whatever becomes of the body
   * meanwhile, and `endLoan` is to be called. False where too many are on loan already.
   */
  beginLoan(): boolean {
    if (this.#loans === this.#loansMax) return false;
    this.#loans++;
    return true;
  }

  endLoan(): void {
    this.#loans--;
  }

  /** Takes back a segment that no thread reads. */
  putBackSegment(segment: Segment): void {
    segment.clear();
    this.#freeSegments.push(segment);
  }
}
