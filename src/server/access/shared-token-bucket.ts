/**
 * A `TokenBucket` that several threads take from. Its state is one word: the moment when it will be full, in nanoseconds of
 * the clock that all threads have. To take puts that moment off, so that nothing has to be filled.
 */
import { toCommonMs } from '../io-threads/common-clock.js';
import type { Bucket } from './token-bucket.js';

const nsOfMs = 1e6;
const nsOfSecond = 1e9;
/** A longer debt, of more than a hundred years, would not fit in the word. */
const debtMaxNs = 4e18;

export class SharedTokenBucket implements Bucket {
  readonly perSecond: number;
  readonly #fullAtNs: BigInt64Array;
  /** From empty to full. */
  readonly #fillNs: number;

  /** @param fullAtNs one word; where it is 0, the bucket is full */
  constructor(perSecond: number, fullAtNs: BigInt64Array) {
    this.perSecond = perSecond;
    this.#fullAtNs = fullAtNs;
    this.#fillNs = (Math.max(1, perSecond) / perSecond) * nsOfSecond;
  }

  hasSome(nowMs: number): boolean {
    return this.#emptyForNs(nowMs) < 0;
  }

  take(amount: number): void {
    if (amount === 0) return;
    const nowNs = BigInt(Math.round(toCommonMs(performance.now()) * nsOfMs));
    // Rounded up: what is less than a nanosecond would be free.
    const worthNs = BigInt(Math.min(debtMaxNs, Math.ceil((amount / this.perSecond) * nsOfSecond)));
    const lastNs = nowNs + BigInt(debtMaxNs);
    while (true) {
      const before = Atomics.load(this.#fullAtNs, 0);
      const sum = (before > nowNs ? before : nowNs) + worthNs;
      const after = sum < lastNs ? sum : lastNs;
      if (Atomics.compareExchange(this.#fullAtNs, 0, before, after) === before) return;
    }
  }

  waitMs(nowMs: number): number {
    return Math.max(1, Math.ceil(this.#emptyForNs(nowMs) / nsOfMs) + 1);
  }

  /** Below zero: there is something left. */
  #emptyForNs(nowMs: number): number {
    return Number(Atomics.load(this.#fullAtNs, 0)) - toCommonMs(nowMs) * nsOfMs - this.#fillNs;
  }
}
