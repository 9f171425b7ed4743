/**
 * May one more request be taken? The limits on requests in flight, and the first stage of overload, in one place.
 *
 * Invariant: `inFlight` is the number of requests that were begun and have not ended, of all peers of this I/O thread.
 */
import type { RefusalLimit } from '../observer.js';
import type { Overload } from '../overload.js';
import { LocalTally, type Tally } from '../tally.js';
import type { Peer } from './peer.js';

export interface Refusal {
  readonly limit: RefusalLimit;
  readonly message: string;
  readonly retryAfterMs?: number | undefined;
}

export interface AdmissionLimits {
  /** Requests in flight that a peer may have. */
  readonly maxRequests: number;
  /** Requests in flight that all peers together may have. */
  readonly maxTotalRequests: number;
}

/** What a peer may hold while work is shed: the start of one large frame, and some replies on their way. */
const freeBytes = 128 * 1024;

export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #overload: Pick<Overload, 'stage' | 'retryAfterMs'>;
  #inFlight = 0;
  /** Of all I/O threads. */
  readonly #all: Tally;

  /** @param all counts the requests in flight of all I/O threads */
  constructor(
    limits: AdmissionLimits,
    overload: Pick<Overload, 'stage' | 'retryAfterMs'>,
    all: Tally = new LocalTally(),
  ) {
    this.#all = all;
    this.#limits = limits;
    this.#overload = overload;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** The part of the requests in flight that are there, 0 to 1. */
  get usedRatio(): number {
    return this.#all.value / this.#limits.maxTotalRequests;
  }

  /** Why a new request of this peer is not taken; `undefined` where it is. */
  refusal(peer: Pick<Peer, 'inFlight' | 'share'>): Refusal | undefined {
    const { maxRequests, maxTotalRequests } = this.#limits;
    if (peer.inFlight.size >= maxRequests) {
      const message = `${maxRequests} requests of this connection are in flight, and no more may be (--max-requests)`;
      return { limit: 'max_requests', message };
    }
    if (this.#all.value >= maxTotalRequests) {
      const message = `${maxTotalRequests} requests are in flight in this server, and no more may be (--max-total-requests)`;
      return { limit: 'max_total_requests', message, retryAfterMs: this.#overload.retryAfterMs };
    }
    return this.shed(peer);
  }

  /**
   * Why a new request of this peer is not even begun to be read: the server is overloaded, and the peer has work under way
   * already. One that has none is served: whoever asks for little is not shut out by those who ask for much.
   */
  shed({ inFlight, share }: Pick<Peer, 'inFlight' | 'share'>): Refusal | undefined {
    if (this.#overload.stage === 0 || (inFlight.size === 0 && share.held <= freeBytes)) return undefined;
    const message = 'the server is overloaded, and takes no further work of a connection that has some under way';
    return { limit: 'overload', message, retryAfterMs: this.#overload.retryAfterMs };
  }

  begin(): void {
    this.#inFlight++;
    this.#all.add(1);
  }

  end(): void {
    this.#inFlight--;
    this.#all.add(-1);
  }
}
