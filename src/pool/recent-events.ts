/** Counts what happened within a window of time that ends now. */
export class RecentEvents {
  readonly #windowMs: number;
  readonly #nowMs: () => number;
  /** When they were; the oldest first. */
  readonly #atMs: number[] = [];

  /** @param nowMs a clock that does not go back */
  constructor(windowMs: number, nowMs: () => number = () => performance.now()) {
    this.#windowMs = windowMs;
    this.#nowMs = nowMs;
  }

  note(): void {
    this.#atMs.push(this.#nowMs());
  }

  get count(): number {
    const sinceMs = this.#nowMs() - this.#windowMs;
    const firstInside = this.#atMs.findIndex((atMs) => atMs > sinceMs);
    this.#atMs.splice(0, firstInside < 0 ? this.#atMs.length : firstInside);
    return this.#atMs.length;
  }
}
