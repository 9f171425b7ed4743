/**
 * What is made when it is first asked for, and then kept.
 *
 * Invariant: a failure is not kept. Who waits for it is told, and the next one who asks tries again: what failed may have
 * been a lack of file descriptors that is over by then.
 */
export class Lazy<T> {
  readonly #make: () => Promise<T>;
  #made: Promise<T> | undefined;

  constructor(make: () => Promise<T>) {
    this.#make = make;
  }

  get(): Promise<T> {
    if (this.#made === undefined) {
      const made = this.#make();
      this.#made = made;
      made.catch(() => {
        if (this.#made === made) this.#made = undefined;
      });
    }
    return this.#made;
  }

  /** What is there, or is being made; `undefined` where nothing is, or where it fails. Makes nothing. */
  async peek(): Promise<T | undefined> {
    return this.#made?.catch(() => undefined);
  }
}
