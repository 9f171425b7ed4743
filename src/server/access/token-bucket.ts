/**
 * A rate as a bucket: it fills at `perSecond`, holds what one second brings, and may be taken below zero. Who takes more than
 * there is has a debt, which must be paid before more is given: over any length of time the rate holds, up to one
 * second's worth and the last taking.
 *
 * Invariant: `#level` is never above `perSecond`, nor above 1 where that is less: one must fit in.
 */
export class TokenBucket implements Bucket {
  readonly perSecond: number;
  readonly #size: number;
  #level: number;
  #atMs: number;

  /** @param perSecond above 0 */
  constructor(perSecond: number, nowMs: number) {
    this.perSecond = perSecond;
    this.#size = Math.max(1, perSecond);
    this.#level = this.#size;
    this.#atMs = nowMs;
  }

  hasSome(nowMs: number): boolean {
    this.#fill(nowMs);
    return this.#level > 0;
  }

  take(amount: number): void {
    this.#level -= amount;
  }

  waitMs(nowMs: number): number {
    this.#fill(nowMs);
    return Math.max(1, Math.ceil((-this.#level / this.perSecond) * 1000) + 1);
  }

  #fill(nowMs: number): void {
    const sinceMs = Math.max(0, nowMs - this.#atMs);
    this.#level = Math.min(this.#size, this.#level + (sinceMs / 1000) * this.perSecond);
    this.#atMs = Math.max(this.#atMs, nowMs);
  }
}

/** A rate, of one thread or of several. Times are on the thread's own clock. */
export interface Bucket {
  readonly perSecond: number;
  /** Is there something left? */
  hasSome(nowMs: number): boolean;
  /** Takes, whether there is as much or not. */
  take(amount: number): void;
  /** When there will be something: whole milliseconds, at least 1. */
  waitMs(nowMs: number): number;
}
