import type { Socket } from 'node:net';

/** Why a peer is not read from: it does not read itself, or the body at hand has no room. */
export type PauseReason = 'unread' | 'body';

/** Stops and resumes the reading from a socket, as long as there is any reason to. */
export class ReadPause {
  readonly #socket: Socket;
  readonly #reasons = new Set<PauseReason>();
  #sinceMs = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  get isPaused(): boolean {
    return this.#reasons.size > 0;
  }

  /** False where it was paused for this reason already. */
  pause(reason: PauseReason): boolean {
    if (this.#reasons.has(reason)) return false;
    if (!this.isPaused) this.#sinceMs = performance.now();
    this.#reasons.add(reason);
    this.#socket.pause();
    return true;
  }

  /** Takes a reason away; answers how long the pause was, in milliseconds, where this ended it. */
  resume(reason: PauseReason): number | undefined {
    if (!this.#reasons.delete(reason) || this.isPaused) return undefined;
    this.#socket.resume();
    return performance.now() - this.#sinceMs;
  }

  /** Reads whatever the reasons were. */
  clear(): void {
    this.#reasons.clear();
    this.#socket.resume();
  }
}
