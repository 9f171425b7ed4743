/**
 * Gathers one frame that did not come in one piece, or that is too large for the I/O thread.
 *
 * Invariants: memory follows what has come, never what the header promises: twice as much at the most, four times where
 * a buffer is there already;
 * each byte is copied a bounded number of times, however the frame is cut; what it holds is taken from the server's
 * budget and given back by `release`.
 *
 *     small:  │ header │ body so far │ room │      its own memory
 *     large:  │ body so far          │ room │      shared memory, which a worker reads without another copy
 *
 * Where the budget is empty the rest of the frame is let go; what had come still tells whom to answer.
 */
import { frameHeaderBytes, inlineBytesMax } from '../protocol/limits.js';
import type { ByteBudget } from './byte-budget.js';
import { FrameBuffers } from './frame-buffers.js';

const firstSmallBytes = 512;
const firstLargeBytes = 128 * 1024;

const noBytes = new Uint8Array(0);

export class FrameCollector {
  /** When its first byte came, as `performance.now()` gives it: a frame must be whole within a time. */
  sinceMs: number;
  readonly #budget: ByteBudget;
  readonly #buffers: FrameBuffers;
  #headerSeen = 0;
  #bodyBytes = 0;
  #bodySeen = 0;
  #bytes: Uint8Array = noBytes;
  #have = 0;
  #isIncomplete = false;

  constructor(budget: ByteBudget, buffers: FrameBuffers, sinceMs: number) {
    this.#budget = budget;
    this.#buffers = buffers;
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
    return this.#isIncomplete;
  }

  get isLarge(): boolean {
    return this.bodyBytes > inlineBytesMax;
  }

  /** Of a large frame: are the first bytes there by which it is known what it is for? */
  get hasStart(): boolean {
    return this.#bodySeen >= inlineBytesMax;
  }

  /** Does the body begin with something else than a JSON object? Then no byte behind it can make it a request. */
  get isHopeless(): boolean {
    const { body } = this;
    const first = body.find((byte) => byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09);
    return first !== undefined && first !== 0x7b;
  }

  /** Bytes of the body that have not come. */
  get missingBytes(): number {
    return this.#bodyBytes - this.#bodySeen;
  }

  /** A small frame as far as it is held, header included. */
  get frame(): Uint8Array {
    return this.#bytes.subarray(0, this.#have);
  }

  /** The body as far as it is held. */
  get body(): Uint8Array {
    return this.#bytes.subarray(this.isLarge ? 0 : frameHeaderBytes, this.#have);
  }

  /** Takes what belongs to the frame from `chunk`'s start; answers how many bytes that was. */
  take(chunk: Uint8Array): number {
    const taken = this.#takeHeader(chunk);
    return taken + this.#takeBody(chunk.subarray(taken, taken + this.missingBytes));
  }

  /** The same, but of a large frame no more than the start: what becomes of the rest depends on it. */
  takeStart(chunk: Uint8Array): number {
    const taken = this.#takeHeader(chunk);
    const start = Math.min(this.#bodyBytes, inlineBytesMax);
    return taken + this.#takeBody(chunk.subarray(taken, taken + start - this.#bodySeen));
  }

  #takeHeader(chunk: Uint8Array): number {
    let taken = 0;
    while (this.#headerSeen < frameHeaderBytes) {
      if (taken === chunk.length) return taken;
      // Not a shift: the length may need all 32 bits.
      this.#bodyBytes = this.#bodyBytes * 256 + chunk[taken++]!;
      if (++this.#headerSeen === frameHeaderBytes && !this.isLarge) this.#keep(headerOf(this.#bodyBytes));
    }
    return taken;
  }

  #takeBody(part: Uint8Array): number {
    this.#keep(part);
    this.#bodySeen += part.length;
    return part.length;
  }

  /** Lets go of the bytes, which nobody may read any more, and gives them back to the budget. */
  release(): void {
    const bytes = this.#bytes;
    this.#budget.give(bytes.length);
    this.#bytes = noBytes;
    this.#have = 0;
    if (bytes.length === FrameBuffers.smallBytes) this.#buffers.putBackSmall(bytes);
    else if (this.isLarge && bytes.length > 0) this.#buffers.putBackLarge(bytes);
  }

  #keep(part: Uint8Array): void {
    if (part.length === 0 || this.#isIncomplete) return;
    if (!this.#makeRoom(this.#have + part.length)) {
      this.#isIncomplete = true;
      return;
    }
    this.#bytes.set(part, this.#have);
    this.#have += part.length;
  }

  #makeRoom(wanted: number): boolean {
    const before = this.#bytes;
    if (wanted <= before.length) return true;
    const larger = this.isLarge ? this.#takeLarge(wanted) : this.#takeSmall(wanted);
    if (!larger) return false;
    larger.set(before.subarray(0, this.#have));
    this.#bytes = larger;
    if (this.isLarge && before.length > 0) this.#buffers.putBackLarge(before);
    return true;
  }

  /** Powers of two up to the body's own size, or whatever buffer is there: the budget counts what it really is. */
  #takeLarge(wanted: number): Uint8Array | undefined {
    const ample = Math.max(firstLargeBytes, 2 ** Math.ceil(Math.log2(wanted)));
    const larger = this.#buffers.takeLarge(wanted, Math.min(ample, this.#bodyBytes));
    if (this.#budget.take(larger.length - this.#bytes.length)) return larger;
    this.#buffers.putBackLarge(larger);
    return undefined;
  }

  #takeSmall(wanted: number): Uint8Array | undefined {
    const growth = FrameBuffers.smallBytes - this.#bytes.length;
    if (this.#budget.take(growth)) {
      const buffer = this.#buffers.takeSmall();
      if (buffer) return buffer;
      this.#budget.give(growth);
    }
    const ample = Math.min(frameHeaderBytes + this.#bodyBytes, Math.max(firstSmallBytes, 2 * this.#bytes.length));
    const bytes = Math.max(wanted, ample);
    return this.#budget.take(bytes - this.#bytes.length) ? new Uint8Array(bytes) : undefined;
  }
}

function headerOf(bodyBytes: number): Uint8Array {
  const header = new Uint8Array(frameHeaderBytes);
  new DataView(header.buffer).setUint32(0, bodyBytes);
  return header;
}
