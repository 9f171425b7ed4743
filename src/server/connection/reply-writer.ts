/**
 * The writing side of a connection: what its peer has not read, in order and within the budget.
 *
 *     addCopy ──▶ stage of the thread ──write──▶ channel            as long as the peer keeps up
 *     addCopy ──▶ │ part │ part, being filled │ ──write, one at a time──▶ channel       where it does not
 *     add, many bytes ──▶ │ part of its own │
 *
 * Small replies are copied one after the other, so what is held for them is what they need. A long reply is kept as it
 * is and written in pieces, so that each piece that the peer takes shows.
 *
 * Invariants: one write is under way at a time. `unreadBytes` is what was added and is not with the kernel. The memory
 * of all parts is in the connection's share of the budget, or in that of whoever lent it.
 */
import type { BudgetShare } from '../byte-budget.js';
import type { Channel } from '../channel/channel.js';
import type { ReplyStage } from './reply-stage.js';

/** A piece that the peer takes only in part shows no progress until it is through. */
export const pieceBytes = 256 * 1024;

const smallPartBytes = 4 * 1024;
/** Longer replies are not copied. */
const copiedBytesMax = 16 * 1024;

interface Part {
  readonly bytes: Uint8Array;
  used: number;
  sent: number;
  /** Of bytes that are somebody else's. */
  readonly release?: () => void;
}

export class ReplyWriter {
  readonly #channel: Channel;
  readonly #share: BudgetShare;
  readonly #stage: ReplyStage;
  readonly #markBytes: number;
  readonly #parts: Part[] = [];
  #unreadBytes = 0;
  /** Bytes of the write under way, 0 where there is none, and the part that they are of, if they are not copied. */
  #writing = 0;
  #writingPart: Part | undefined;
  #batches = 0;
  #isEnding = false;
  #progressAtMs = 0;

  /**
   * @param stage the one of the thread
   * @param markBytes of what is unread, where the whole budget is left
   */
  constructor(channel: Channel, share: BudgetShare, stage: ReplyStage, markBytes: number) {
    this.#markBytes = markBytes;
    this.#channel = channel;
    this.#share = share;
    this.#stage = stage;
  }

  /** Bytes that the peer has not taken. */
  get unreadBytes(): number {
    return this.#unreadBytes;
  }

  /**
   * Is so much unread that the peer is not to ask for more? The mark sinks with the room that is left: a crowd that does not
   * read leaves some for those that do.
   */
  get isOverMark(): boolean {
    return this.#unreadBytes > 0 && this.#unreadBytes >= this.#markBytes * this.#share.leftRatio;
  }

  /** When the peer last took something, or had everything, as `performance.now()` gives it. */
  get progressAtMs(): number {
    return this.#progressAtMs;
  }

  /** Milliseconds since the peer last took something of what it leaves unread; 0 where it leaves nothing. */
  stalledMs(nowMs: number): number {
    return this.#unreadBytes === 0 ? 0 : nowMs - this.#progressAtMs;
  }

  get isInBatch(): boolean {
    return this.#batches > 0;
  }

  /** Whatever is added until the matching `flush` leaves together. */
  beginBatch(): void {
    this.#batches++;
  }

  flush(): void {
    this.#batches--;
    if (this.#batches > 0) return;
    this.#write();
    // `end` was called in the batch, perhaps, and found parts that only now are with the peer.
    this.#endWhenWritten();
  }

  /** Adds bytes that are overwritten after the call. */
  addCopy(bytes: Uint8Array): void {
    this.#count(bytes.length);
    let copied = 0;
    while (copied < bytes.length && !this.#mustQueue) {
      copied += this.#stage.add(this, copied === 0 ? bytes : bytes.subarray(copied));
      if (copied < bytes.length) this.#writeStage();
    }
    while (copied < bytes.length) copied += this.#append(bytes.subarray(copied));
    if (this.#batches === 0) this.#write();
  }

  /**
   * Adds bytes that nobody changes any more.
   * @returns false, and nothing is added, where they are many and the budget has no room for them
   */
  add(bytes: Uint8Array): boolean {
    if (bytes.length <= copiedBytesMax) {
      this.addCopy(bytes);
      return true;
    }
    if (!this.#share.take(bytes.length)) return false;
    this.#addPart({ bytes, used: bytes.length, sent: 0 });
    return true;
  }

  /** Adds bytes that are in somebody's share, and are not overwritten before `release` is called. */
  addKept(bytes: Uint8Array, release: () => void): void {
    if (bytes.length <= copiedBytesMax) {
      this.addCopy(bytes);
      release();
      return;
    }
    this.#addPart({ bytes, used: bytes.length, sent: 0, release });
  }

  /** Ends the writing side after what was added. */
  end(): void {
    this.#isEnding = true;
    this.#writeStage();
    this.#endWhenWritten();
  }

  /** The write that was under way is through. */
  written(): void {
    this.#progressAtMs = performance.now();
    this.#took(this.#writing, this.#writingPart);
    this.#writing = 0;
    this.#writingPart = undefined;
    this.#writeParts();
    this.#endWhenWritten();
  }

  /** The channel is closed: nobody reads what is left. */
  close(): void {
    for (const part of this.#parts.splice(0)) this.#letGo(part);
    this.#stage.drop(this);
    this.#unreadBytes = 0;
    this.#writing = 0;
    this.#writingPart = undefined;
  }

  /** Is there something that must leave first, or does another connection fill the stage? */
  get #mustQueue(): boolean {
    return this.#writing > 0 || this.#parts.length > 0 || !this.#stage.isFreeFor(this);
  }

  #addPart(part: Part): void {
    this.#writeStage();
    this.#count(part.used);
    this.#parts.push(part);
    this.#writeParts();
  }

  #count(bytes: number): void {
    if (this.#unreadBytes === 0) this.#progressAtMs = performance.now();
    this.#unreadBytes += bytes;
  }

  /** Copies the start of `bytes` to the last part, or to a new one; answers how much that was. */
  #append(bytes: Uint8Array): number {
    let last = this.#parts.at(-1);
    if (last === undefined || last.used === last.bytes.length) {
      const isSmall = this.#parts.length === 0 && bytes.length <= smallPartBytes;
      const memory = isSmall ? Buffer.allocUnsafeSlow(smallPartBytes) : this.#stage.parts.take();
      last = { bytes: memory, used: 0, sent: 0 };
      this.#share.force(memory.length);
      this.#parts.push(last);
    }
    const copied = bytes.subarray(0, last.bytes.length - last.used);
    last.bytes.set(copied, last.used);
    last.used += copied.length;
    return copied.length;
  }

  #write(): void {
    this.#writeStage();
    this.#writeParts();
  }

  #writeStage(): void {
    const bytes = this.#stage.of(this);
    if (bytes === undefined) return;
    const state = this.#channel.write(bytes);
    if (state === 'held') {
      const kept = this.#stage.handOver(this);
      this.#share.force(kept.length);
      this.#writingPart = { bytes: kept, used: bytes.length, sent: 0 };
      this.#parts.push(this.#writingPart);
    } else this.#stage.drop(this);
    if (state === 'taken') this.#took(bytes.length, undefined);
    else this.#writing = bytes.length;
  }

  #writeParts(): void {
    while (this.#writing === 0) {
      const [part] = this.#parts;
      if (part === undefined) return;
      const piece = part.bytes.subarray(part.sent, Math.min(part.used, part.sent + pieceBytes));
      if (this.#channel.write(piece) === 'taken') this.#took(piece.length, part);
      else {
        this.#writing = piece.length;
        this.#writingPart = part;
      }
    }
  }

  /** The peer's side has the next `bytes`, which stand in `part`, the first one. */
  #took(bytes: number, part: Part | undefined): void {
    this.#unreadBytes -= bytes;
    if (part === undefined) return;
    part.sent += bytes;
    if (part.sent < part.used) return;
    this.#parts.shift();
    this.#letGo(part);
  }

  #letGo({ bytes, release }: Part): void {
    if (release) {
      release();
      return;
    }
    this.#share.give(bytes.length);
    this.#stage.parts.putBack(bytes);
  }

  #endWhenWritten(): void {
    if (!this.#isEnding || this.#unreadBytes > 0) return;
    this.#isEnding = false;
    this.#channel.end();
  }
}
