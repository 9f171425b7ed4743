/**
 * The bytes that the whole server may hold for requests that are not done: unfinished frames and waiting tasks.
 * Invariant: 0 ≤ held ≤ max; whoever took gives back exactly what it took.
 */
export class ByteBudget {
  readonly max: number;
  #held = 0;

  /** @param max bytes */
  constructor(max: number) {
    this.max = max;
  }

  get held(): number {
    return this.#held;
  }

  /** Takes `bytes` if they are left; false, and nothing taken, where they are not. */
  take(bytes: number): boolean {
    if (this.#held + bytes > this.max) return false;
    this.#held += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#held -= bytes;
  }
}

/** What whoever finds it empty is told. */
export const budgetIsEmpty = 'the server holds as many bytes of unfinished requests as it may';
