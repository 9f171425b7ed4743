/**
 * A number that is taken from and given back to, such as the bytes that are held. Where several I/O threads share one, it is a
 * word of shared memory; where there is one, it is a plain number.
 */
export abstract class Tally {
  abstract readonly value: number;
  abstract add(amount: number): void;
  /** Adds where the value is still `seen`; false, and nothing is added, where another thread was faster. */
  abstract addTo(seen: number, amount: number): boolean;

  /** Adds one where fewer than `max` are there. However many threads ask at once, there are never more. */
  takeBelow(max: number): boolean {
    while (true) {
      const { value } = this;
      if (value >= max) return false;
      if (this.addTo(value, 1)) return true;
    }
  }
}

export class LocalTally extends Tally {
  #value = 0;

  get value(): number {
    return this.#value;
  }

  add(amount: number): void {
    this.#value += amount;
  }

  addTo(_seen: number, amount: number): boolean {
    this.#value += amount;
    return true;
  }
}

/** Bytes may be more than 32 bits, and there is no atomic operation on doubles. */
export class SharedTally extends Tally {
  static readonly bytes = BigInt64Array.BYTES_PER_ELEMENT;
  readonly #cell: BigInt64Array;

  /** @param offset of its `SharedTally.bytes` */
  constructor(memory: SharedArrayBuffer, offset: number) {
    super();
    this.#cell = new BigInt64Array(memory, offset, 1);
  }

  get value(): number {
    return Number(Atomics.load(this.#cell, 0));
  }

  add(amount: number): void {
    Atomics.add(this.#cell, 0, BigInt(amount));
  }

  addTo(seen: number, amount: number): boolean {
    const before = BigInt(seen);
    return Atomics.compareExchange(this.#cell, 0, before, before + BigInt(amount)) === before;
  }
}

/** What all I/O threads of a process count together. */
export interface Tallies {
  readonly heldBytes: Tally;
  readonly keptBytes: Tally;
  readonly connections: Tally;
  readonly requests: Tally;
}

export function localTallies(): Tallies {
  const make = () => new LocalTally();
  return { heldBytes: make(), keptBytes: make(), connections: make(), requests: make() };
}

export const sharedTalliesBytes = 4 * SharedTally.bytes;

/** @param memory of `sharedTalliesBytes`, the same in all threads */
export function sharedTallies(memory: SharedArrayBuffer): Tallies {
  const at = (index: number) => new SharedTally(memory, index * SharedTally.bytes);
  return { heldBytes: at(0), keptBytes: at(1), connections: at(2), requests: at(3) };
}
