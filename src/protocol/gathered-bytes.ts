/**
 * Bytes that come in parts, as one piece: each is copied a bounded number of times, however small the parts are.
 *
 *     │ dropped │ bytes │ room │
 */
const firstBytes = 1024;

export class GatheredBytes {
  #memory = new Uint8Array(0);
  #start = 0;
  #end = 0;

  /** All that was added and not dropped. Good until the next `add`. */
  get bytes(): Uint8Array {
    return this.#memory.subarray(this.#start, this.#end);
  }

  get length(): number {
    return this.#end - this.#start;
  }

  /** Adds a copy. */
  add(part: Uint8Array): void {
    if (this.#end + part.length > this.#memory.length) this.#move(part.length);
    this.#memory.set(part, this.#end);
    this.#end += part.length;
  }

  /** Takes bytes away at the front. */
  drop(count: number): void {
    this.#start += count;
  }

  /** To memory with room for so many more: twice as much as there is, or what a long part needs. */
  #move(more: number): void {
    const { bytes } = this;
    this.#memory = new Uint8Array(Math.max(firstBytes, 2 * bytes.length, bytes.length + more));
    this.#memory.set(bytes);
    this.#start = 0;
    this.#end = bytes.length;
  }
}
