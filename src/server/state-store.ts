/** What engines leave of sums between two parts, in shared memory that is used again, as segments are. */
export class StateStore {
  readonly #stateBytes: number;
  readonly #free: Uint8Array[] = [];

  constructor(stateBytes: number) {
    this.#stateBytes = stateBytes;
  }

  get keptBytes(): number {
    return this.#free.length * this.#stateBytes;
  }

  /** What stands in it is whatever was there last. */
  take(): Uint8Array {
    return this.#free.pop() ?? new Uint8Array(new SharedArrayBuffer(this.#stateBytes));
  }

  /** Takes back a state that no thread reads. */
  putBack(state: Uint8Array): void {
    this.#free.push(state);
  }
}
