/** Bytes of a segment: what a worker gets at once. Large enough that the hand-over to it does not show. */
export const segmentBytes = 256 * 1024;

/** Shorter pieces are joined to the one before, so that there are never many. */
const pieceBytesMin = 4096;

/**
 * Shared memory that is filled with pieces of a stream.
 *
 * A piece stands where its address has the same last three bits as where it came from. V8 copies to and from shared
 * memory word by word where both sides are aligned alike, and byte by byte, eight times as slow, where they are not.
 */
export class Segment {
  readonly #bytes = new Uint8Array(new SharedArrayBuffer(segmentBytes));
  #pieces: Uint8Array[] = [];
  #end = 0;

  /** What is in it, in order; views of shared memory. */
  get pieces(): readonly Uint8Array[] {
    return this.#pieces;
  }

  /** Bytes that can be added for certain. */
  get room(): number {
    return Math.max(0, segmentBytes - 7 - this.#end);
  }

  clear(): void {
    this.#pieces = [];
    this.#end = 0;
  }

  /** Takes as much as it can from the start of `bytes`; answers how much that was. */
  add(bytes: Uint8Array): number {
    const last = this.#pieces.at(-1);
    const joined = last !== undefined && bytes.length < pieceBytesMin;
    const start = joined ? this.#end : alike(this.#end, bytes.byteOffset);
    const length = Math.min(bytes.length, segmentBytes - start);
    if (length <= 0) return 0;
    this.#bytes.set(bytes.subarray(0, length), start);
    this.#end = start + length;
    if (joined) this.#pieces.pop();
    this.#pieces.push(this.#bytes.subarray(joined ? last.byteOffset : start, this.#end));
    return length;
  }
}

/** The first offset from `offset` on whose last three bits are those of `model`. */
function alike(offset: number, model: number): number {
  return offset + ((model - offset) & 7);
}
