/** A block that small pieces are joined in. */
const blockBytes = 64 * 1024;

/** A larger piece is not worth a copy. */
const pieceBytesMax = 16 * 1024;

/** Joins small pieces of bytes, since each write costs the same whatever its size. They keep their order. */
export class PieceJoiner {
  #block: Uint8Array | undefined;
  #used = 0;

  /** Is a piece small, and does it fit after those that are held? */
  takes(piece: Uint8Array): boolean {
    return piece.length <= pieceBytesMax && this.#used + piece.length <= blockBytes;
  }

  /** Copies a piece that it `takes`. */
  add(piece: Uint8Array): void {
    this.#block ??= new Uint8Array(blockBytes);
    this.#block.set(piece, this.#used);
    this.#used += piece.length;
  }

  /** Gives out what is held; `undefined` where that is nothing. */
  take(): Uint8Array | undefined {
    const joined = this.#block?.subarray(0, this.#used);
    this.#block = undefined;
    this.#used = 0;
    return joined;
  }
}
