/**
 * A request from inside the process, such as the HTTP side's. Its data comes in pieces, is held in the one budget of the
 * server as it comes, and is never looked at as a whole on this thread unless it is small.
 */
import { randomUUID } from 'node:crypto';
import type { Engine } from '../../engine/index.js';
import type { WireErrorCode } from '../../errors.js';
import { writeFrameHeader } from '../../protocol/frame.js';
import { frameHeaderBytes, inlineBytesMax } from '../../protocol/limits.js';
import { okFrame } from '../../protocol/replies.js';
import type { Identity } from '../access/identity.js';
import type { BudgetShare, ByteBudget } from '../byte-budget.js';
import type { FrameBuffers } from '../connection/frame-buffers.js';
import { HeldBody } from '../connection/held-body.js';
import type { Observer } from '../observer.js';
import type { CallOptions } from '../server-view.js';
import type { Dispatcher } from './dispatcher.js';
import { cancelAll, type InFlight, type Peer } from './peer.js';
import { leftMs, type RequestRecord } from './request.js';
import { quote } from './sentences.js';

export interface LocalCallParts {
  readonly engine: () => Engine;
  /** The engine has failed, and another one is to take its place. */
  readonly renewEngine: () => void;
  readonly dispatcher: Dispatcher;
  readonly observer: Observer;
  readonly budget: ByteBudget;
  readonly buffers: FrameBuffers;
  readonly maxFrameBytes: number;
}

/**
 * Resolves to the body of the response, an error response included. The source is read no further once that is certain.
 * @param data pieces of one JSON value, which need not be well formed
 * @throws the signal's reason, where it is aborted, and the error of the source; the work is stopped then
 */
export async function callLocally(
  parts: LocalCallParts,
  op: string,
  data: AsyncIterable<Uint8Array>,
  options: CallOptions = {},
): Promise<Uint8Array> {
  const { signal } = options;
  signal?.throwIfAborted();
  const call = openCall(parts, op, options);
  const onAbort = () => call.abort();
  signal?.addEventListener('abort', onAbort);
  try {
    call.begin();
    void call.take(data);
    const body = await call.response;
    signal?.throwIfAborted();
    return body;
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}

function openCall(parts: LocalCallParts, op: string, options: CallOptions): LocalCall {
  try {
    return new LocalCall(parts, op, options);
  } catch (error) {
    renewAfter(error, parts);
    throw error;
  }
}

/** After a trap an engine may be in any state. */
function renewAfter(error: unknown, { renewEngine }: LocalCallParts): void {
  if (error instanceof WebAssembly.RuntimeError) renewEngine();
}

const tail = Buffer.from('}');

class LocalCall implements Peer {
  readonly inFlight = new Set<InFlight>();
  readonly identity: Identity | undefined;
  readonly remoteAddress = undefined;
  readonly share: BudgetShare;
  readonly response: Promise<Uint8Array>;
  readonly #parts: LocalCallParts;
  readonly #request: RequestRecord;
  readonly #op: string;
  /** All of the request before its data. */
  readonly #head: Buffer;
  #resolve!: (body: Uint8Array) => void;
  #reject!: (error: unknown) => void;
  #isSettled = false;
  /** Data that has come: in pieces as long as it is small, then as one body. */
  #pieces: Uint8Array[] = [];
  #dataBytes = 0;
  #body: HeldBody | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: LocalCallParts, op: string, { timeoutMs, identity, traceparent }: CallOptions) {
    this.#parts = parts;
    this.#op = op;
    this.identity = identity;
    this.share = parts.budget.share();
    this.response = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const members = { id: randomUUID(), op, timeoutMs, traceparent };
    this.#head = Buffer.from(`${JSON.stringify(members).slice(0, -1)},"data":`);
    const { dispatcher } = parts;
    const whole = Buffer.concat([this.#head, tail]);
    const { request } = dispatcher.readStart(this, whole, whole.length, performance.now());
    // How much data there will be is not known yet.
    this.#request = { ...request, lane: 'bulk' };
    if (timeoutMs !== undefined) {
      this.#timer = setTimeout(() => this.#refuse('DEADLINE_EXCEEDED', this.#lateSentence()), Math.max(1, timeoutMs));
    }
  }

  /** Refuses it before its data is read, where its caller may not have it. */
  begin(): void {
    this.#parts.dispatcher.admits(this, this.#request, this.#op, 0);
  }

  send(frame: Uint8Array): boolean {
    if (this.#isSettled) return true;
    this.#isSettled = true;
    clearTimeout(this.#timer);
    this.#letGo();
    this.#resolve(frame.subarray(frameHeaderBytes));
    return true;
  }

  sendLast(frame: Uint8Array): void {
    this.send(frame);
  }

  hangUp(): void {}

  /** Nothing comes after this request, as at a half-close. */
  awaitDrain(request: RequestRecord): boolean {
    this.send(okFrame(request.idToken, '{"draining":false}'));
    this.#parts.observer.answered(request, 'ok');
    return true;
  }

  settled(): void {}

  abort(): void {
    this.#isSettled = true;
    clearTimeout(this.#timer);
    this.#letGo();
    cancelAll(this, 'the caller hung up');
    this.#resolve(new Uint8Array(0));
  }

  /** Reads the data, and runs the request. */
  async take(data: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      for await (const piece of data) {
        if (this.#isSettled || !this.#keep(piece)) return;
      }
      if (!this.#isSettled) this.#run();
    } catch (error) {
      clearTimeout(this.#timer);
      this.#letGo();
      renewAfter(error, this.#parts);
      this.#reject(error);
    }
  }

  /** False where the request has its answer. */
  #keep(piece: Uint8Array): boolean {
    const { maxFrameBytes } = this.#parts;
    this.#dataBytes += piece.length;
    const bodyBytes = this.#head.length + this.#dataBytes + tail.length;
    if (bodyBytes > maxFrameBytes) {
      const message = `the request makes a body of more than ${maxFrameBytes} bytes (--max-frame-bytes)`;
      return this.#refuse('FRAME_TOO_LARGE', message);
    }
    const isKept = this.#body || bodyBytes > inlineBytesMax ? this.#hold(piece) : this.#gather(piece);
    return isKept || this.#refuseFull();
  }

  #gather(piece: Uint8Array): boolean {
    if (!this.share.take(piece.length)) return false;
    this.#pieces.push(piece);
    return true;
  }

  #hold(piece: Uint8Array): boolean {
    let body = this.#body;
    if (body === undefined) {
      const bytesMax = this.#parts.maxFrameBytes;
      body = new HeldBody(this.share, this.#parts.buffers, bytesMax);
      this.#body = body;
      if (![this.#head, ...this.#pieces].every((each) => body!.add(each))) return false;
      this.#dropPieces();
    }
    return body.add(piece);
  }

  #run(): void {
    const request = this.#request;
    clearTimeout(this.#timer);
    this.identity?.charge(0, this.#dataBytes);
    request.wholeAtMs = performance.now();
    if ((leftMs(request) ?? 1) <= 0) this.#refuse('DEADLINE_EXCEEDED', this.#lateSentence());
    else if (this.#body === undefined) this.#runSmall();
    else this.#runLarge(this.#body);
  }

  #runSmall(): void {
    const { dispatcher, observer } = this.#parts;
    const engine = this.#parts.engine();
    const data = this.#dataBytes === 0 ? Buffer.from('null') : Buffer.concat(this.#pieces);
    const fault = engine.check(data);
    if (fault >= 0) {
      this.#refuse('BAD_JSON', `the body is not one JSON value in UTF-8: see byte ${fault}`);
      return;
    }
    const frame = Buffer.concat([Buffer.alloc(frameHeaderBytes), this.#head, data, tail]);
    writeFrameHeader(frame, frame.length - frameHeaderBytes);
    const { cameAtMs, wholeAtMs } = this.#request;
    engine.run(frame);
    if (engine.handouts > 0) dispatcher.answer(this, frame, engine.handout(0), cameAtMs, true);
    else {
      this.send(Uint8Array.prototype.slice.call(engine.replies));
      observer.answeredInline(1, performance.now() - wholeAtMs!);
    }
  }

  #runLarge(body: HeldBody): void {
    const { dispatcher } = this.#parts;
    if (!body.add(tail)) {
      this.#refuseFull();
      return;
    }
    const dataPlace = { offset: this.#head.length, length: this.#dataBytes };
    dispatcher.answerHeld(this, this.#request, { bytes: body.bytes, release: () => body.release(), dataPlace });
    // From now on what runs has it.
    this.#body = undefined;
  }

  #refuse(code: WireErrorCode, message: string): false {
    if (!this.#isSettled) this.#parts.dispatcher.refuse(this, this.#request, code, message);
    return false;
  }

  /** There is no room for what came. */
  #refuseFull(): false {
    if (!this.#isSettled) this.#parts.dispatcher.refuseOver(this, this.#request, this.share.refusal);
    return false;
  }

  #lateSentence(): string {
    return `${quote(this.#request.op)} was still being read after ${this.#request.timeoutMs} ms`;
  }

  /** Lets go of what has come. What runs has its own hold on the body. */
  #letGo(): void {
    this.#dropPieces();
    this.#body?.release();
    this.#body = undefined;
  }

  #dropPieces(): void {
    for (const piece of this.#pieces.splice(0)) this.share.give(piece.length);
  }
}
