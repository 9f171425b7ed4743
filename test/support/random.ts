/** A small random generator for inputs that are too large to be built of arbitraries. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Mulberry32, by Tommy Ettinger (2017, public domain). */
  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** From `min` to `max`, both included. */
  integer(min: number, max: number): number {
    return min + Math.floor((this.#next() / 2 ** 32) * (max - min + 1));
  }

  /** True once in so many times. */
  oneIn(count: number): boolean {
    return this.integer(1, count) === 1;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.integer(0, values.length - 1)]!;
  }

  /** Small sizes often, large ones seldom: every magnitude up to `max` is as likely as the others. */
  size(min: number, max: number): number {
    return Math.min(max, Math.floor(min * (max / min + 1) ** (this.#next() / 2 ** 32)));
  }

  digits(count: number): string {
    let text = '';
    while (text.length < count) text += String(this.integer(0, 999_999_999)).padStart(9, '0');
    return text.slice(0, count);
  }

  bits(count: number): bigint {
    let value = 0n;
    for (let have = 0; have < count; have += 32) value = (value << 32n) | BigInt(this.#next());
    return BigInt.asUintN(count, value);
  }

  shuffled<T>(values: readonly T[]): T[] {
    const copy = [...values];
    for (let at = copy.length - 1; at > 0; at--) {
      const other = this.integer(0, at);
      [copy[at], copy[other]] = [copy[other]!, copy[at]!];
    }
    return copy;
  }
}
