/**
 * Bounds the lines of a log that others can bring about at will: `linesBurst` at once and `linesPerSecond` in the long
 * run. What is over that is counted, and the next line that may be written has the count.
 */

const linesBurst = 100;
const linesPerSecond = 20;

export class LineBudget {
  readonly #nowMs: () => number;
  #tokens = linesBurst;
  #refilledAtMs: number;
  #dropped = 0;

  /** @param nowMs a clock that does not go back */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
    this.#refilledAtMs = nowMs();
  }

  /** May one more line be written? Where not, it counts as dropped. */
  take(): boolean {
    const mayWrite = this.#take();
    if (!mayWrite) this.#dropped += 1;
    return mayWrite;
  }

  /** May a line be written that only says how many were dropped? False where none were. */
  takeForDropped(): boolean {
    return this.#dropped > 0 && this.#take();
  }

  /** The field that tells how many were dropped since it was last told; none where none were. */
  dropped(): { readonly linesDropped?: number } {
    const linesDropped = this.#dropped;
    this.#dropped = 0;
    return linesDropped > 0 ? { linesDropped } : {};
  }

  #take(): boolean {
    const nowMs = this.#nowMs();
    this.#tokens = Math.min(linesBurst, this.#tokens + ((nowMs - this.#refilledAtMs) / 1000) * linesPerSecond);
    this.#refilledAtMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
