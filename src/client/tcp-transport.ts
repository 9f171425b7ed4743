/** The transport over TCP, for Node. What is written in one turn of the event loop goes to the kernel in one call. */

import net from 'node:net';
import { address } from '../protocol/address.js';
import type { OpenTransport, Transport, TransportHandlers } from './transport.js';

/** Bytes that Node holds for the socket before `write` asks to wait. */
const writeBufferBytes = 256 * 1024;

/** Silence after which the kernel begins to ask whether the peer is still there. */
export const keptAliveAfterMs = 30_000;

/** What a write fails with where the peer has reset the connection. What came before can still be read, and then it ends. */
const endsReading = ['EPIPE', 'ECONNRESET'];

type Written = (error?: Error | null) => void;

/**
 * Makes a socket whose failed `write` does not take away what the peer sent before it reset the connection. A server may
 * answer a request and close while the rest of it is still being written. Node destroys a socket as soon as a write fails,
 * with bytes unread in the kernel. So the failure is told when reading has come to its own end, which is near then.
 */
export function makePatient<S extends net.Socket>(socket: S): S {
  const [write, writev] = [socket._write, socket._writev!];
  const whenRead = (callback: Written): Written => {
    return (error) => {
      const readable = !socket.readableEnded && !socket.destroyed;
      if (!error || !readable || !endsReading.includes((error as NodeJS.ErrnoException).code!)) {
        callback(error);
        return;
      }
      let told = false;
      const tell = (): void => {
        if (told) return;
        told = true;
        callback(error);
      };
      socket.once('end', tell).once('close', tell);
    };
  };
  socket._write = (chunk, encoding, callback) => write.call(socket, chunk, encoding, whenRead(callback));
  socket._writev = (chunks, callback) => writev.call(socket, chunks, whenRead(callback));
  return socket;
}

/** A transport over a socket, or over one that wraps another. */
export class SocketTransport implements Transport {
  readonly peer: string;
  readonly #socket: net.Socket;
  readonly #raw: net.Socket;
  #corked = false;
  /** Has a caller been told to wait? */
  #full = false;
  readonly #uncork = (): void => {
    this.#corked = false;
    this.#socket.uncork();
  };

  /**
   * @param raw the socket that the kernel knows
   * @param opens the event at which bytes can be sent and the peer is verified
   */
  constructor(
    peer: string,
    socket: net.Socket,
    raw: net.Socket,
    opens: 'connect' | 'secureConnect',
    handlers: TransportHandlers,
  ) {
    this.peer = peer;
    this.#socket = socket;
    this.#raw = raw;
    let failure: Error | undefined;
    const fail = (error: Error) => {
      failure ??= error;
    };
    if (raw !== socket) raw.on('error', fail);
    this.#socket
      .on(opens, () => handlers.opened())
      .on('data', (chunk) => handlers.received(chunk))
      // In a turn of its own: a writer that always has more would else keep the process from reading.
      .on('drain', () => setImmediate(() => this.#drained(handlers)))
      .on('error', fail)
      .on('close', () => handlers.closed(failure));
  }

  write(bytes: Uint8Array): boolean {
    if (!this.#socket.writable) return true;
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
      process.nextTick(this.#uncork);
    }
    // A TLS socket asks to wait earlier; what it asks for then is not told on.
    if (!this.#socket.write(bytes) && this.#socket.writableLength >= writeBufferBytes) this.#full = true;
    return !this.#full;
  }

  end(): void {
    this.#socket.end();
  }

  /** With a reset: a server cannot tell a plain close from a half-close, and would finish work that nobody waits for. */
  destroy(): void {
    const { connecting, destroyed, writableEnded } = this.#socket;
    // libuv resets no socket that is being shut down, and Node then leaves it open for ever.
    if (connecting || destroyed || writableEnded) this.#socket.destroy();
    else this.#raw.resetAndDestroy();
  }

  #drained(handlers: TransportHandlers): void {
    if (this.#socket.closed || !this.#full) return;
    this.#full = false;
    handlers.drained();
  }
}

// net.Socket hands its options on to the stream that it is, which its type does not say.
const buffering: net.SocketConstructorOpts & { writableHighWaterMark: number } = {
  writableHighWaterMark: writeBufferBytes,
};

export function tcpTransport(host: string, port: number): OpenTransport {
  return (handlers) => {
    const socket = makePatient(new net.Socket(buffering));
    const transport = new SocketTransport(address(host, port), socket, socket, 'connect', handlers);
    socket.connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: keptAliveAfterMs });
    return transport;
  };
}
