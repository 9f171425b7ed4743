/** Where the failures of addresses are remembered: in the one I/O thread, or where several see them. */
import { createHash } from 'node:crypto';
import { SharedLock } from '../shared-lock.js';

export const addressesMax = 4096;

export interface Failures {
  count: number;
  /** When it failed last. */
  atMs: number;
  /** Answers that it waits for. */
  waiting: number;
}

/** Each access is inside `run`. */
export interface FailureRecords {
  /** Addresses that are remembered. */
  readonly size: number;
  /** Answers that all addresses wait for. */
  waiting: number;
  /** No other thread is in it meanwhile. */
  run<Result>(work: () => Result): Result;
  get(group: string): Failures | undefined;
  /** The one that failed longest ago gives way where there are too many. */
  set(group: string, failures: Failures): void;
}

export class LocalFailures implements FailureRecords {
  /** In the order of their last failures. */
  readonly #byGroup = new Map<string, Failures>();
  waiting = 0;

  get size(): number {
    return this.#byGroup.size;
  }

  run<Result>(work: () => Result): Result {
    return work();
  }

  get(group: string): Failures | undefined {
    return this.#byGroup.get(group);
  }

  set(group: string, failures: Failures): void {
    if (this.#byGroup.get(group)?.atMs !== failures.atMs) this.#byGroup.delete(group);
    this.#byGroup.set(group, failures);
    if (this.#byGroup.size > addressesMax) this.#byGroup.delete(this.#byGroup.keys().next().value!);
  }
}

const numberBytes = Float64Array.BYTES_PER_ELEMENT;
/** A digest fits in an exact number with so many bytes. */
const keyBytes = 6;

/**
 * A table in shared memory. To look at all of its keys takes some microseconds, about what the wrong token's digest takes.
 * The keys stand side by side for that.
 */
export class SharedFailures implements FailureRecords {
  static readonly bytes = SharedLock.bytes + numberBytes * (1 + 4 * addressesMax);
  readonly #lock: SharedLock;
  readonly #waiting: Float64Array;
  /** 0 where there is none. */
  readonly #keys: Float64Array;
  readonly #counts: Float64Array;
  readonly #times: Float64Array;
  readonly #waits: Float64Array;

  /** @param memory of `SharedFailures.bytes`, the same in all threads */
  constructor(memory: SharedArrayBuffer) {
    this.#lock = new SharedLock(memory, 0);
    this.#waiting = new Float64Array(memory, SharedLock.bytes, 1);
    const column = (index: number) =>
      new Float64Array(memory, SharedLock.bytes + numberBytes * (1 + index * addressesMax), addressesMax);
    [this.#keys, this.#counts, this.#times, this.#waits] = [column(0), column(1), column(2), column(3)];
  }

  get size(): number {
    return this.#keys.reduce((sum, key) => sum + (key === 0 ? 0 : 1), 0);
  }

  get waiting(): number {
    return this.#waiting[0]!;
  }

  set waiting(count: number) {
    this.#waiting[0] = count;
  }

  run<Result>(work: () => Result): Result {
    return this.#lock.run(work);
  }

  get(group: string): Failures | undefined {
    const row = this.#keys.indexOf(keyOf(group));
    if (row === -1) return undefined;
    return { count: this.#counts[row]!, atMs: this.#times[row]!, waiting: this.#waits[row]! };
  }

  set(group: string, { count, atMs, waiting }: Failures): void {
    const key = keyOf(group);
    const row = this.#rowFor(key);
    this.#keys[row] = key;
    this.#counts[row] = count;
    this.#times[row] = atMs;
    this.#waits[row] = waiting;
  }

  #rowFor(key: number): number {
    const known = this.#keys.indexOf(key);
    if (known !== -1) return known;
    const free = this.#keys.indexOf(0);
    if (free !== -1) return free;
    let oldest = 0;
    for (let row = 1; row < addressesMax; row++) if (this.#times[row]! < this.#times[oldest]!) oldest = row;
    return oldest;
  }
}

/** From 1. */
function keyOf(group: string): number {
  return 1 + createHash('sha256').update(group).digest().readUIntLE(0, keyBytes);
}
