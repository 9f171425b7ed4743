/**
 * Frames, without I/O: a big-endian uint32 length and then as many bytes of body.
 *
 * {@link FrameReader} takes the bytes of a stream, cut anywhere, and gives whole bodies. It keeps at most one
 * unfinished body, in at most twice the memory of what has come of it, whatever length the peer announced.
 * Each byte is looked at once and copied a bounded number of times, so the time is linear even when every byte comes
 * by itself. It does not look at what a body means.
 */

import { frameBytesRepresentable, frameHeaderBytes } from './limits.js';

/** The first block for a body that did not come in one piece. */
const firstBlockBytes = 4096;

/**
 * Returns a length that a frame can announce.
 * @throws RangeError for a longer one.
 */
export function checkBodyBytes(bodyBytes: number): number {
  if (bodyBytes <= frameBytesRepresentable) return bodyBytes;
  throw new RangeError(`A body of ${bodyBytes} bytes does not fit a frame: at most ${frameBytesRepresentable}.`);
}

/** Writes the length of a body where its frame begins. `bodyBytes` must be 0 to 4 GiB − 1. */
export function writeFrameHeader(target: Uint8Array, bodyBytes: number): void {
  target[0] = bodyBytes >>> 24;
  target[1] = bodyBytes >>> 16;
  target[2] = bodyBytes >>> 8;
  target[3] = bodyBytes;
}

/** The length of the body whose frame begins here. */
export function readFrameHeader(frame: Uint8Array): number {
  // Not a shift alone: the length may need all 32 bits.
  return ((frame[0]! << 24) | (frame[1]! << 16) | (frame[2]! << 8) | frame[3]!) >>> 0;
}

/**
 * Puts the length before a body.
 * @throws RangeError for a body that the length cannot announce.
 */
export function encodeFrame(body: Uint8Array): Uint8Array {
  const frame = new Uint8Array(frameHeaderBytes + checkBodyBytes(body.length));
  writeFrameHeader(frame, body.length);
  frame.set(body, frameHeaderBytes);
  return frame;
}

export class FrameReader {
  /** A longer body is refused as soon as its length has come. */
  readonly bodyBytesMax: number;
  /** The length that was refused, in bytes. Once it is set, nobody knows where the next frame begins, and `push` takes no more. */
  refusedBytes: number | undefined;

  #headerBytes = 0;
  #bodyBytes = 0;
  /** What has come of the body so far is at the beginning of this block. */
  #block: Uint8Array | undefined;
  #blockUsed = 0;

  constructor(bodyBytesMax: number = frameBytesRepresentable) {
    this.bodyBytesMax = bodyBytesMax;
  }

  /** False where the stream may end here without loss. */
  get midFrame(): boolean {
    return this.#headerBytes > 0;
  }

  /**
   * Takes the next bytes of the stream and returns the bodies that they complete, in order. An empty list means that
   * more bytes are needed, or that a length was refused: see {@link refusedBytes}. A body may be a view of `chunk`,
   * so the caller must not write to `chunk` again.
   */
  push(chunk: Uint8Array): Uint8Array[] {
    const bodies: Uint8Array[] = [];
    let at = 0;
    while (this.refusedBytes === undefined) {
      while (this.#headerBytes < frameHeaderBytes && at < chunk.length) {
        this.#bodyBytes = this.#bodyBytes * 256 + chunk[at++]!;
        this.#headerBytes++;
      }
      if (this.#headerBytes < frameHeaderBytes) break;
      if (this.#bodyBytes > this.bodyBytesMax) {
        this.refusedBytes = this.#bodyBytes;
        break;
      }
      const wanted = this.#bodyBytes - this.#blockUsed;
      if (chunk.length - at < wanted) {
        this.#keep(chunk.subarray(at));
        break;
      }
      const rest = chunk.subarray(at, at + wanted);
      at += wanted;
      bodies.push(this.#finish(rest));
    }
    return bodies;
  }

  #finish(rest: Uint8Array): Uint8Array {
    let body = rest;
    if (this.#block !== undefined) {
      this.#keep(rest);
      body = this.#block.subarray(0, this.#bodyBytes);
    }
    this.#headerBytes = 0;
    this.#bodyBytes = 0;
    this.#block = undefined;
    this.#blockUsed = 0;
    return body;
  }

  #keep(part: Uint8Array): void {
    if (part.length === 0) return;
    const used = this.#blockUsed + part.length;
    if (this.#block === undefined || this.#block.length < used) {
      const grown = new Uint8Array(Math.min(this.#bodyBytes, Math.max(firstBlockBytes, 2 * used)));
      if (this.#block !== undefined) grown.set(this.#block.subarray(0, this.#blockUsed));
      this.#block = grown;
    }
    this.#block.set(part, this.#blockUsed);
    this.#blockUsed = used;
  }
}
