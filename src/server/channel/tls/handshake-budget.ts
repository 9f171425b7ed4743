/**
 * The loop time that handshakes may have, as an account. It earns a part of the time that passes, and all that the loop
 * stands idle as long as no two wait; it holds what a few handshakes cost, and may be overdrawn by one. So handshakes that
 * come one after the other are not held up in a loop that nobody else wants, nor are a few at once. A crowd leaves the
 * greater part of the loop to connections that are open, also where it is idle: who finds the loop free most of the time
 * is answered at once.
 *
 * What one handshake took is no good measure: the system may have run something else meanwhile. So each pays what they take
 * on the average.
 *
 * Invariant: the account never holds more than `heldMsMax`.
 */
import { performance } from 'node:perf_hooks';

/** Of the time that passes. */
const share = 0.25;
const heldMsMax = 2;
/** To accept, to take the peer's answer, to make tickets, to close: what is not seen while a handshake begins. */
const costPerBegin = 1.5;
/** What the begin of one counts at least and at most; RSA-4096 is at some 5 ms. */
const beginMsMin = 0.25;
const beginMsMax = 20;
/** How many the average goes back. */
const remembered = 16;

export interface LoopClock {
  nowMs(): number;
  /** For how long the loop has stood idle, in all. */
  idleMs(): number;
}

const loopClock: LoopClock = {
  nowMs: () => performance.now(),
  idleMs: () => performance.eventLoopUtilization().idle,
};

export class HandshakeBudget {
  readonly #clock: LoopClock;
  #heldMs = heldMsMax;
  #beginMs = beginMsMin;
  #atMs: number;
  #idleAtMs: number;

  constructor(clock: LoopClock = loopClock) {
    this.#clock = clock;
    this.#atMs = clock.nowMs();
    this.#idleAtMs = clock.idleMs();
  }

  /**
   * May the next handshake begin?
   * @param waiting how many would like to, the next one included
   */
  hasSome(waiting: number): boolean {
    const [nowMs, idleMs] = [this.#clock.nowMs(), this.#clock.idleMs()];
    const earnedMs = (nowMs - this.#atMs) * share + (waiting > 1 ? 0 : idleMs - this.#idleAtMs);
    this.#heldMs = Math.min(heldMsMax, this.#heldMs + earnedMs);
    this.#atMs = nowMs;
    this.#idleAtMs = idleMs;
    return this.#heldMs > 0;
  }

  /** @param tookMs the time from the begin of a handshake to its first answer */
  pay(tookMs: number): void {
    const beginMs = Math.min(beginMsMax, Math.max(beginMsMin, tookMs));
    this.#beginMs += (beginMs - this.#beginMs) / remembered;
    this.#heldMs -= this.#beginMs * costPerBegin;
  }
}
