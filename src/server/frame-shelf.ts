import { frameHeaderBytes, inlineBytesMax } from '../protocol/limits.js';

/** Buffers that the shelf makes at the most: two mebibytes in all. */
const buffersMax = 32;

/**
 * A few buffers for small frames that a read has cut, used again and again: under load nearly every read ends in such a
 * frame, and a buffer for each would be garbage at once. Whoever finds the shelf empty makes its own.
 */
export class FrameShelf {
  static readonly bufferBytes = frameHeaderBytes + inlineBytesMax;

  readonly #free: Uint8Array[] = [];
  #made = 0;

  /** A buffer that holds any frame of the inline lane, or `undefined` where all are in use. */
  take(): Uint8Array | undefined {
    const buffer = this.#free.pop();
    if (buffer || this.#made === buffersMax) return buffer;
    this.#made++;
    return new Uint8Array(FrameShelf.bufferBytes);
  }

  /** Takes back what `take` gave. */
  putBack(buffer: Uint8Array): void {
    this.#free.push(buffer);
  }
}
