/**
 * One connection as frames: a transport, the time that it has to connect and to say who this is, the bodies of the
 * replies, and the sentences for what goes wrong with them. What a reply is for is its owner's business, and so is the
 * order of what is written.
 */

import { type ErrorCode, ProtocolError } from '../errors.js';
import { FrameReader } from '../protocol/frame.js';
import { type ErrorResponse, encodeRequest, readReplyHead } from '../protocol/message.js';
import { checkString, messageOf } from './checks.js';
import { decodeResponse, strangeReply } from './json.js';
import { patientTimer } from './patient-timer.js';
import type { OpenTransport, Transport } from './transport.js';

export interface LinkOwner {
  opened(): void;
  /** The body of a reply came. */
  received(body: Uint8Array): void;
  /** All bodies that came together were handed out. */
  caughtUp(): void;
  /** There is room for more bytes. */
  drained(): void;
  /**
   * The connection is given up since nothing comes from its peer; `lost` follows. Where this is asked, its transport stays
   * open until `letGo` is called.
   */
  silent?(letGo: () => void): void;
  /** The connection is gone. Called once, also where it never opened. */
  lost(error: ProtocolError): void;
}

export interface LinkLimits {
  /** Gives the token, where the server is to be told who this is. */
  readonly token: (() => string | Promise<string>) | undefined;
  readonly connectTimeoutMs: number;
  readonly replyBytesMax: number;
}

/** What a server of HTTP begins with, `HTTP`, read as the length of a frame. */
const httpAsLength = 0x48545450;

type State = 'opening' | 'authenticating' | 'open' | 'ending' | 'lost';

/** The `id` of the request that comes before all others. */
const authId = '$auth';

export class Link {
  readonly #transport: Transport;
  readonly #owner: LinkOwner;
  readonly #reader: FrameReader;
  readonly #stopConnectTimer: () => void;
  readonly #token: LinkLimits['token'];
  #state: State = 'opening';
  #full = false;
  #heardAtMs = Number.NEGATIVE_INFINITY;
  /** Why this side ended the connection, where it did. */
  #failure: ProtocolError | undefined;

  constructor(open: OpenTransport, limits: LinkLimits, owner: LinkOwner) {
    this.#owner = owner;
    this.#token = limits.token;
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
    this.#stopConnectTimer = patientTimer(limits.connectTimeoutMs, () =>
      this.giveUp('CONNECT_FAILED', `${this.peer} did not answer within ${limits.connectTimeoutMs} ms.`),
    );
  }

  get peer(): string {
    return this.#transport.peer;
  }

  /** Is it connected, its peer told who this is, with nothing that ends it? */
  get open(): boolean {
    return this.#state === 'open' && this.#failure === undefined;
  }

  /** The transport took more than it wants to hold. */
  get full(): boolean {
    return this.#full;
  }

  /** When bytes last came, as `performance.now()` counts. */
  get heardAtMs(): number {
    return this.#heardAtMs;
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

  /** The same for want of anything from the peer. */
  giveUp(code: ErrorCode, message: string): void {
    if (this.#owner.silent === undefined) {
      this.fail(code, message);
    } else if (this.#state !== 'lost' && this.#failure === undefined) {
      this.#failure = new ProtocolError(code, message);
      this.#owner.silent(() => this.#transport.destroy());
      this.#closed(undefined);
    }
  }

  /** Ends the connection at once, for the error that the server sent in this reply. */
  failBy(body: Uint8Array): void {
    const { code, error } = decodeResponse(body, false) as ErrorResponse;
    const isKnown = code === 'UNAUTHENTICATED' || code === 'SHUTTING_DOWN' || code === 'OVERLOADED';
    this.fail(isKnown ? code : 'BAD_REPLY', `${this.peer} refuses this client: ${error}.`);
  }

  #opened(): void {
    if (this.#state !== 'opening' || this.#failure !== undefined) return;
    if (this.#token === undefined) this.#begin();
    else {
      this.#state = 'authenticating';
      void this.#sendToken(this.#token);
    }
  }

  #begin(): void {
    this.#stopConnectTimer();
    this.#state = 'open';
    this.#owner.opened();
  }

  async #sendToken(give: () => string | Promise<string>): Promise<void> {
    try {
      const token = checkString('What token returns', await give());
      if (this.#state !== 'authenticating' || this.#failure !== undefined) return;
      const data = JSON.stringify({ token });
      for (const piece of encodeRequest({ id: authId, op: '$auth' }, data)) this.write(piece);
    } catch (cause) {
      this.fail('CONNECT_FAILED', `The token for ${this.peer} could not be had: ${messageOf(cause)}.`);
    }
  }

  /** The reply to the token came. */
  #authenticated(body: Uint8Array): void {
    const head = readReplyHead(body);
    if (head?.id === authId && head.ok) this.#begin();
    else if (head?.ok === false) this.failBy(body);
    else this.fail('BAD_REPLY', `${this.peer} sent ${strangeReply(head)}.`);
  }

  #received(chunk: Uint8Array): void {
    if (this.#failure !== undefined) {
      // A silent peer that speaks again is not to work for nobody.
      this.#transport.destroy();
      return;
    }
    this.#heardAtMs = performance.now();
    const bodies = this.#reader.push(chunk);
    for (const body of bodies) {
      if (this.#state === 'authenticating') this.#authenticated(body);
      else this.#owner.received(body);
      if (this.#failure !== undefined) return;
    }
    const { refusedBytes, bodyBytesMax } = this.#reader;
    if (refusedBytes !== undefined) {
      const what =
        refusedBytes === httpAsLength
          ? 'answers in HTTP: the framed protocol is on another port, 5000 by default'
          : `announces a reply of ${refusedBytes} bytes; at most ${bodyBytesMax} are taken`;
      this.fail('BAD_REPLY', `${this.peer} ${what}.`);
    } else if (bodies.length > 0 && this.#state !== 'authenticating') {
      this.#owner.caughtUp();
    }
  }

  #closed(cause: Error | undefined): void {
    if (this.#state === 'lost') return;
    this.#stopConnectTimer();
    const error = this.#failure ?? this.#closingError(cause);
    this.#state = 'lost';
    this.#full = false;
    this.#owner.lost(error);
  }

  #closingError(cause: Error | undefined): ProtocolError {
    const reason = cause === undefined ? 'the other side closed it' : reasonOf(cause);
    if (this.#state === 'authenticating') {
      const message = `${this.peer} closed the connection before it had taken the token (${reason}).`;
      return new ProtocolError('CONNECT_FAILED', message, { cause });
    }
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

/** A code such as ECONNREFUSED says more to most readers than the sentence around it. */
function reasonOf(cause: Error): string {
  const { code } = cause as { code?: unknown };
  return typeof code === 'string' ? code : messageOf(cause);
}
