/**
 * Gathers a frame that did not come in one piece: a small one whole, of a large one the start by which it is known what
 * it is for.
 *
 * Invariants: memory follows what has come, never what the header promises: of a small frame twice as much at the most, or
 * one of the few buffers that are there already. Each byte is copied a bounded number of times, however the frame is cut.
 * What is held is in the owner's share of the budget, and `release` gives it back.
 *
 *     │ gap │ header │ body so far, 64 KiB at the most │ room │
 *
 * The body is aligned to 8, so that it can be copied to shared memory quickly. Where the budget has nothing left, the rest
 * is let go; the first bytes still tell whom to answer.
 */
import { readFrameHeader, writeFrameHeader } from '../../protocol/frame.js';
import { frameHeaderBytes, inlineBytesMax } from '../../protocol/limits.js';
import type { BudgetShare } from '../byte-budget.js';
import { allocate, FrameBuffers } from './frame-buffers.js';

const firstBytes = 512;
/** So much is kept where there is no room for more: the request's id is there, unless it comes late. */
const leastBytes = 2048;
const noBytes = new Uint8Array(0);
const { smallGapBytes } = FrameBuffers;
const bodyOffset = smallGapBytes + frameHeaderBytes;

export class FrameCollector {
  readonly #share: BudgetShare;
  readonly #buffers: FrameBuffers;
  #headerSeen = 0;
  #bodyBytes = 0;
  #bodySeen = 0;
  #bytes: Uint8Array = noBytes;
  /** Bytes of `#bytes` that are used, the gap included. */
  #have = smallGapBytes;
  #isIncomplete = false;
  /** The start of a large frame that came in one piece: bytes that are somebody else's. */
  #lent: Uint8Array | undefined;
  /** The first byte of the body that is no white space, once it has come: no byte is looked at twice. */
  #firstToken: number | undefined;

  constructor(share: BudgetShare, buffers: FrameBuffers) {
    this.#share = share;
    this.#buffers = buffers;
  }

  /** Bytes of the body as its header says, or -1 as long as the header is not whole. */
  get bodyBytes(): number {
    return this.#headerSeen < frameHeaderBytes ? -1 : this.#bodyBytes;
  }

  get isLarge(): boolean {
    return this.bodyBytes > inlineBytesMax;
  }

  /** Is all there that is gathered here: a small frame, or the start of a large one? */
  get isDone(): boolean {
    return this.#headerSeen === frameHeaderBytes && this.#bodySeen === Math.min(this.#bodyBytes, inlineBytesMax);
  }

  /** Was a part let go because the budget was empty? */
  get isIncomplete(): boolean {
    return this.#isIncomplete;
  }

  /** Does the body begin with something else than a JSON object? Then no byte after it can make it a request. */
  get isHopeless(): boolean {
    return this.#firstToken !== undefined && this.#firstToken !== 0x7b;
  }

  /** Bytes of the body that have not come. */
  get missingBytes(): number {
    return this.#bodyBytes - this.#bodySeen;
  }

  /** A small frame as far as it is held, header included. */
  get frame(): Uint8Array {
    return this.#bytes.subarray(smallGapBytes, this.#have);
  }

  /** The body as far as it is held. */
  get body(): Uint8Array {
    return this.#lent ?? this.#bytes.subarray(bodyOffset, this.#have);
  }

  /**
   * Takes what is gathered here from the start of `chunk`; answers how many bytes that was. The start of a large frame that is
   * there as a whole is not copied: it is good until the chunk is overwritten, or `own` is called.
   */
  take(chunk: Uint8Array): number {
    if (this.#headerSeen === 0 && this.#lend(chunk)) return frameHeaderBytes + inlineBytesMax;
    const taken = this.#takeHeader(chunk);
    if (this.#headerSeen < frameHeaderBytes) return taken;
    const wanted = Math.min(this.#bodyBytes, inlineBytesMax) - this.#bodySeen;
    const part = chunk.subarray(taken, taken + wanted);
    this.#firstToken ??= part.find(isNoSpace);
    this.#keep(part);
    this.#bodySeen += part.length;
    return taken + part.length;
  }

  /** Makes sure that the bytes are the collector's own; false where the budget has no room for them. */
  own(): boolean {
    const lent = this.#lent;
    this.#lent = undefined;
    if (lent !== undefined) {
      this.#keep(headerOf(this.#bodyBytes));
      this.#keep(lent);
    }
    return !this.#isIncomplete;
  }

  /** Lets go of the bytes, which nobody may read any more, and gives them back to the budget. */
  release(): void {
    const bytes = this.#bytes;
    this.#share.give(bytes.length);
    this.#bytes = noBytes;
    this.#have = smallGapBytes;
    this.#lent = undefined;
    if (bytes.length === FrameBuffers.smallBytes) this.#buffers.putBackSmall(bytes);
  }

  #lend(chunk: Uint8Array): boolean {
    const end = frameHeaderBytes + inlineBytesMax;
    if (chunk.length < end) return false;
    const bodyBytes = readFrameHeader(chunk);
    if (bodyBytes <= inlineBytesMax) return false;
    this.#headerSeen = frameHeaderBytes;
    this.#bodyBytes = bodyBytes;
    this.#bodySeen = inlineBytesMax;
    this.#lent = chunk.subarray(frameHeaderBytes, end);
    this.#firstToken = this.#lent.find(isNoSpace);
    return true;
  }

  #takeHeader(chunk: Uint8Array): number {
    let taken = 0;
    while (this.#headerSeen < frameHeaderBytes) {
      if (taken === chunk.length) return taken;
      // Not a shift: the length may need all 32 bits.
      this.#bodyBytes = this.#bodyBytes * 256 + chunk[taken++]!;
      if (++this.#headerSeen === frameHeaderBytes) this.#keep(headerOf(this.#bodyBytes));
    }
    return taken;
  }

  #keep(part: Uint8Array): void {
    if (part.length === 0 || this.#isIncomplete || this.#add(part)) return;
    this.#isIncomplete = true;
    if (this.#have < leastBytes) this.#add(part.subarray(0, leastBytes - this.#have));
  }

  #add(part: Uint8Array): boolean {
    if (!this.#makeRoom(this.#have + part.length)) return false;
    this.#bytes.set(part, this.#have);
    this.#have += part.length;
    return true;
  }

  #makeRoom(wanted: number): boolean {
    const before = this.#bytes;
    if (wanted <= before.length) return true;
    const larger = this.#larger(wanted);
    if (larger === undefined) return false;
    larger.set(before.subarray(0, this.#have));
    this.#bytes = larger;
    return true;
  }

  #larger(wanted: number): Uint8Array | undefined {
    const before = this.#bytes.length;
    const growth = FrameBuffers.smallBytes - before;
    if (this.#share.take(growth)) {
      const buffer = this.#buffers.takeSmall();
      if (buffer) return buffer;
      this.#share.give(growth);
    }
    const bytes = Math.max(wanted, Math.min(FrameBuffers.smallBytes - 1, Math.max(firstBytes, 2 * before)));
    if (!this.#share.take(bytes - before)) return undefined;
    const larger = allocate(bytes);
    if (larger === undefined) this.#share.give(bytes - before);
    return larger;
  }
}

function isNoSpace(byte: number): boolean {
  return byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09;
}

function headerOf(bodyBytes: number): Uint8Array {
  const header = new Uint8Array(frameHeaderBytes);
  writeFrameHeader(header, bodyBytes);
  return header;
}
