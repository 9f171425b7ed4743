/** When a connection was of use to its peer, in milliseconds as `performance.now()` gives them. */
export class ConnectionClock {
  #openedAtMs = performance.now();
  #receivedAtMs = 0;
  #settledAtMs = 0;
  // True, so that what a new connection brought with it is read before it counts as quiet.
  #isHeardOf = true;

  get openedAtMs(): number {
    return this.#openedAtMs;
  }

  /** 0 as long as nothing came. */
  get receivedAtMs(): number {
    return this.#receivedAtMs;
  }

  /** Without its writing side. */
  get usedAtMs(): number {
    return Math.max(this.#openedAtMs, this.#receivedAtMs, this.#settledAtMs);
  }

  received(): void {
    this.#isHeardOf = true;
    this.#receivedAtMs = performance.now();
  }

  /** A request was answered. */
  settled(): void {
    this.#settledAtMs = performance.now();
  }

  /** What the kernel holds may still be read. */
  mayHear(): void {
    this.#isHeardOf = true;
  }

  /** Has anything come, or could it have, since the last look? */
  look(): boolean {
    const isHeardOf = this.#isHeardOf;
    this.#isHeardOf = false;
    return isHeardOf;
  }

  /** The peer was not read from for so long, and it is not to be held against it. */
  forgive(ms: number): void {
    this.#openedAtMs += ms;
  }
}
