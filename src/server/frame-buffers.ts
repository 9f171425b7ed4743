import { frameHeaderBytes, inlineBytesMax } from '../protocol/limits.js';

/** Buffers for small frames that are made at the most: two mebibytes in all. */
const smallBuffersMax = 32;

/**
 * Buffers for frames that did not come in one read, used again and again.
 *
 * Small ones: under load nearly every read ends in a cut frame, and a buffer for each would be garbage at once. Large
 * ones are shared memory, which V8 does not count: dropped, they would stay until a collection that nothing asks for.
 * So they are kept, as many as were ever needed at once, up to a bound.
 */
export class FrameBuffers {
  /** Holds any frame of the inline lane, header included. */
  static readonly smallBytes = frameHeaderBytes + inlineBytesMax;

  readonly #keptBytesMax: number;
  #keptBytes = 0;
  #smallMade = 0;
  readonly #small: Uint8Array[] = [];
  /** By size, the smallest first. */
  readonly #large: Uint8Array[] = [];

  /** @param keptBytesMax bytes of large buffers that are kept for the next frame */
  constructor(keptBytesMax: number) {
    this.#keptBytesMax = keptBytesMax;
  }

  /** Bytes of large buffers that nobody uses. */
  get keptBytes(): number {
    return this.#keptBytes;
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

  /** Shared memory of `bytes`, up to four times as much or `bytesToMake`, which one has that is not there yet. */
  takeLarge(bytes: number, bytesToMake: number): Uint8Array {
    const at = this.#large.findIndex((buffer) => buffer.length >= bytes);
    const bytesMax = Math.max(4 * bytes, bytesToMake);
    if (at < 0 || this.#large[at]!.length > bytesMax) return new Uint8Array(new SharedArrayBuffer(bytesToMake));
    const [kept] = this.#large.splice(at, 1);
    this.#keptBytes -= kept!.length;
    return kept!;
  }

  /** Takes back a large buffer that nobody reads any more, no other thread either. */
  putBackLarge(buffer: Uint8Array): void {
    if (this.#keptBytes + buffer.length > this.#keptBytesMax) return;
    this.#keptBytes += buffer.length;
    const at = this.#large.findIndex((other) => other.length >= buffer.length);
    this.#large.splice(at < 0 ? this.#large.length : at, 0, buffer);
  }
}
