import type { TaskHandle } from '../pool/task.js';

/** A request that waits or runs outside the I/O thread. */
export interface InFlight {
  /** The request's `id`, unescaped; `undefined` as long as nobody could read it. */
  id: string | undefined;
  handle: TaskHandle | undefined;
}

/** Whoever sends requests: a TCP connection, or one call through the sidecar. */
export interface Peer {
  /** What it waits for. The dispatcher adds and removes. */
  readonly inFlight: Set<InFlight>;
  /** Takes one whole response frame; drops it where nobody is there to read it. */
  send(frame: Uint8Array): void;
  /** Called when a request has left `inFlight`, its response sent. */
  settled(): void;
  /** Sends the response and closes once it is flushed: the peer has no credentials. */
  refuse(frame: Uint8Array): void;
}

/** Ends whatever a peer waits for: it is gone, or does not want it any more. */
export function cancelAll(peer: Peer, message: string): void {
  for (const request of peer.inFlight) request.handle?.end('CANCELLED', message);
}
