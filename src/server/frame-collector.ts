/**
 * Gathers one frame that did not come in one piece, or that is too large for the I/O thread.
 *
 * Invariants: memory follows what has come, never what the header promises, but for the shelf's buffers; each byte is copied a bounded number of
 * times, however the frame is cut; what it holds is taken from the server's budget and given back by `release`.
 *
 *     │ header │ body so far            │ room (at most as much again) │
 *     0        4                        have                     capacity          need
 *
 * A large body stands in shared memory, so that a worker reads it without another copy. Where the budget is empty
 * the rest of the frame is let go; what had come still tells whom to answer.
 */
import { frameHeaderBytes, inlineBytesMax } from '../protocol/limits.js';
import type { ByteBudget } from './byte-budget.js';
import { FrameShelf } from './frame-shelf.js';

const firstCapacity = 512;

export class FrameCollector {
  /** When its first byte came, as `performance.now()` gives it: a frame must be whole within a time. */
  readonly sinceMs: number;
  readonly #budget: ByteBudget;
  readonly #shelf: FrameShelf;
  #isShelved = false;
  #headerSeen = 0;
  #bodyBytes = 0;
  #bodySeen = 0;
  /** The frame, header included, as far as it is held. */
  #bytes: Uint8Array = new Uint8Array(0);
  #have = 0;

  constructor(budget: ByteBudget, shelf: FrameShelf, sinceMs: number) {
    this.#budget = budget;
    this.#shelf = shelf;
    this.sinceMs = sinceMs;
  }

  /** Bytes of the body as its header says, or -1 as long as the header is not whole. */
  get bodyBytes(): number {
    return this.#headerSeen < frameHeaderBytes ? -1 : this.#bodyBytes;
  }

  get isWhole(): boolean {
    return this.bodyBytes === this.#bodySeen;
  }

  /** Was a part of the frame let go because the budget was empty? */
  get isIncomplete(): boolean {
    return this.#have < this.#headerSeen + this.#bodySeen;
  }

  get isLarge(): boolean {
    return this.bodyBytes > inlineBytesMax;
  }

  /** The frame as far as it is held, header included. */
  get frame(): Uint8Array {
    return this.#bytes.subarray(0, this.#have);
  }

  /** The body as far as it is held. */
  get body(): Uint8Array {
    return this.#bytes.subarray(frameHeaderBytes, this.#have);
  }

  /** Takes what belongs to the frame from `chunk`'s start; answers how many bytes that was. */
  take(chunk: Uint8Array): number {
    let taken = 0;
    while (this.#headerSeen < frameHeaderBytes) {
      if (taken === chunk.length) return taken;
      // Not a shift: the length may need all 32 bits.
      this.#bodyBytes = this.#bodyBytes * 256 + chunk[taken++]!;
      if (++this.#headerSeen === frameHeaderBytes) this.#keepHeader();
    }
    const part = chunk.subarray(taken, taken + this.#bodyBytes - this.#bodySeen);
    if (!this.isIncomplete && this.#makeRoom(part.length)) {
      this.#bytes.set(part, this.#have);
      this.#have += part.length;
    }
    this.#bodySeen += part.length;
    return taken + part.length;
  }

  /** Bytes taken from the budget. */
  get heldBytes(): number {
    return this.#bytes.length;
  }

  /** Lets go of the bytes, and gives them back to the budget. */
  release(): void {
    this.#budget.give(this.#bytes.length);
    if (this.#isShelved) this.#shelf.putBack(this.#bytes);
    this.#isShelved = false;
    this.#bytes = new Uint8Array(0);
    this.#have = 0;
  }

  #keepHeader(): void {
    if (!this.#makeRoom(frameHeaderBytes)) return;
    new DataView(this.#bytes.buffer).setUint32(0, this.#bodyBytes);
    this.#have = frameHeaderBytes;
  }

  #makeRoom(partBytes: number): boolean {
    const wanted = this.#have + partBytes;
    if (wanted <= this.#bytes.length) return true;
    const larger = (!this.isLarge && this.#takeFromShelf()) || this.#grow(wanted);
    if (!larger) return false;
    larger.set(this.frame);
    this.#bytes = larger;
    return true;
  }

  #takeFromShelf(): Uint8Array | undefined {
    const growth = FrameShelf.bufferBytes - this.#bytes.length;
    if (!this.#budget.take(growth)) return undefined;
    const buffer = this.#shelf.take();
    if (buffer) this.#isShelved = true;
    else this.#budget.give(growth);
    return buffer;
  }

  #grow(wanted: number): Uint8Array | undefined {
    const ample = Math.min(frameHeaderBytes + this.#bodyBytes, Math.max(firstCapacity, 2 * this.#bytes.length));
    const capacity = Math.max(wanted, ample);
    if (!this.#budget.take(capacity - this.#bytes.length)) return undefined;
    return new Uint8Array(this.isLarge ? new SharedArrayBuffer(capacity) : new ArrayBuffer(capacity));
  }
}
