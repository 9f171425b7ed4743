/**
 * Two buffers, which all connections of a thread use in turns: for replies on their way to the kernel, which
 * nearly always takes them on the spot. Only for a peer that does not keep up the buffer stays with its connection, and
 * the stage gets another one.
 *
 * Invariant: the stage has bytes of one connection at most, which are gone when its batch ends.
 */
import { MappedBuffers } from './mapped-buffers.js';
import type { ReplyWriter } from './reply-writer.js';

/** Most batches fit in here, so that little memory stays with a peer that does not read. */
const smallBytes = 4 * 1024;
const largeBytes = 64 * 1024;
const partBytes = 64 * 1024;
/** A mebibyte for a peer that is a little late, again and again. */
const idlePartsMax = 16;

export class ReplyStage {
  /** Where replies wait that the stage has no room for. */
  readonly parts = new MappedBuffers(partBytes, idlePartsMax);
  #small: Uint8Array = Buffer.allocUnsafeSlow(smallBytes);
  #large: Uint8Array = Buffer.allocUnsafeSlow(largeBytes);
  #bytes = this.#small;
  #used = 0;
  #owner: ReplyWriter | undefined;

  isFreeFor(writer: ReplyWriter): boolean {
    return this.#owner === undefined || this.#owner === writer;
  }

  /** Copies as much as fits of the start of `bytes`; answers how much that was. The stage must be free for `writer`. */
  add(writer: ReplyWriter, bytes: Uint8Array): number {
    this.#owner = writer;
    if (this.#bytes === this.#small && this.#used + bytes.length > smallBytes) {
      this.#large.set(this.#small.subarray(0, this.#used));
      this.#bytes = this.#large;
    }
    const room = this.#bytes.length - this.#used;
    const copied = bytes.length <= room ? bytes : bytes.subarray(0, room);
    this.#bytes.set(copied, this.#used);
    this.#used += copied.length;
    return copied.length;
  }

  /** What is there for `writer`; `undefined` for nothing. */
  of(writer: ReplyWriter): Uint8Array | undefined {
    return this.#owner === writer ? this.#bytes.subarray(0, this.#used) : undefined;
  }

  /** What is there for `writer` is sent, or not wanted. */
  drop(writer: ReplyWriter): void {
    if (this.#owner !== writer) return;
    this.#owner = undefined;
    this.#used = 0;
    this.#bytes = this.#small;
  }

  /** Leaves the buffer to `writer` for good. */
  handOver(writer: ReplyWriter): Uint8Array {
    const bytes = this.#bytes;
    if (bytes === this.#small) this.#small = Buffer.allocUnsafeSlow(smallBytes);
    else this.#large = Buffer.allocUnsafeSlow(largeBytes);
    this.drop(writer);
    return bytes;
  }
}
