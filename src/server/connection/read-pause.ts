import type { Channel } from '../channel/channel.js';

/**
 * Why a peer is not read from: it does not read itself (`unread`), the body at hand has no room (`body`), others have
 * their turn (`turn`), or it waits to be told that its token is wrong (`delay`).
 */
export type PauseReason = 'unread' | 'body' | 'turn' | 'delay';

const bits: Readonly<Record<PauseReason, number>> = { unread: 1, body: 2, turn: 4, delay: 8 };

/** Stops and resumes the reading from a channel, as long as there is any reason to. */
export class ReadPause {
  readonly #channel: Channel;
  /** A bit for each reason: ten thousand idle connections have no use for as many sets. */
  #reasons = 0;
  #sinceMs = 0;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  get isPaused(): boolean {
    return this.#reasons !== 0;
  }

  has(reason: PauseReason): boolean {
    return (this.#reasons & bits[reason]) !== 0;
  }

  pause(reason: PauseReason): void {
    if (!this.isPaused) {
      this.#sinceMs = performance.now();
      this.#channel.pause();
    }
    this.#reasons |= bits[reason];
  }

  /** Takes a reason away. Where it was the last one, answers how long the pause was in milliseconds. */
  lift(reason: PauseReason): number | undefined {
    if (!this.has(reason)) return undefined;
    this.#reasons &= ~bits[reason];
    if (this.isPaused) return undefined;
    return performance.now() - this.#sinceMs;
  }
}
