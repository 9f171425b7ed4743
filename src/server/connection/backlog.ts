/**
 * Bytes that were read from a connection and have to wait.
 *
 * Invariant: the memory that they are in is in the connection's share of the budget.
 */
import type { BudgetShare } from '../byte-budget.js';
import type { FrameBuffers } from './frame-buffers.js';

export class Backlog {
  readonly #buffers: FrameBuffers;
  readonly #share: BudgetShare;
  #bytes: Uint8Array | undefined;

  constructor(buffers: FrameBuffers, share: BudgetShare) {
    this.#buffers = buffers;
    this.#share = share;
  }

  /** `undefined` where nothing waits. */
  get bytes(): Uint8Array | undefined {
    return this.#bytes;
  }

  /** What waits is this, and nothing else: a copy of it, where it is not a part of what waited before. */
  keep(rest: Uint8Array): void {
    if (rest.buffer === this.#bytes?.buffer) {
      this.#bytes = rest;
      return;
    }
    this.drop();
    this.#bytes = this.#buffers.takeBacklog(rest);
    this.#share.force(this.#bytes.buffer.byteLength);
  }

  drop(): void {
    const bytes = this.#bytes;
    if (bytes === undefined) return;
    this.#bytes = undefined;
    this.#share.give(bytes.buffer.byteLength);
    this.#buffers.putBackBacklog(bytes);
  }
}
