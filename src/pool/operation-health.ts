import { isWasteful } from './owner-costs.js';

/**
 * What an operation costs in threads. Three measures keep an operation that ends its threads from starving the others:
 *
 * - One that has just cost a thread is *costly* for a while: it may only run where another warm thread is left.
 * - One of which many tasks have to be ended with their threads is *wasteful*: such ends have a rate, and only clients
 *   whose tasks come to their end are not held to it (`owner-costs.ts`).
 * - One that kills its thread almost each time is *deadly*: its tasks are refused for a while, twice as long each time,
 *   and in between it runs one task at a time.
 *
 * Runs and deaths are counted with a half-life, so that an operation that was mended is soon like any other.
 */

const halfLifeMs = 30_000;
/** A little under 3, since each count has begun to fade when the next one comes. */
const deathsMin = 2.5;
const backOffFirstMs = 500;
const backOffMaxMs = 30_000;
const costlyMs = 2_000;

export class OperationHealth {
  readonly #nowMs: () => number;
  #runs = 0;
  #deaths = 0;
  #costs = 0;
  #fadedAtMs: number;
  #backOffs = 0;
  #refusesUntilMs = 0;
  #costlyUntilMs = 0;

  /** @param nowMs a clock that does not go back */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
    this.#fadedAtMs = nowMs();
  }

  /** A run came to its end. */
  noteRun(): void {
    if (this.#deaths > 0 || this.#costs > 0) this.#fade();
    this.#runs += 1;
  }

  /** A thread was ended because a task of it was cancelled or late. That is the caller's doing, but it costs all the same. */
  noteCost(): void {
    this.#fade();
    this.#costs += 1;
    this.#costlyUntilMs = this.#nowMs() + costlyMs;
  }

  /** A thread died of it. */
  noteDeath(): void {
    this.noteCost();
    this.#deaths += 1;
    if (!this.isDeadly) this.#backOffs = 0;
    else {
      this.#backOffs += 1;
      this.#refusesUntilMs = this.#nowMs() + Math.min(backOffMaxMs, backOffFirstMs * 2 ** (this.#backOffs - 1));
    }
  }

  /** Did more than one run in three kill its thread, and not just by chance? */
  get isDeadly(): boolean {
    return this.#deaths >= deathsMin && 2 * this.#deaths > this.#runs;
  }

  get isCostly(): boolean {
    return this.#costlyUntilMs > 0 && this.#nowMs() < this.#costlyUntilMs;
  }

  /** Do many of its tasks have to be ended with their threads? */
  get isWasteful(): boolean {
    return isWasteful({ runs: this.#runs, costs: this.#costs });
  }

  /** For how long its tasks are refused from now on; 0 where they are not. */
  get refusesForMs(): number {
    return this.#refusesUntilMs === 0 ? 0 : Math.max(0, Math.ceil(this.#refusesUntilMs - this.#nowMs()));
  }

  #fade(): void {
    const nowMs = this.#nowMs();
    const factor = 0.5 ** ((nowMs - this.#fadedAtMs) / halfLifeMs);
    this.#fadedAtMs = nowMs;
    this.#runs *= factor;
    this.#deaths *= factor;
    this.#costs *= factor;
  }
}
