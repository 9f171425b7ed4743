/**
 * What the client needs of a connection: bytes out, bytes in, and events. TCP is one transport. TLS, and a WebSocket in a
 * browser, can be others. A transport knows nothing of frames: the borders of chunks and of messages mean nothing.
 *
 * The contract, which `test/client/transport.test.ts` holds the transports of this tree to:
 *
 * - {@link OpenTransport} does not throw. What cannot be connected is told by `closed`, with an error.
 * - No handler is called before it has returned, and none from within `write`, `end` or `destroy`.
 * - `opened` comes at most once, and before any `received` or `drained`. A transport with a handshake (TLS, WebSocket) is
 *   open when bytes of the caller can be sent, and its peer is verified by then.
 * - `closed` comes exactly once, whatever happens, and nothing after it. All that the peer sent before an orderly end was
 *   given to `received` before; the same holds for what came before a reset, as far as the platform lets it be read.
 */

export interface TransportHandlers {
  /** The connection is open; from now on `write` may be called. */
  opened(): void;
  /** Bytes came. The transport does not write to `chunk` again. */
  received(chunk: Uint8Array): void;
  /**
   * After a `write` that returned false: there is room again. Once for each time that it became full, and in a turn of
   * the event loop of its own, so that a writer that always has more does not keep the process from reading.
   */
  drained(): void;
  /** The end, also where the connection never opened. Without `error` it ended in an orderly way. */
  closed(error?: Error): void;
}

export interface Transport {
  /** Whom this connects to, for messages: `127.0.0.1:5000`. Known at once, and never changed. */
  readonly peer: string;
  /**
   * Takes bytes to send, which must not be changed afterwards. They go out in order, and after a false too.
   * A transport that is ending or closed drops them.
   * @returns false where it holds enough: the caller waits for `drained`.
   */
  write(bytes: Uint8Array): boolean;
  /**
   * Sends what it holds, then says that nothing more will come; bytes may still be received. A transport without a
   * half-close (WebSocket) closes in its place: the client calls this only when no reply is awaited. `closed` follows when the
   * peer ends its side too. Further calls do nothing.
   */
  end(): void;
  /** Ends the connection at once and drops what it holds. `closed` follows. Further calls do nothing. */
  destroy(): void;
}

/** Begins to connect. */
export type OpenTransport = (handlers: TransportHandlers) => Transport;
