/** The transport over TCP, for Node. What is written in one turn of the event loop goes to the kernel in one call. */

import net from 'node:net';
import type { OpenTransport, Transport, TransportHandlers } from './transport.js';

/** Bytes that Node holds for the socket before `write` asks to wait. */
const writeBufferBytes = 256 * 1024;

/** Silence after which the kernel begins to ask whether the peer is still there. */
const keepAliveAfterMs = 30_000;

/** What a write fails with where the peer has reset the connection. What came before can still be read, and then it ends. */
const endsReading = ['EPIPE', 'ECONNRESET'];

type Written = (error?: Error | null) => void;

/**
 * A socket whose failed `write` does not take away what the peer sent before it reset the connection: a server may answer
 * a request and close while its rest is still being written. Node destroys a socket as soon as a write fails, with
 * bytes unread in the kernel; so the failure is told when reading has come to its own end, which is near then.
 */
class PatientSocket extends net.Socket {
  override _write(chunk: Uint8Array, encoding: BufferEncoding, callback: Written): void {
    super._write(chunk, encoding, this.#whenRead(callback));
  }

  override _writev(chunks: { chunk: Uint8Array; encoding: BufferEncoding }[], callback: Written): void {
    super._writev!(chunks, this.#whenRead(callback));
  }

  #whenRead(callback: Written): Written {
    return (error) => {
      const readable = !this.readableEnded && !this.destroyed;
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
      this.once('end', tell).once('close', tell);
    };
  }
}

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
    this.#socket = new PatientSocket(buffering)
      .on('connect', () => handlers.opened())
      .on('data', (chunk) => handlers.received(chunk))
      // In a turn of its own: a writer that always has more would else keep the process from reading.
      .on('drain', () => setImmediate(() => handlers.drained()))
      .on('error', (error) => {
        failure = error;
      })
      .on('close', () => handlers.closed(failure))
      .connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveAfterMs });
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

// net.Socket hands its options on to the stream that it is, which its type does not say.
const buffering: net.SocketConstructorOpts & { writableHighWaterMark: number } = {
  writableHighWaterMark: writeBufferBytes,
};

export function tcpTransport(host: string, port: number): OpenTransport {
  return (handlers) => new TcpTransport(host, port, handlers);
}
