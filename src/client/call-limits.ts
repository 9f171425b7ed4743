/**
 * The time limits of calls, at little cost for those that share one.
 *
 * Calls that bring no limit have that of their client, so that they run out in the order in which they were made. They wait
 * in a queue with one timer for all: a call joins it and leaves it, and no timer is made or taken back. A call that brings
 * a limit has a timer of its own.
 *
 * Invariant: a call is in the queue until it is settled. The queue's timer is armed while anybody is in the queue, for a
 * moment that is not later than the first one's.
 */

import type { Call } from './call.js';
import { patientTimer } from './patient-timer.js';

export class CallLimits {
  readonly #sharedMs: number | undefined;
  readonly #expired: (call: Call) => void;
  /** The calls that share a limit, in order of `expiresAtMs`. */
  readonly #queue = new Set<Call>();
  #stopTimer: (() => void) | undefined;

  /**
   * @param sharedMs the time that calls without a limit of their own have; `undefined` for any
   * @param expired is given each call whose time is over, and has to settle it
   */
  constructor(sharedMs: number | undefined, expired: (call: Call) => void) {
    this.#sharedMs = sharedMs;
    this.#expired = expired;
  }

  watchOwn(call: Call, limitMs: number): void {
    call.onSettled(patientTimer(limitMs, () => this.#expired(call)));
  }

  watchShared(call: Call): void {
    if (this.#sharedMs === undefined) return;
    call.expiresAtMs = performance.now() + this.#sharedMs;
    call.queue = this.#queue;
    this.#queue.add(call);
    this.#stopTimer ??= this.#arm(this.#sharedMs);
  }

  /** Takes the timer back, so that it does not keep the process alive. To be called when no call will come any more. */
  stop(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
  }

  /** After a stall each of them waits as long as the limit would let a timer of its own wait. */
  #arm(delayMs: number): () => void {
    return patientTimer(delayMs, () => this.#sweep(), this.#sharedMs);
  }

  #sweep(): void {
    this.#stopTimer = undefined;
    const nowMs = performance.now();
    for (const call of this.#queue) {
      if (call.expiresAtMs > nowMs) {
        this.#stopTimer = this.#arm(call.expiresAtMs - nowMs);
        return;
      }
      this.#expired(call);
    }
  }
}
