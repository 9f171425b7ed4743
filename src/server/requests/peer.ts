import type { Identity } from '../access/identity.js';
import type { BudgetShare } from '../byte-budget.js';
import type { RequestRecord } from './request.js';

/** How a request may be ended before it is answered. */
export type EndCode = 'CANCELLED' | 'DEADLINE_EXCEEDED';

/** A request that waits or runs outside the I/O thread. */
export interface InFlight {
  request: RequestRecord;
  /** Whose it is: the peer may become somebody else meanwhile. */
  readonly identity?: Identity | undefined;
  /** Answers it with the code, at once, and stops the work. */
  end(code: EndCode, message: string): void;
}

/** Whoever sends requests and reads frames: a connection. */
export interface Peer {
  /** Who it has proved to be. */
  readonly identity: Identity | undefined;
  /** It has proved who it is just now. Absent where a request comes with its identity. */
  readonly identify?: (identity: Identity) => void;
  /** Where it comes from, where that is known. */
  readonly remoteAddress: string | undefined;
  /** What of the server's budget its requests and replies hold. */
  readonly share: BudgetShare;
  /** What it waits for. The dispatcher adds and removes. */
  readonly inFlight: Set<InFlight>;
  /** Takes one whole reply; false, and nothing is sent, where the budget has no room for it. Short ones always fit. */
  send(frame: Uint8Array): boolean;
  /**
   * Takes nothing more, sends a reply after `delayMs` and closes once it is flushed: the peer has no credentials.
   * @param sent called once, when that is done or cannot be any more
   */
  sendLast(frame: Uint8Array, delayMs?: number, sent?: () => void): void;
  /** Closes on the spot a peer that has sent too many wrong tokens. */
  hangUp(): void;
  /**
   * Takes a `$draining`, which it answers when the server begins to drain, or when no more requests come. False, and nothing
   * is done, where it has taken one before.
   */
  awaitDrain(request: RequestRecord): boolean;
  /** Called when a request has left `inFlight`, its reply sent. */
  settled(): void;
}

/** Ends whatever a peer waits for: it is gone, or does not want it any more. */
export function cancelAll(peer: Pick<Peer, 'inFlight'>, message: string): void {
  for (const request of peer.inFlight) request.end('CANCELLED', message);
}
