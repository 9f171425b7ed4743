/**
 * Shares what is costly to make among those who ask for it in a loop.
 *
 * Invariants: an answer is never older than its question; one is made at a time; and beyond a small burst, at most so many
 * are made a second, each for all who wait by then.
 */

const burst = 4;
const everyMs = 250;

export class SharedRendering<T> {
  readonly #render: () => Promise<T>;
  /** A rendering that has not begun: whoever asks now may share it. */
  #next: Promise<T> | undefined;
  #current: Promise<unknown> = Promise.resolve();
  #credit = burst;
  #creditAtMs = performance.now();

  constructor(render: () => Promise<T>) {
    this.#render = render;
  }

  get(): Promise<T> {
    if (this.#next === undefined) {
      const next = this.#renderInTurn();
      this.#next = next;
      this.#current = next.catch(() => {});
    }
    return this.#next;
  }

  async #renderInTurn(): Promise<T> {
    await this.#current;
    const waitMs = this.#takeCredit();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    this.#next = undefined;
    return this.#render();
  }

  /** @returns how long to wait for it */
  #takeCredit(): number {
    const nowMs = performance.now();
    this.#credit = Math.min(burst, this.#credit + (nowMs - this.#creditAtMs) / everyMs);
    this.#creditAtMs = nowMs;
    this.#credit--;
    return Math.max(0, -this.#credit * everyMs);
  }
}
