/**
 * A large body that is held in memory as it comes: shared memory, which a worker reads without another copy, or memory
 * of this thread alone. A read of the connection may go straight to where the next bytes belong.
 *
 *     │ room for what a reply begins with │ body so far │ charged, not come yet │
 *
 * Invariant: what has come is in the owner's share of the budget, and 4 KiB more at the most, or 320 KiB after the first
 * 64 KiB, until `release` gives it back. A buffer that the next read goes to is nobody else's.
 */
import type { BudgetShare } from '../byte-budget.js';
import type { ReadTarget } from '../channel/channel.js';
import { FrameBuffers } from './frame-buffers.js';
import type { LargeBuffers, LargePlace, MemoryKind } from './large-buffers.js';

/** The share has so many bytes at once: of a body that has only begun, and of one that comes. */
const firstStepBytes = 4 * 1024;
const stepBytes = 256 * 1024;
const beginningBytes = 64 * 1024;

/** The least for which a read gets a place of its own. Fewer bytes are read together with what follows, and copied. */
const targetBytesMin = 64 * 1024;

export class HeldBody {
  readonly #buffers: LargeBuffers;
  readonly #place: LargePlace;
  /** Bytes before the body. */
  readonly #gap: number;
  #length = 0;
  /** The next read goes to the buffer. */
  #isOnLoan = false;
  #isReleased = false;

  /**
   * @param bytesMax what the body has in the end, or may have
   * @param kind `own`: a reply can be written around a part of the body
   */
  constructor(share: BudgetShare, buffers: FrameBuffers, bytesMax: number, kind: MemoryKind = 'shared') {
    this.#buffers = buffers.large;
    this.#gap = kind === 'own' ? FrameBuffers.headRoomBytes : 0;
    const placeBytesMax = this.#gap + Math.min(bytesMax, buffers.bodyBytesMax);
    this.#place = { kind, share, bytesMax: placeBytesMax, buffer: undefined, charged: 0 };
  }

  get length(): number {
    return this.#length;
  }

  /** What has come. */
  get bytes(): Uint8Array {
    return this.#view(0, this.#length);
  }

  /** Adds bytes; false where there is no room for them, and nothing is added. */
  add(part: Uint8Array): boolean {
    const length = this.#length + part.length;
    if (!this.#charge(length)) return false;
    const place = this.#view(this.#length, length);
    if (part.buffer !== place.buffer || part.byteOffset !== place.byteOffset) place.set(part);
    this.#length = length;
    return true;
  }

  /**
   * A place for the next read of the body's channel, from which `add` need not copy; `undefined` where there is none, or
   * where it is not worth it.
   * @param missingBytes what has not come
   */
  nextTarget(missingBytes: number): ReadTarget | undefined {
    if (missingBytes < targetBytesMin || !this.#charge(this.#length + targetBytesMin)) return undefined;
    this.#isOnLoan = true;
    return {
      bytes: this.#view(this.#length, Math.min(this.#place.charged - this.#gap, this.#length + missingBytes)),
      release: () => {
        this.#isOnLoan = false;
        if (this.#isReleased) this.#giveBack();
      },
    };
  }

  /**
   * Writes a reply over what stands around a part of the body, so that the part need not be copied.
   * @returns the reply, which is there until `release`; nothing is added to the body any more
   */
  replyAround(head: Uint8Array, offset: number, length: number): Uint8Array {
    const reply = this.#view(offset - head.length, offset + length + 1);
    reply.set(head);
    reply[head.length + length] = 0x7d; // the closing brace; the request had one too
    return reply;
  }

  /** Lets go of the bytes, which nobody may read any more, no other thread either. */
  release(): void {
    this.#isReleased = true;
    if (!this.#isOnLoan) this.#giveBack();
  }

  #giveBack(): void {
    this.#length = 0;
    this.#buffers.putBack(this.#place);
  }

  #view(start: number, end: number): Uint8Array {
    const { buffer } = this.#place;
    return buffer === undefined ? new Uint8Array(0) : new Uint8Array(buffer, this.#gap + start, end - start);
  }

  /** Makes room for so many bytes of the body; false, and all is as it was, where the budget or the system has none. */
  #charge(length: number): boolean {
    const wanted = this.#gap + length;
    const { charged, bytesMax } = this.#place;
    if (wanted <= charged) return true;
    const step = wanted <= beginningBytes ? firstStepBytes : stepBytes;
    const ample = Math.max(wanted, Math.min(bytesMax, Math.ceil(wanted / step) * step));
    return [ample, wanted].some((bytes) => this.#buffers.enlarge(this.#place, bytes));
  }
}
