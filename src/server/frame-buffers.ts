import { frameHeaderBytes, inlineBytesMax } from '../protocol/limits.js';

/** Buffers for small frames that are made at the most: two mebibytes in all. */
const smallBuffersMax = 32;

/**
 * Buffers for frames that did not come in one read, used again and again.
 *
 * Small ones: under load nearly every read ends in a cut frame, and a buffer for each would be garbage at once. Large
 * ones are shared memory, which V8 does not count: dropped, they would stay until a collection that nothing asks for.
 * Their sizes are powers of two, so that few fit all.
 */
export class FrameBuffers {
  /** Holds any frame of the inline lane, header included. */
  static readonly smallBytes = frameHeaderBytes + inlineBytesMax;

  readonly #keptBytesMax: number;
  #keptBytes = 0;
  #smallMade = 0;
  readonly #small: Uint8Array[] = [];
  readonly #large = new Map<number, Uint8Array[]>();

  /** @param keptBytesMax bytes of large buffers that are kept for the next frame */
  constructor(keptBytesMax: number) {
    this.#keptBytesMax = keptBytesMax;
  }

  /** The size of the large buffer that holds `bytes`. */
  static largeBytes(bytes: number): number {
    return Math.max(2 * inlineBytesMax, 2 ** Math.ceil(Math.log2(bytes)));
  }

  /** A buffer of `smallBytes`, or `undefined` where all are in use: whoever asks makes its own then. */
  takeSmall(): Uint8Array | undefined {
    const buffer = this.#small.pop();
    if (buffer || this.#smallMade === smallBuffersMax) return buffer;
    this.#smallMade++;
    return new Uint8Array(FrameBuffers.smallBytes);
  }

  putBackSmall(buffer: Uint8Array): void {
    if (this.#small.length < smallBuffersMax) this.#small.push(buffer);
  }

  /** Shared memory of a size that `largeBytes` gave. */
  takeLarge(bytes: number): Uint8Array {
    const kept = this.#large.get(bytes)?.pop();
    if (!kept) return new Uint8Array(new SharedArrayBuffer(bytes));
    this.#keptBytes -= bytes;
    return kept;
  }

  /** Takes back a large buffer that nobody reads any more, no other thread either. */
  putBackLarge(buffer: Uint8Array): void {
    if (this.#keptBytes + buffer.length > this.#keptBytesMax) return;
    this.#keptBytes += buffer.length;
    const shelf = this.#large.get(buffer.length);
    if (shelf) shelf.push(buffer);
    else this.#large.set(buffer.length, [buffer]);
  }
}
