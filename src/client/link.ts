/**
 * One connection as frames: a transport, the time that it has to connect, the bodies of the replies, and the sentences
 * for what goes wrong with them. What a reply is for is its owner's business, and so is the order of what is written.
 */

import { type ErrorCode, ProtocolError } from '../errors.js';
import { FrameReader } from '../protocol/frame.js';
import type { OpenTransport, Transport } from './transport.js';

export interface LinkOwner {
  opened(): void;
  /** The body of a reply came. */
  received(body: Uint8Array): void;
  /** All bodies that came together were handed out. */
  caughtUp(): void;
  /** There is room for more bytes. */
  drained(): void;
  /** The connection is gone. Called once, also where it never stood. */
  lost(error: ProtocolError): void;
}

export interface LinkLimits {
  readonly connectTimeoutMs: number;
  readonly replyBytesMax: number;
}

/** What a server of HTTP begins with, `HTTP`, read as the length of a frame. */
const httpAsLength = 0x48545450;

type State = 'opening' | 'open' | 'ending' | 'lost';

export class Link {
  readonly #transport: Transport;
  readonly #owner: LinkOwner;
  readonly #reader: FrameReader;
  readonly #connectTimer: ReturnType<typeof setTimeout>;
  #state: State = 'opening';
  #full = false;
  /** Why this side ended the connection, where it did. */
  #failure: ProtocolError | undefined;

  constructor(open: OpenTransport, limits: LinkLimits, owner: LinkOwner) {
    this.#owner = owner;
    this.#reader = new FrameReader(limits.replyBytesMax);
    this.#transport = open({
      opened: () => this.#opened(),
      received: (chunk) => this.#received(chunk),
      drained: () => {
        this.#full = false;
        if (this.open) owner.drained();
      },
      closed: (error) => this.#closed(error),
    });
    this.#connectTimer = setTimeout(
      () => this.fail('CONNECT_FAILED', `${this.peer} did not answer within ${limits.connectTimeoutMs} ms.`),
      limits.connectTimeoutMs,
    );
  }

  get peer(): string {
    return this.#transport.peer;
  }

  /** Does the connection stand, with nothing that ends it? */
  get open(): boolean {
    return this.#state === 'open' && this.#failure === undefined;
  }

  /** The transport took more than it wants to hold. */
  get full(): boolean {
    return this.#full;
  }

  write(piece: Uint8Array): void {
    if (!this.#transport.write(piece)) this.#full = true;
  }

  /** Says that nothing more will come. */
  end(): void {
    if (this.#state !== 'open') return;
    this.#state = 'ending';
    this.#transport.end();
  }

  /** Ends the connection at once; this becomes the error that its owner is told. */
  fail(code: ErrorCode, message: string): void {
    if (this.#state === 'lost' || this.#failure !== undefined) return;
    this.#failure = new ProtocolError(code, message);
    this.#transport.destroy();
  }

  #opened(): void {
    if (this.#state !== 'opening' || this.#failure !== undefined) return;
    clearTimeout(this.#connectTimer);
    this.#state = 'open';
    this.#owner.opened();
  }

  #received(chunk: Uint8Array): void {
    if (this.#failure !== undefined) return;
    const bodies = this.#reader.push(chunk);
    for (const body of bodies) {
      this.#owner.received(body);
      if (this.#failure !== undefined) return;
    }
    const { refusedBytes, bodyBytesMax } = this.#reader;
    if (refusedBytes !== undefined) {
      const what =
        refusedBytes === httpAsLength
          ? 'answers in HTTP: the framed protocol is on another port, 5000 by default'
          : `announces a reply of ${refusedBytes} bytes; at most ${bodyBytesMax} are taken`;
      this.fail('BAD_REPLY', `${this.peer} ${what}.`);
    } else if (bodies.length > 0) {
      this.#owner.caughtUp();
    }
  }

  #closed(cause: Error | undefined): void {
    clearTimeout(this.#connectTimer);
    const error = this.#failure ?? this.#closingError(cause);
    this.#state = 'lost';
    this.#full = false;
    this.#owner.lost(error);
  }

  #closingError(cause: Error | undefined): ProtocolError {
    const reason =
      cause === undefined ? 'the other side closed it' : ((cause as { code?: string }).code ?? cause.message);
    if (this.#state === 'opening') {
      return new ProtocolError(
        'CONNECT_FAILED',
        `Cannot connect to ${this.peer} (${reason}); is the server running there?`,
        { cause },
      );
    }
    const middle = this.#reader.midFrame ? ', in the middle of a reply' : ' before the reply came';
    return new ProtocolError('CONNECTION_LOST', `The connection to ${this.peer} ended${middle}: ${reason}.`, { cause });
  }
}
