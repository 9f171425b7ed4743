/**
 * Notices that nobody is at the other end any more, where no end of the connection says so: a machine that lost its power, a
 * cable that was cut, a process that was stopped.
 *
 * While a reply is awaited and nothing comes for an interval, the server is asked `$ping`, which it answers whatever its
 * operations do. Where nothing comes for another interval either, the connection is dead. Behind a large request the
 * question may have to wait until the server has read it, so then there is more patience.
 */
import { patientTimer } from './patient-timer.js';

export interface HeartbeatParts {
  /** When bytes last came, as `performance.now()` counts. */
  heardAtMs(): number;
  /** Is a reply awaited? */
  isAwaiting(): boolean;
  /** May the server have much to read before it comes to the question? */
  isMuchUnderWay(): boolean;
  ping(): void;
  /** Nothing came for so many milliseconds. */
  dead(silentMs: number): void;
}

/** Longer than a server lets a large body wait for its turn. */
const patienceMs = 60_000;

export class Heartbeat {
  readonly #intervalMs: number | undefined;
  readonly #parts: HeartbeatParts;
  #stopTimer: (() => void) | undefined;
  #armedAtMs = 0;
  /** Intervals in a row in which nothing came. */
  #silent = 0;

  /** @param intervalMs `undefined`: nothing is ever asked */
  constructor(intervalMs: number | undefined, parts: HeartbeatParts) {
    this.#intervalMs = intervalMs;
    this.#parts = parts;
  }

  /** A reply is awaited from now on. Costs next to nothing where one was before. */
  watch(): void {
    if (this.#stopTimer === undefined && this.#intervalMs !== undefined) this.#arm(this.#intervalMs);
  }

  stop(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
  }

  #arm(intervalMs: number): void {
    this.#armedAtMs = performance.now();
    this.#stopTimer = patientTimer(intervalMs, () => this.#look(intervalMs));
  }

  #look(intervalMs: number): void {
    this.#stopTimer = undefined;
    const isSilent = this.#parts.isAwaiting() && this.#parts.heardAtMs() < this.#armedAtMs;
    this.#silent = isSilent ? this.#silent + 1 : 0;
    const silentMs = this.#silent * intervalMs;
    if (this.#silent >= 2 && (silentMs >= patienceMs || !this.#parts.isMuchUnderWay())) {
      this.#parts.dead(silentMs);
      return;
    }
    if (this.#silent === 1) this.#parts.ping();
    if (this.#parts.isAwaiting()) this.#arm(intervalMs);
  }
}
