/**
 * One thread at a time does what takes several words of shared memory. For rare and short work: a thread that finds the lock
 * taken sleeps until it is free, and its event loop with it. A thread that was ended inside, as a server's end does, leaves the
 * lock taken: so nobody waits for longer than a second.
 */
const free = 0;
const taken = 1;
const waitedFor = 2;
/** The work takes microseconds: who has it for so long is gone. */
const patienceMs = 1000;

export class SharedLock {
  static readonly bytes = 8;
  readonly #word: Int32Array;

  /** @param offset of its `SharedLock.bytes` */
  constructor(memory: SharedArrayBuffer, offset: number) {
    this.#word = new Int32Array(memory, offset, 1);
  }

  /** @param work that neither waits nor takes the lock again */
  run<Result>(work: () => Result): Result {
    this.#take();
    try {
      return work();
    } finally {
      if (Atomics.exchange(this.#word, 0, free) === waitedFor) Atomics.notify(this.#word, 0, 1);
    }
  }

  #take(): void {
    if (Atomics.compareExchange(this.#word, 0, free, taken) === free) return;
    while (Atomics.exchange(this.#word, 0, waitedFor) !== free) {
      if (Atomics.wait(this.#word, 0, waitedFor, patienceMs) === 'timed-out') return;
    }
  }
}
