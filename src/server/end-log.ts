import type { OperationLog } from '../ops/define-operation.js';
import type { PeerAddress } from './channel/channel.js';
import type { EndReason, Observer } from './observer.js';

/** Lines between two calls of `sweep`: a crowd of bad peers is counted, and must not fill the disk. */
const linesMax = 10;

/** Counts the connections that the server ends, and tells the log of some of them. */
export class EndLog {
  readonly #observer: Observer;
  readonly #log: OperationLog;
  #lines = 0;

  constructor(observer: Observer, log: OperationLog) {
    this.#observer = observer;
    this.#log = log;
  }

  /** @param why a phrase of the server's own, with nothing in it of what the peer has sent */
  note(reason: EndReason, { remoteAddress, remotePort }: PeerAddress, why?: string): void {
    this.#observer.connectionEnded(reason);
    // A drain ends all of them, which its own lines tell.
    if (reason === 'drain' || ++this.#lines > linesMax) return;
    this.#log.info({ reason, why, remoteAddress, remotePort }, 'the server ends a connection');
  }

  /** Lets the next lines through; called now and then. */
  sweep(): void {
    if (this.#lines > linesMax) this.#log.info({ more: this.#lines - linesMax }, 'the server ended more connections');
    this.#lines = 0;
  }
}
