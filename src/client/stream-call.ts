/**
 * One call whose data is streamed, over a connection of its own: whatever ends the call before its request is whole
 * (an abort, a fault that the server sees early, a source that does not keep its word) just ends that connection, and the
 * server frees what it holds. Other calls do not wait behind gigabytes.
 *
 * Invariant: at most one chunk is held here beside what the transport holds. When the call is settled, by whatever it
 * is, the source is closed and the connection is gone.
 */

import { ProtocolError, RequestError } from '../errors.js';
import { encodeRequestEnvelope, readReplyHead } from '../protocol/message.js';
import type { Call } from './call.js';
import type { SourceReader } from './data-source.js';
import { Link, type LinkLimits } from './link.js';
import type { OpenTransport } from './transport.js';

export class StreamCall {
  readonly call: Call;
  readonly #source: SourceReader;
  readonly #byteLength: number;
  #link: Link | undefined;
  #tail: Uint8Array | undefined;
  #wake: (() => void) | undefined;

  /** Asks the source for its first chunk at once: a Node stream that fails while nobody reads it would end the process. */
  constructor(call: Call, source: SourceReader, byteLength: number) {
    this.call = call;
    this.#source = source;
    this.#byteLength = byteLength;
    call.onSettled(() => {
      source.close();
      this.#link?.fail('CONNECTION_LOST', 'The call is settled.');
      this.#wake?.();
    });
    void this.#pump();
  }

  /** Connects, and sends as the connection takes it. */
  start(open: OpenTransport, limits: LinkLimits): void {
    this.#link = new Link(open, limits, {
      opened: () => this.#opened(),
      received: (body) => this.#take(body),
      caughtUp: () => undefined,
      drained: () => this.#wake?.(),
      lost: (error) => this.call.reject(error),
    });
  }

  async #pump(): Promise<void> {
    const { call } = this;
    let takenBytes = 0;
    while (takenBytes <= this.#byteLength) {
      const chunk = await this.#nextChunk();
      if (call.settled) return;
      if (chunk === undefined) break;
      takenBytes += chunk.length;
      if (takenBytes <= this.#byteLength) await this.#write(chunk);
      if (call.settled) return;
    }
    if (takenBytes === this.#byteLength) return this.#write(undefined);
    const had = takenBytes > this.#byteLength ? 'had more' : `ended after ${takenBytes}`;
    call.reject(
      new RequestError(
        'BAD_DATA',
        `The call of ${call.request.op} announced ${this.#byteLength} bytes of data, and their source ${had}.`,
      ),
    );
  }

  async #nextChunk(): Promise<Uint8Array | undefined> {
    try {
      return await this.#source.next();
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      this.call.reject(
        new RequestError('BAD_DATA', `The data for ${this.call.request.op} could not be read: ${reason}.`, { cause }),
      );
      return undefined;
    }
  }

  /** Writes a chunk, or what stands behind the last one, as soon as the connection stands and has room. */
  async #write(chunk: Uint8Array | undefined): Promise<void> {
    while (this.#tail === undefined || this.#link!.full) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
      if (this.call.settled) return;
    }
    this.#link!.write(chunk ?? this.#tail);
  }

  #opened(): void {
    const { id, op, traceparent } = this.call.request;
    const timeoutMs = this.call.budgetMs();
    if (timeoutMs !== undefined && timeoutMs <= 0) {
      this.call.reject(new RequestError('DEADLINE_EXCEEDED', `The time for ${op} ran out before it could be sent.`));
      return;
    }
    try {
      const { head, tail } = encodeRequestEnvelope({ id, op, timeoutMs, traceparent }, this.#byteLength);
      this.#link!.write(head);
      this.#tail = tail;
      this.#wake?.();
    } catch (cause) {
      this.call.reject(new RequestError('FRAME_TOO_LARGE', (cause as Error).message, { cause }));
    }
  }

  #take(body: Uint8Array): void {
    const head = readReplyHead(body);
    if (head?.id === this.call.request.id || (head?.id === null && !head.ok)) {
      this.call.resolve(body);
      return;
    }
    const what = head === undefined ? 'a frame that is not a reply' : `a reply to ${head.id}, which is not in flight`;
    this.call.reject(new ProtocolError('BAD_REPLY', `${this.#link!.peer} sent ${what}.`));
  }
}
