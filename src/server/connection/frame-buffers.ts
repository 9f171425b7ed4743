import { frameHeaderBytes, inlineBytesMax } from '../../protocol/limits.js';
import type { ByteBudget } from '../byte-budget.js';
import { LargeBuffers, unlessOutOfMemory } from './large-buffers.js';
import { MappedBuffers } from './mapped-buffers.js';

/** Small buffers that are made at the most: two mebibytes in all. */
const smallBuffersMax = 32;

/** Buffers for what was read and has to wait that are kept: four mebibytes in all. */
const backlogBuffersMax = 16;
const backlogBytes = 256 * 1024;

/**
 * Buffers for frames that did not come in one read, used again and again.
 *
 * Small ones: under load nearly every read ends in a cut frame, and a buffer for each would be garbage at once.
 *
 * Backlogs: what was read and has to wait.
 *
 * Large ones: bodies that are held as they come; see `LargeBuffers`.
 */
export class FrameBuffers {
  /** Bytes before the frame, so that its body is aligned to 8. */
  static readonly smallGapBytes = 8 - frameHeaderBytes;
  /** Holds any frame of the inline lane, header included. */
  static readonly smallBytes = FrameBuffers.smallGapBytes + frameHeaderBytes + inlineBytesMax;

  /** Bytes before a body that this thread answers: room for the header, the longest `id` and the rest before a result. */
  static readonly headRoomBytes = 320;

  /** Of the longest body that is held. */
  readonly bodyBytesMax: number;
  readonly large: LargeBuffers;
  #smallMade = 0;
  readonly #small: Uint8Array[] = [];
  readonly #backlogs = new MappedBuffers(backlogBytes, backlogBuffersMax);

  /** @param budget counts what is charged */
  constructor(budget: ByteBudget, bodyBytesMax: number) {
    this.bodyBytesMax = bodyBytesMax;
    this.large = new LargeBuffers(budget, FrameBuffers.headRoomBytes + bodyBytesMax);
  }

  /** A buffer of `smallBytes`, or `undefined` where all are in use: whoever asks makes its own then. */
  takeSmall(): Uint8Array | undefined {
    const buffer = this.#small.pop();
    if (buffer || this.#smallMade === smallBuffersMax) return buffer;
    const made = allocate(FrameBuffers.smallBytes);
    if (made) this.#smallMade++;
    return made;
  }

  putBackSmall(buffer: Uint8Array): void {
    if (this.#small.length < smallBuffersMax) this.#small.push(buffer);
  }

  /** A copy of what was read and has to wait. Where it is long, the memory is one that was used before, if there is one. */
  takeBacklog(bytes: Uint8Array): Uint8Array {
    // Every new buffer of that size counts in V8 as much as a collection is worth.
    const isShort = bytes.length < backlogBytes / 4 || bytes.length > backlogBytes;
    if (isShort) return new Uint8Array(bytes);
    const kept = this.#backlogs.take();
    kept.set(bytes);
    return kept.subarray(0, bytes.length);
  }

  putBackBacklog(bytes: Uint8Array): void {
    this.#backlogs.putBack(bytes);
  }
}

/** Memory of its own; `undefined` where the system has none. */
export function allocate(bytes: number): Uint8Array | undefined {
  return unlessOutOfMemory(() => new Uint8Array(bytes));
}
