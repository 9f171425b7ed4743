import { RecentEvents } from './recent-events.js';

/**
 * How soon the next thread may be started. Threads that cannot start, or that die of something that no operation can be
 * blamed for, are replaced more and more slowly. Deaths are counted in a window of time: a success in between does not
 * make a thread that dies every 150 ms any better.
 */

const windowMs = 60_000;
const delayFirstMs = 100;
const delayMaxMs = 10_000;

export class StartPace {
  readonly #deaths: RecentEvents;

  /** @param nowMs a clock that does not go back */
  constructor(nowMs?: () => number) {
    this.#deaths = new RecentEvents(windowMs, nowMs);
  }

  /** Notes a death; gives the milliseconds to wait before the next start. */
  note(): number {
    this.#deaths.note();
    return Math.min(delayMaxMs, delayFirstMs * 2 ** (this.recent - 1));
  }

  /** Deaths of the window. */
  get recent(): number {
    return this.#deaths.count;
  }
}
