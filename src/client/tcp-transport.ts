/** The transport over TCP, for Node. What is written in one turn of the event loop goes to the kernel in one call. */

import net from 'node:net';
import type { OpenTransport, Transport, TransportHandlers } from './transport.js';

/** Bytes that Node holds for the socket before `write` asks to wait. */
const writeBufferBytes = 256 * 1024;

/** Silence after which the kernel begins to ask whether the peer is still there. */
const keepAliveAfterMs = 30_000;

class TcpTransport implements Transport {
  readonly peer: string;
  readonly #socket: net.Socket;
  #corked = false;
  readonly #uncork = (): void => {
    this.#corked = false;
    this.#socket.uncork();
  };

  constructor(host: string, port: number, handlers: TransportHandlers) {
    this.peer = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    let failure: Error | undefined;
    this.#socket = net
      .connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveAfterMs, ...buffering })
      .on('connect', () => handlers.opened())
      .on('data', (chunk) => handlers.received(chunk))
      .on('drain', () => handlers.drained())
      .on('error', (error) => {
        failure = error;
      })
      .on('close', () => handlers.closed(failure));
  }

  write(bytes: Uint8Array): boolean {
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
      process.nextTick(this.#uncork);
    }
    return this.#socket.write(bytes);
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

// net.connect hands its options on to the stream it makes, which its type does not say.
const buffering: object = { writableHighWaterMark: writeBufferBytes };

export function tcpTransport(host: string, port: number): OpenTransport {
  return (handlers) => new TcpTransport(host, port, handlers);
}
