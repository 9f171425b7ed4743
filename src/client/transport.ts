/**
 * What the client needs of a connection: bytes out, bytes in, and to be told. TCP is one transport; a WebSocket in a
 * browser can be another. A transport knows nothing of frames.
 */

export interface TransportHandlers {
  /** The connection stands; from now on `write` may be called. */
  opened(): void;
  /** Bytes came. The transport does not write to `chunk` again. */
  received(chunk: Uint8Array): void;
  /** After a `write` that returned false: there is room again. */
  drained(): void;
  /** The end, called once, also where the connection never stood. Without `error` the peer ended it in an orderly way. */
  closed(error?: Error): void;
}

export interface Transport {
  /** Whom this connects to, for messages: `127.0.0.1:5000`. */
  readonly peer: string;
  /** Takes bytes to send, which must not be changed afterwards. False: it holds enough, wait for `drained`. */
  write(bytes: Uint8Array): boolean;
  /** Sends what it holds, then says that nothing more will come. */
  end(): void;
  /** Ends the connection at once. `closed` follows. */
  destroy(): void;
}

/** Begins to connect. No handler is called before this has returned. */
export type OpenTransport = (handlers: TransportHandlers) => Transport;
