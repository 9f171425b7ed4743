/**
 * A connection's `$draining`: a request that waits for the drain to begin, or for its peer's end, and is answered once.
 * It is no work: it counts against no limit, and no end waits for it.
 */
import { okFrame } from '../../protocol/replies.js';
import type { Observer } from '../observer.js';
import type { Peer } from '../requests/peer.js';
import type { RequestRecord } from '../requests/request.js';

export class DrainNotice {
  readonly #peer: Pick<Peer, 'send'>;
  readonly #observer: Observer;
  #isAsked = false;
  #waiting: RequestRecord | undefined;
  #isDraining = false;
  #toldAtMs: number | undefined;

  constructor(peer: Pick<Peer, 'send'>, observer: Observer) {
    this.#peer = peer;
    this.#observer = observer;
  }

  /** When the peer was told that the server drains, as `performance.now()` gives it. */
  get toldAtMs(): number | undefined {
    return this.#toldAtMs;
  }

  /** Takes the request; false, and nothing is done, where the connection has asked before. */
  ask(request: RequestRecord): boolean {
    if (this.#isAsked) return false;
    this.#isAsked = true;
    this.#waiting = request;
    if (this.#isDraining) this.#answer(true);
    return true;
  }

  /** The server drains. */
  tell(): void {
    this.#isDraining = true;
    this.#answer(true);
  }

  /** The connection ends: a request that waits has its answer now. */
  end(): void {
    this.#answer(this.#isDraining);
  }

  #answer(isDraining: boolean): void {
    const request = this.#waiting;
    if (request === undefined) return;
    this.#waiting = undefined;
    if (isDraining) this.#toldAtMs = performance.now();
    this.#peer.send(okFrame(request.idToken, `{"draining":${isDraining}}`));
    // How long it waited says nothing of the server: it is counted without a time.
    this.#observer.answered(request, 'ok');
  }
}
