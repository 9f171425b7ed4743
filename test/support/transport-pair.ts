/**
 * A transport for tests where no real socket matters: two ends in memory, by the contract of `src/client/transport.ts`.
 * The test holds the other end and does what a server's socket would do.
 */
import type { OpenTransport, Transport, TransportHandlers } from '../../src/client/transport.js';

/** Bytes that are held before a write asks to wait. */
const heldBytesMax = 64 * 1024;

/** The server's end of a connection. */
export class MemoryPeer {
  /** What the client sent and nobody has taken yet. */
  readonly #held: Uint8Array[] = [];
  #heldBytes = 0;
  #full = false;
  #clientEnded = false;
  #closed = false;
  readonly #handlers: TransportHandlers;

  constructor(handlers: TransportHandlers) {
    this.#handlers = handlers;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Did the client say that nothing more will come? */
  get clientEnded(): boolean {
    return this.#clientEnded;
  }

  open(): void {
    this.#later(() => this.#handlers.opened());
  }

  send(bytes: Uint8Array): void {
    this.#later(() => this.#handlers.received(bytes));
  }

  /** Takes what the client has sent. */
  take(): Buffer {
    const taken = Buffer.concat(this.#held.splice(0));
    this.#heldBytes = 0;
    if (this.#full) {
      this.#full = false;
      this.#later(() => this.#handlers.drained());
    }
    return taken;
  }

  /** Ends the connection: in an orderly way, or with an error as a reset does. */
  close(error?: Error): void {
    this.#later(() => {
      this.#closed = true;
      this.#handlers.closed(error);
    });
  }

  /** The client's end. */
  transport(name: string): Transport {
    return {
      peer: name,
      write: (bytes) => {
        if (this.#closed || this.#clientEnded) return true;
        this.#held.push(bytes);
        this.#heldBytes += bytes.length;
        this.#full = this.#heldBytes > heldBytesMax;
        return !this.#full;
      },
      end: () => {
        this.#clientEnded = true;
      },
      destroy: () => this.close(),
    };
  }

  #later(action: () => void): void {
    setImmediate(() => {
      if (!this.#closed) action();
    });
  }
}

/** @param accept gets the server's end of each connection; it opens nothing by itself */
export function memoryTransport(accept: (peer: MemoryPeer) => void): OpenTransport {
  return (handlers) => {
    const peer = new MemoryPeer(handlers);
    accept(peer);
    return peer.transport('memory');
  };
}
