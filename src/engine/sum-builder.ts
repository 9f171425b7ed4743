/** A sum that comes in parts. It keeps an exact sum of bounded size, and nothing of what was pushed. */
import { addSums, type ExactSum, encodeSum, zeroSum } from './sum-state.js';

export class SumBuilder {
  readonly #read: (bytes: Uint8Array) => ExactSum;
  #sum = zeroSum;

  /** @param read gives the exact sum of a JSON array's bytes */
  constructor(read: (bytes: Uint8Array) => ExactSum) {
    this.#read = read;
  }

  /**
   * Adds the numbers of one JSON array. A push that throws leaves the sum as it was.
   * @param bytes the array in UTF-8, with nothing around it but white space; they are not kept
   * @throws SumError whose `index` and `offset` count in `bytes` alone, not in what was pushed before
   */
  push(bytes: Uint8Array): this {
    this.#sum = addSums(this.#sum, this.#read(bytes));
    return this;
  }

  /** The state of all that was pushed so far: the same bytes for the same sum, whatever the order or the parts. */
  end(): Uint8Array {
    return encodeSum(this.#sum);
  }
}
