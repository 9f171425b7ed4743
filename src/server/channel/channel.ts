/**
 * What a connection needs of a socket, and no more: bytes in, bytes out, a pause, a half-close, and who is on the other
 * side. Plain TCP is one channel; TLS, a WebSocket and the pair in memory that tests use are others.
 *
 * Invariants: `received` and `ended` are called in the order of the bytes; after `closed`, which is called once, nothing
 * is called any more. At most one write is under way: after `write` has answered `copied` or `held`, the next one waits
 * for `written`.
 */

/** The peer's address while the channel is open; a socket forgets it when it closes. */
export interface PeerAddress {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}

/** What became of the bytes of a `write`. */
export type WriteState =
  /** They are on their way. The bytes may be overwritten, and more may be written. */
  | 'taken'
  /** The channel has a copy. The bytes may be overwritten; the next write waits for `written`. */
  | 'copied'
  /** The channel reads the bytes until `written`. */
  | 'held';

export interface Channel {
  readonly address: PeerAddress;
  /** Who the peer has proved to be, such as the name in its certificate. Plain TCP knows nobody. */
  readonly identity: string | undefined;
  write(bytes: Uint8Array): WriteState;
  /** Stops reading; both may be called in any state, and again. */
  pause(): void;
  resume(): void;
  /** Half-close: the peer reads an end after what was written. */
  end(): void;
  /** Closes on the spot; `closed` follows. */
  destroy(): void;
  /**
   * Asks for `nextTarget` anew: the place that it gave before is not to be read to any more. False where the channel
   * cannot do so; the place is then in use until the next read.
   */
  retarget(): boolean;
  /** After `ended`: has the peer gone altogether? A reset may look like a half-close. */
  isPeerGone(): boolean;
}

export interface ChannelHandlers {
  /**
   * Where the next read may go, if there is a place of its own for it. It is asked at once after each read, even while
   * the channel is paused.
   */
  nextTarget(): ReadTarget | undefined;
  /** Should the next read bring little? What cannot be worked on at once has to be kept, and takes the others' time. */
  wantsLittle(): boolean;
  /** Bytes came. The next read of any channel overwrites them, unless they stand in the target that was given. */
  received(bytes: Uint8Array): void;
  /** The write that was under way is through. */
  written(): void;
  /** The peer sends nothing more. */
  ended(): void;
  failed(error: Error): void;
  closed(): void;
}

/** A place for a channel's next read. */
export interface ReadTarget {
  readonly bytes: Uint8Array;
  /** Called once when no read goes there any more: after the `received` of the read that did, or at the channel's end. */
  release(): void;
}
