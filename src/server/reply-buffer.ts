/**
 * A buffer for replies that is used again as soon as the kernel has taken what was in it, which it nearly always does
 * on the spot. Only for a peer that does not keep up does a write keep the buffer, and the next gets another one.
 */
import type { Socket } from 'node:net';

/** Longer replies get a buffer of their own: few, and soon dearer to keep than to make. */
const bufferBytes = 64 * 1024;

export class ReplyBuffer {
  #buffer = Buffer.allocUnsafeSlow(bufferBytes);

  /** Writes a copy of `bytes`. */
  write(socket: Socket, bytes: Uint8Array): void {
    if (bytes.length > bufferBytes || socket.writableLength > 0) {
      socket.write(Buffer.from(bytes));
      return;
    }
    this.#buffer.set(bytes);
    socket.write(this.#buffer.subarray(0, bytes.length));
    if (socket.writableLength > 0) this.#buffer = Buffer.allocUnsafeSlow(bufferBytes);
  }
}
