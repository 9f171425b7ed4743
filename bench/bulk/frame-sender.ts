import { connect, type Socket } from 'node:net';
import { frameHeaderBytes } from '../../src/protocol/limits.js';
import type { LargeFrame } from './large-frame.js';

/** Blocks in one write: the fewer the writes, the less of a core is the sender's. */
const blocksPerWrite = 4;

/**
 * Sends a large frame over one connection, again and again if asked, each time as fast as the peer reads it, and holds
 * the reply to its digits.
 */
export class FrameSender {
  readonly #socket: Socket;
  readonly #frame: LargeFrame;
  readonly #blocks: Buffer;
  #received: Buffer = Buffer.alloc(0);
  #failure: Error | undefined;
  /** Called when something has happened that `#until` may wait for. */
  #wake: () => void = () => {};

  constructor(port: number, frame: LargeFrame) {
    this.#frame = frame;
    this.#blocks = Buffer.concat(Array<Buffer>(blocksPerWrite).fill(frame.block));
    this.#socket = connect({ host: '127.0.0.1', port, noDelay: true });
    this.#socket.on('drain', () => this.#wake());
    this.#socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('close', () => this.#fail(new Error('the server closed the connection without a reply')));
  }

  /**
   * To be called again only when it has resolved: when the reply is there and right.
   * @param onStream called once the first of the blocks have gone
   * @throws Error where it is another one, or comes before the frame is whole, or not at all
   */
  async send(onStream: () => void): Promise<void> {
    const { header, bodyStart, blocks, block, bodyEnd } = this.#frame;
    await this.#write(Buffer.concat([header, bodyStart]));
    for (let sent = 0; sent < blocks; sent += blocksPerWrite) {
      const left = blocks - sent;
      await this.#write(left < blocksPerWrite ? this.#blocks.subarray(0, left * block.length) : this.#blocks);
      if (sent === 0) onStream();
    }
    await this.#write(bodyEnd);
    await this.#until(() => this.#reply !== undefined);
    this.#check();
    this.#received = this.#received.subarray(frameHeaderBytes + Buffer.byteLength(this.#frame.reply));
  }

  close(): void {
    this.#socket.destroy();
  }

  async #write(bytes: Buffer): Promise<void> {
    this.#socket.write(bytes);
    await this.#until(() => !this.#socket.writableNeedDrain || this.#received.length > 0);
    if (this.#received.length === 0) return;
    await this.#until(() => this.#reply !== undefined);
    this.#check();
    throw new Error('the server answered before the frame was whole');
  }

  get #reply(): string | undefined {
    const received = this.#received;
    if (received.length < frameHeaderBytes) return undefined;
    const end = frameHeaderBytes + received.readUInt32BE();
    return received.length < end ? undefined : received.toString('utf8', frameHeaderBytes, end);
  }

  #check(): void {
    const reply = this.#reply!;
    if (reply !== this.#frame.reply) {
      throw new Error(`the server answered ${reply.slice(0, 200)} and not ${this.#frame.reply}`);
    }
  }

  async #until(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      if (this.#failure) throw this.#failure;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#wake();
  }
}
