/** Bytes of a segment: the least that a worker gets at once. Large enough that the hand-over to it does not show. */
export const segmentBytes = 512 * 1024;

/** Shorter pieces are joined to the one before, so that there are never many. */
const pieceBytesMin = 4096;

/**
 * Shared memory that is filled with pieces of a stream, copied or read to where they are to stand.
 *
 * A piece that is copied is put where its address has the same last three bits as where it came from. V8 copies to and from shared
 * memory word by word where both sides are aligned alike, and byte by byte, eight times as slow, where they are not.
 */
export class Segment {
  readonly #bytes: Uint8Array;
  #pieces: number[] = [];
  #end = 0;

  /** @param bytes its `segmentBytes`, aligned to 8 */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** What is in it, in order: offset in the memory and length of each piece in turn. */
  get pieces(): readonly number[] {
    return this.#pieces;
  }

  get room(): number {
    return segmentBytes - this.#end;
  }

  /** Room for `length` bytes, or as many as there is. What is written to its start counts once `grow` is told of it. */
  rest(length: number): Uint8Array {
    return this.#bytes.subarray(this.#end, this.#end + length);
  }

  /** Was `part` read to where the next bytes belong? */
  isNext(part: Uint8Array): boolean {
    return part.buffer === this.#bytes.buffer && part.byteOffset === this.#bytes.byteOffset + this.#end;
  }

  /** Counts in so many bytes that were written to the start of `rest`. */
  grow(length: number): void {
    this.#append(this.#pieces.length > 0, this.#end, length);
  }

  clear(): void {
    this.#pieces = [];
    this.#end = 0;
  }

  /** Takes as much as it can from the start of `bytes`; answers how much that was. */
  add(bytes: Uint8Array): number {
    const joined = this.#pieces.length > 0 && bytes.length < pieceBytesMin;
    const start = joined ? this.#end : alike(this.#end, bytes.byteOffset);
    const length = Math.min(bytes.length, segmentBytes - start);
    if (length <= 0) return 0;
    this.#bytes.set(bytes.subarray(0, length), start);
    this.#append(joined, start, length);
    return length;
  }

  #append(joined: boolean, start: number, length: number): void {
    this.#end = start + length;
    if (joined) this.#pieces[this.#pieces.length - 1]! += length;
    else this.#pieces.push(this.#bytes.byteOffset + start, length);
  }
}

/** The first offset from `offset` on whose last three bits are those of `model`. */
function alike(offset: number, model: number): number {
  return offset + ((model - offset) & 7);
}
