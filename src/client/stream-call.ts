/**
 * One call whose data is streamed, over a connection of its own. Whatever ends the call before its request is whole
 * (an abort, a fault that the server sees early, a source that does not keep its word) just ends that connection, and the
 * server frees what it holds. Other calls do not wait for gigabytes.
 *
 * Where the call has no limit of its own, it ends when the server neither takes data nor sends anything for a while. Time
 * counts only while this side waits for the server: not while the source has nothing, nor before the call has a connection.
 *
 * Invariant: at most one chunk and one block of joined pieces are held here beside what the transport holds. When the
 * call is settled, by whatever it is, the source is closed, the connection is gone and nothing more is sent.
 */

import { ProtocolError, RequestError } from '../errors.js';
import { encodeRequestEnvelope, readReplyHead } from '../protocol/message.js';
import type { Call } from './call.js';
import { messageOf } from './checks.js';
import type { SourceReader } from './data-source.js';
import { strangeReply } from './json.js';
import { Link, type LinkLimits } from './link.js';
import { nextTurn, patientTimer } from './patient-timer.js';
import { PieceJoiner } from './piece-joiner.js';
import type { OpenTransport } from './transport.js';

/** So long may a source that always has more keep the event loop from its other work. */
const sliceMs = 5;

/**
 * A longer chunk is written in pieces, so that each of them that the server takes is seen: what is written as one tells
 * nothing before all of it is out.
 */
const pieceBytesMax = 256 * 1024;

export class StreamCall {
  readonly call: Call;
  readonly #source: SourceReader;
  readonly #byteLength: number;
  readonly #idleTimeoutMs: number | undefined;
  readonly #joiner = new PieceJoiner();
  #link: Link | undefined;
  #tail: Uint8Array | undefined;
  #wake: (() => void) | undefined;
  #flushPlanned = false;
  #isSent = false;
  #sliceEndMs = performance.now() + sliceMs;
  /** When the server last took something, or this side began to wait for it; `undefined` while it does not wait. */
  #waitingSinceMs: number | undefined;
  #stopIdleTimer: (() => void) | undefined;

  /** Asks the source for its first chunk at once: a Node stream that fails while nobody reads it would end the process. */
  constructor(call: Call, source: SourceReader, byteLength: number, idleTimeoutMs: number | undefined) {
    this.call = call;
    this.#idleTimeoutMs = idleTimeoutMs;
    this.#source = source;
    this.#byteLength = byteLength;
    call.onSettled(() => {
      this.#stopIdleTimer?.();
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
      drained: () => {
        if (this.#waitingSinceMs !== undefined) this.#waitingSinceMs = performance.now();
        this.#proceed();
      },
      lost: (error) => this.call.reject(error),
    });
    if (this.#waitingSinceMs !== undefined) this.#waitingSinceMs = performance.now();
    if (this.#idleTimeoutMs !== undefined) this.#watchIdle(this.#idleTimeoutMs, this.#idleTimeoutMs);
  }

  #watchIdle(idleTimeoutMs: number, delayMs: number): void {
    const look = () => {
      const quietSinceMs = Math.max(this.#waitingSinceMs ?? performance.now(), this.#link!.heardAtMs);
      const leftMs = quietSinceMs + idleTimeoutMs - performance.now();
      if (leftMs > 0) this.#watchIdle(idleTimeoutMs, leftMs);
      else this.call.reject(this.#idleError(idleTimeoutMs));
    };
    this.#stopIdleTimer = patientTimer(delayMs, look, idleTimeoutMs);
  }

  #idleError(idleTimeoutMs: number): RequestError {
    const what = `${this.#link!.peer} has neither taken data for ${this.call.request.op} nor answered`;
    return new RequestError('DEADLINE_EXCEEDED', `${what} for ${idleTimeoutMs} ms, which is the idle limit.`);
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
      // An `await` of what is there already lets no timer and no socket have a turn.
      if (performance.now() >= this.#sliceEndMs) {
        await nextTurn();
        this.#sliceEndMs = performance.now() + sliceMs;
      }
      if (call.settled) return;
    }
    if (takenBytes === this.#byteLength) return this.#finish();
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
      const what = `The data for ${this.call.request.op} could not be read: ${messageOf(cause)}.`;
      this.call.reject(new RequestError('BAD_DATA', what, { cause }));
      return undefined;
    }
  }

  /** Writes a large chunk, and keeps a small one until more have come or nothing more is at hand. */
  async #write(chunk: Uint8Array): Promise<void> {
    if (chunk.length === 0) return;
    if (this.#joiner.takes(chunk)) {
      this.#joiner.add(chunk);
      this.#planFlush();
      return;
    }
    await this.#room();
    if (this.call.settled) return;
    this.#flush();
    if (this.#joiner.takes(chunk)) {
      this.#joiner.add(chunk);
      return;
    }
    for (let at = 0; at < chunk.length && !this.call.settled; at += pieceBytesMax) {
      await this.#room();
      if (!this.call.settled) this.#link!.write(chunk.subarray(at, at + pieceBytesMax));
    }
  }

  async #finish(): Promise<void> {
    await this.#room();
    if (this.call.settled) return;
    this.#flush();
    this.#link!.write(this.#tail!);
    this.#isSent = true;
    this.#waitingSinceMs = performance.now();
  }

  /** Waits until the connection is open and has room, or the call is settled. */
  async #room(): Promise<void> {
    if (this.#hasRoom) return;
    this.#waitingSinceMs = performance.now();
    while (!this.#hasRoom && !this.call.settled) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#waitingSinceMs = undefined;
  }

  get #hasRoom(): boolean {
    return this.#tail !== undefined && !this.#link!.full;
  }

  #flush(): void {
    const joined = this.#joiner.take();
    if (joined !== undefined) this.#link!.write(joined);
  }

  /** Sends what is joined after this turn: the source may have nothing more for long. */
  #planFlush(): void {
    if (this.#flushPlanned) return;
    this.#flushPlanned = true;
    void nextTurn().then(() => {
      this.#flushPlanned = false;
      if (!this.call.settled) this.#proceed();
    });
  }

  #proceed(): void {
    if (this.#hasRoom && !this.call.settled) this.#flush();
    this.#wake?.();
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
      this.#proceed();
    } catch (cause) {
      this.call.reject(new RequestError('FRAME_TOO_LARGE', messageOf(cause), { cause }));
    }
  }

  #take(body: Uint8Array): void {
    const head = readReplyHead(body);
    if (head?.id === this.call.request.id || (head?.id === null && !head.ok)) {
      // All is said, on both sides: nothing of it is for a reset to stop.
      if (this.#isSent) this.#link!.end();
      this.call.resolve(body);
      return;
    }
    this.call.reject(new ProtocolError('BAD_REPLY', `${this.#link!.peer} sent ${strangeReply(head)}.`));
  }
}
