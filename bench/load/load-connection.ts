import { connect, type Socket } from 'node:net';
import type { LoadMeter } from './load-meter.js';
import type { ReplyScanner } from './reply-scanner.js';
import type { RequestRing } from './request-ring.js';

const readBufferBytes = 256 * 1024;

/**
 * One connection under load: it keeps every slot of its ring in flight until the meter says to drain.
 *
 * Invariant: `busy[slot]` is 1 from the moment the slot's request is handed to the socket until its reply is read, so a
 * reply to a slot that is not busy is a doubled or an invented one. `finished` resolves once all is answered after the
 * drain began, and rejects at the first wrong, doubled or missing reply.
 */
export class LoadConnection {
  readonly finished: Promise<void>;
  readonly #socket: Socket;
  readonly #ring: RequestRing;
  readonly #scanner: ReplyScanner;
  readonly #meter: LoadMeter;
  readonly #busy: Uint8Array;
  readonly #sentAtMs: Float64Array;
  #inFlight = 0;
  #settle!: { resolve: () => void; reject: (reason: Error) => void };

  constructor(host: string, port: number, ring: RequestRing, scanner: ReplyScanner, meter: LoadMeter) {
    this.#ring = ring;
    this.#scanner = scanner;
    this.#meter = meter;
    this.#busy = new Uint8Array(ring.slots);
    this.#sentAtMs = new Float64Array(ring.slots);
    this.finished = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    const buffer = new Uint8Array(readBufferBytes);
    this.#socket = connect({
      host,
      port,
      noDelay: true,
      onread: { buffer, callback: (bytes) => this.#onBytes(buffer.subarray(0, bytes)) },
    });
    this.#socket.once('connect', () => this.#sendRun(0, ring.slots, performance.now()));
    this.#socket.once('error', (error) => this.#fail(error));
    this.#socket.once('close', () => this.#fail(new Error(`the peer closed with ${this.#inFlight} replies missing`)));
  }

  /** Ends the run from outside: `finished` rejects, unless it has its outcome. */
  abort(reason: Error): void {
    this.#fail(reason);
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  #fail(error: Error): void {
    this.#settle.reject(error);
    this.#socket.destroy();
  }

  #onBytes(bytes: Uint8Array): boolean {
    const nowMs = performance.now();
    try {
      this.#scanner.take(bytes);
      this.#meter.advance(nowMs);
      this.#settleReplies(nowMs);
    } catch (error) {
      this.#fail(error as Error);
      return false;
    }
    if (this.#meter.phase !== 'drain') this.#sendAnswered(nowMs);
    else if (this.#inFlight === 0) this.#finish();
    return true;
  }

  #settleReplies(nowMs: number): void {
    const { slots, count } = this.#scanner;
    for (let index = 0; index < count; index++) {
      const slot = slots[index]!;
      if (this.#busy[slot] !== 1) throw new Error(`the peer sent a doubled or unknown id: slot ${slot}`);
      this.#busy[slot] = 0;
      this.#meter.record(nowMs - this.#sentAtMs[slot]!);
    }
    this.#inFlight -= count;
  }

  /** Sends the answered slots anew. Replies mostly come in the order of the requests: then they are one run, or two. */
  #sendAnswered(nowMs: number): void {
    const { slots, count } = this.#scanner;
    if (count === 0) return;
    this.#socket.cork();
    let from = 0;
    for (let index = 1; index <= count; index++) {
      if (index < count && slots[index] === slots[index - 1]! + 1) continue;
      this.#sendRun(slots[from]!, index - from, nowMs);
      from = index;
    }
    this.#socket.uncork();
  }

  #sendRun(firstSlot: number, count: number, nowMs: number): void {
    const { bytes, requestBytes } = this.#ring;
    this.#busy.fill(1, firstSlot, firstSlot + count);
    this.#sentAtMs.fill(nowMs, firstSlot, firstSlot + count);
    this.#inFlight += count;
    this.#socket.write(bytes.subarray(firstSlot * requestBytes, (firstSlot + count) * requestBytes));
  }

  /** Nothing is in flight: whatever would still come is a reply too many, and there is a moment for it to show. */
  #finish(): void {
    setTimeout(() => {
      this.#settle.resolve();
      this.#socket.destroy();
    }, 20);
  }
}
