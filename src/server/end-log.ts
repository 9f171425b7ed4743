import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import type { Counters, EndReason } from './counters.js';

/** Lines between two calls of `sweep`: a crowd of bad peers is counted, and must not fill the disk. */
const linesMax = 10;

/** Counts the connections that the server ends, and tells the log of some of them. */
export class EndLog {
  readonly #counters: Counters;
  readonly #log: Logger;
  #lines = 0;

  constructor(counters: Counters, log: Logger) {
    this.#counters = counters;
    this.#log = log;
  }

  /** Call it while the socket is still open, so that the peer's address is known. */
  note(reason: EndReason, socket: Socket): void {
    this.#counters.connectionsEnded[reason]++;
    // A drain ends all of them, which its own lines tell.
    if (reason === 'drain' || ++this.#lines > linesMax) return;
    const { remoteAddress, remotePort } = socket;
    this.#log.info({ reason, remoteAddress, remotePort }, 'the server ends a connection');
  }

  /** Lets the next lines through; called now and then. */
  sweep(): void {
    if (this.#lines > linesMax) this.#log.info({ more: this.#lines - linesMax }, 'the server ended more connections');
    this.#lines = 0;
  }
}
