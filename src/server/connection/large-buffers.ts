import type { BudgetShare, ByteBudget } from '../byte-budget.js';

/** Is the memory for other threads as well, or for this one alone? */
export type MemoryKind = 'shared' | 'own';
export type LargeBuffer = SharedArrayBuffer | ArrayBuffer;

/** Buffers in use may be longer than what is charged of them by so much of the budget, all together. */
const spareRatio = 1 / 4;
/** An idle buffer that nothing took for so long is let go of. */
const idleMsMax = 10_000;

/** Where a body stands. `LargeBuffers` alone writes to it. */
export interface LargePlace {
  readonly kind: MemoryKind;
  /** Has what is charged. */
  readonly share: BudgetShare;
  /** What the body needs in the end, as far as that is known. */
  readonly bytesMax: number;
  buffer: LargeBuffer | undefined;
  /** So many bytes from the start of the buffer are the body's. */
  charged: number;
}

/**
 * Buffers for large bodies, used again and again. They grow where they are: address space is reserved for the longest
 * body, memory is there for what has come, and nothing is copied.
 *
 * What a worker is to read is in shared memory. What this thread alone reads is not: a copy to shared memory is fast only
 * where both sides are aligned alike, and what comes begins anywhere. V8 does not count shared memory, so that one that is
 * dropped stays until a collection that nothing asks for. So they are kept, and each can serve any body of its kind.
 * After some seconds without use they are let go of: what this thread alone reads is given back to the system at once, and
 * what is shared is kept as long as V8 has not collected it.
 *
 *     in use: │ charged to a share │ spare │        idle: │ all of it │
 *
 * A body gets a buffer whose pages are there already, by what it needs in the end. What is beyond its charge, the spare,
 * cannot be let go of before the body is: so it is bounded, and the budget does not give it to others.
 *
 * Invariant: what is held, spare and idle is together no more than the budget's bound, whatever is done. Bytes that the
 * budget had to take (`force`) may be beyond it; then nothing is idle.
 */
export class LargeBuffers {
  readonly #budget: ByteBudget;
  /** Of the longest body that is held, with what stands around it. */
  readonly #bytesMax: number;
  #idleBytes = 0;
  #spareBytes = 0;
  /** By size, the smallest first. Those that V8 counts are let go of first. */
  readonly #idle: Readonly<Record<MemoryKind, LargeBuffer[]>> = { own: [], shared: [] };
  /** When each idle one was used last, as `performance.now()` gives it. */
  readonly #usedAtMs = new WeakMap<LargeBuffer, number>();
  /** Shared ones that were let go of, and that are as good as idle ones as long as they are there. */
  readonly #fading: WeakRef<SharedArrayBuffer>[] = [];

  /** @param budget counts what is charged, and has no other buffers beside it */
  constructor(budget: ByteBudget, bytesMax: number) {
    this.#budget = budget;
    this.#bytesMax = bytesMax;
    budget.onGrowth = () => this.#makeRoom(0);
  }

  /** Bytes that are in no share. */
  get keptBytes(): number {
    return this.#idleBytes + this.#spareBytes;
  }

  /**
   * Makes the place `bytes` long, more than it was, and charges that; false, and nothing is charged, where the budget or
   * the system has no memory for it. The bytes of the body may stand elsewhere after it.
   */
  enlarge(place: LargePlace, bytes: number): boolean {
    const { charged, share } = place;
    const added = bytes - charged;
    // The spare that becomes the body's is memory that the budget has left out already.
    this.#change(place, () => {
      place.charged = bytes;
    });
    const isThere = share.mayTake(added) && this.#provide(place, added);
    if (isThere) share.force(added);
    else {
      this.#change(place, () => {
        place.charged = charged;
      });
    }
    return isThere;
  }

  /** Takes back the place of a body, which nobody reads any more, no other thread either. */
  putBack(place: LargePlace): void {
    const { buffer, charged } = place;
    if (buffer === undefined) return;
    this.#change(place, () => {
      place.buffer = undefined;
      place.charged = 0;
    });
    place.share.give(charged);
    this.#insert(buffer);
    this.#makeRoom(0);
  }

  /** Lets go of what nothing has used for a while: called now and then. */
  rest(nowMs: number): void {
    for (let index = this.#fading.length - 1; index >= 0; index--) {
      if (this.#fading[index]!.deref() === undefined) this.#fading.splice(index, 1);
    }
    for (const idle of Object.values(this.#idle)) {
      const stale = idle.filter((buffer) => nowMs - this.#usedAtMs.get(buffer)! > idleMsMax);
      for (const buffer of stale) {
        this.#takeOut(idle, idle.indexOf(buffer));
        if (buffer instanceof SharedArrayBuffer) this.#fading.push(new WeakRef(buffer));
        else buffer.resize(0);
      }
    }
  }

  /** Sees to a buffer that is as long as what is to be charged, of which `added` bytes are not held yet. */
  #provide(place: LargePlace, added: number): boolean {
    if (place.buffer === undefined) {
      const buffer = this.#take(place) ?? this.#make(place.kind);
      this.#change(place, () => {
        place.buffer = buffer;
      });
      if (buffer === undefined) return false;
    }
    if (place.buffer!.byteLength >= place.charged) return true;
    if (this.#isShort(added) && this.#exchange(place)) return true;
    this.#makeRoom(added);
    return grow(place.buffer!, place.charged) || this.#exchange(place);
  }

  /** An idle buffer for a body that begins: the smallest that is long enough, or else the longest. */
  #take({ kind, bytesMax, charged }: LargePlace): LargeBuffer | undefined {
    const idle = this.#idle[kind];
    if (kind === 'shared' && idle.length === 0) this.#revive();
    const fits = (buffer: LargeBuffer) => this.#maySpare(buffer.byteLength - charged);
    const enough = idle.findIndex((buffer) => buffer.byteLength >= bytesMax);
    const at = enough >= 0 && fits(idle[enough]!) ? enough : idle.findLastIndex(fits);
    return at < 0 ? undefined : this.#takeOut(idle, at);
  }

  /** Takes back what was let go of and is there all the same. */
  #revive(): void {
    for (const each of this.#fading.splice(0)) {
      const buffer = each.deref();
      if (buffer !== undefined) this.#insert(buffer);
    }
    this.#makeRoom(0);
  }

  #make(kind: MemoryKind): LargeBuffer | undefined {
    const options = { maxByteLength: this.#bytesMax };
    return unlessOutOfMemory(() =>
      kind === 'shared' ? new SharedArrayBuffer(0, options) : new ArrayBuffer(0, options),
    );
  }

  /** Moves a body to an idle buffer that is long enough; false where there is none. */
  #exchange(place: LargePlace): boolean {
    const { buffer, charged } = place;
    const idle = this.#idle[place.kind];
    const at = idle.findIndex((other) => other.byteLength >= charged);
    if (at < 0 || !this.#maySpare(idle[at]!.byteLength - charged)) return false;
    const larger = this.#takeOut(idle, at);
    new Uint8Array(larger).set(new Uint8Array(buffer!));
    this.#change(place, () => {
      place.buffer = larger;
    });
    this.#insert(buffer!);
    return true;
  }

  #maySpare(bytes: number): boolean {
    return this.#spareBytes + bytes <= this.#budget.max * spareRatio;
  }

  #isShort(added: number): boolean {
    return this.#budget.held + added + this.keptBytes > this.#budget.max;
  }

  /** Lets go of idle buffers until `added` more bytes have room. */
  #makeRoom(added: number): void {
    for (const idle of Object.values(this.#idle)) {
      while (idle.length > 0 && this.#isShort(added)) this.#takeOut(idle, 0);
    }
  }

  /** Changes a place, and counts what is spare anew. */
  #change(place: LargePlace, change: () => void): void {
    const before = spareOf(place);
    change();
    const more = spareOf(place) - before;
    this.#spareBytes += more;
    this.#budget.leaveOut(more);
  }

  #takeOut(idle: LargeBuffer[], at: number): LargeBuffer {
    const [buffer] = idle.splice(at, 1);
    this.#idleBytes -= buffer!.byteLength;
    return buffer!;
  }

  #insert(buffer: LargeBuffer): void {
    const idle = this.#idle[buffer instanceof SharedArrayBuffer ? 'shared' : 'own'];
    this.#usedAtMs.set(buffer, performance.now());
    const at = idle.findIndex((other) => other.byteLength >= buffer.byteLength);
    idle.splice(at < 0 ? idle.length : at, 0, buffer);
    this.#idleBytes += buffer.byteLength;
  }
}

/** Bytes of a buffer in use that are not charged. */
function spareOf({ buffer, charged }: LargePlace): number {
  return Math.max(0, (buffer?.byteLength ?? 0) - charged);
}

/** False where the system has no memory for it; the buffer is as it was then. */
function grow(buffer: LargeBuffer, bytes: number): boolean {
  const grown = unlessOutOfMemory(() => {
    if (buffer instanceof SharedArrayBuffer) buffer.grow(bytes);
    else buffer.resize(bytes);
    return buffer;
  });
  return grown !== undefined;
}

/** What `make` makes; `undefined` where the system has no memory for it, which V8 tells by a RangeError. */
export function unlessOutOfMemory<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
