import type { Logger } from 'pino';
import type { Counters, EndReason } from './counters.js';

/** Lines between two calls of `sweep`: a crowd of bad peers is counted, and must not fill the disk. */
const linesMax = 10;

/** Of a socket while it is open; afterwards it does not know any more. */
export interface PeerAddress {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}

/** Counts the connections that the server ends, and tells the log of some of them. */
export class EndLog {
  readonly #counters: Counters;
  readonly #log: Logger;
  #lines = 0;

  constructor(counters: Counters, log: Logger) {
    this.#counters = counters;
    this.#log = log;
  }

  note(reason: EndReason, { remoteAddress, remotePort }: PeerAddress): void {
    this.#counters.connectionsEnded[reason]++;
    // A drain ends all of them, which its own lines tell.
    if (reason === 'drain' || ++this.#lines > linesMax) return;
    this.#log.info({ reason, remoteAddress, remotePort }, 'the server ends a connection');
  }

  /** Lets the next lines through; called now and then. */
  sweep(): void {
    if (this.#lines > linesMax) this.#log.info({ more: this.#lines - linesMax }, 'the server ended more connections');
    this.#lines = 0;
  }
}
