/**
 * The server's side of a connection without a socket: what a test feeds is received, what is written is kept, and the
 * peer takes as much of it as the test lets it.
 */
import type { Channel, ChannelHandlers, ReadTarget, WriteState } from '../../src/server/channel/channel.js';

export class MemoryChannel implements Channel {
  readonly address = { remoteAddress: 'memory', remotePort: 1 };
  readonly identity: string | undefined;
  readonly handlers: ChannelHandlers;
  /** What the peer has taken. */
  readonly taken: Buffer[] = [];
  /** What a write answers while the peer takes nothing. */
  stalledState: Exclude<WriteState, 'taken'> = 'held';
  isStalled = false;
  isPaused = false;
  isEnded = false;
  isDestroyed = false;
  isGone = false;
  #writing: Uint8Array | undefined;
  #target: ReadTarget | undefined;

  constructor(handlersOf: (channel: Channel) => ChannelHandlers, identity?: string) {
    this.identity = identity;
    this.handlers = handlersOf(this);
    this.#target = this.handlers.nextTarget();
  }

  get takenBytes(): Buffer {
    return Buffer.concat(this.taken);
  }

  /** The peer sends bytes, which stand where the server wants them, as far as it says so. */
  feed(bytes: Uint8Array): void {
    let rest = bytes;
    while (rest.length > 0) {
      const target = this.#target;
      const part = target === undefined ? rest : rest.subarray(0, target.bytes.length);
      rest = rest.subarray(part.length);
      target?.bytes.set(part);
      this.handlers.received(target === undefined ? part : target.bytes.subarray(0, part.length));
      target?.release();
      this.#target = this.handlers.nextTarget();
    }
  }

  /** The peer takes what is being written; answers how many bytes that were. */
  takeWrite(): number {
    const bytes = this.#writing;
    if (bytes === undefined) return 0;
    this.#writing = undefined;
    this.taken.push(Buffer.from(bytes));
    this.handlers.written();
    return bytes.length;
  }

  write(bytes: Uint8Array): WriteState {
    if (this.#writing !== undefined) throw new Error('a write came while another one was under way');
    if (!this.isStalled) {
      this.taken.push(Buffer.from(bytes));
      return 'taken';
    }
    // Held bytes must stay as they are; copied ones need not.
    this.#writing = this.stalledState === 'held' ? bytes : Buffer.from(bytes);
    return this.stalledState;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  end(): void {
    this.isEnded = true;
  }

  destroy(): void {
    if (this.isDestroyed) return;
    this.isDestroyed = true;
    this.#target?.release();
    this.#target = undefined;
    this.handlers.closed();
  }

  retarget(): boolean {
    this.#target?.release();
    this.#target = this.handlers.nextTarget();
    return true;
  }

  isPeerGone(): boolean {
    return this.isGone;
  }
}
