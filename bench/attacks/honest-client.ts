/**
 * Honest clients: each sends requests of one kind at a steady pace, whatever becomes of those before, so that a server
 * that stalls is asked all the same. A connection that is lost is made anew.
 */
import { get } from 'node:http';
import { connect, type Socket } from 'node:net';
import { frameHeaderBytes } from '../../src/protocol/limits.js';
import type { HonestFigures } from '../results.js';
import type { Target } from './attack.js';
import { requestFrame } from './frames.js';
import { HonestCount } from './honest-figures.js';

export type HonestKind = 'echo' | 'operation' | 'sum' | 'metrics';

export interface HonestClient {
  /** What was met with since the last call. */
  cut(): HonestFigures;
}

export interface HonestWork {
  readonly op: string;
  /** JSON text. */
  readonly data: string;
  /** Milliseconds between two requests; 0: one after the other, each after the answer to the one before. */
  readonly everyMs: number;
}

const reconnectMs = 50;
/** Requests without an answer, beyond which none is sent: the server allows 1,024. */
const waitingMax = 1_000;

/** Over one connection: plain TCP, or what `dial` makes. */
export class FrameClient implements HonestClient {
  readonly #dial: () => Socket;
  readonly #work: HonestWork;
  readonly #waiting = new Map<string, number>();
  #count = new HonestCount();
  #socket!: Socket;
  #received: Buffer[] = [];
  #receivedBytes = 0;
  #wantedBytes = frameHeaderBytes;
  #sent = 0;

  constructor(
    port: number,
    work: HonestWork,
    dial: () => Socket = () => connect({ host: '127.0.0.1', port, noDelay: true }),
  ) {
    this.#dial = dial;
    this.#work = work;
    this.#connect();
    if (work.everyMs > 0) setInterval(() => this.#send(), work.everyMs);
  }

  cut(): HonestFigures {
    const figures = this.#count.figures([...this.#waiting.values()]);
    this.#count = new HonestCount();
    return figures;
  }

  #connect(): void {
    this.#received = [];
    this.#receivedBytes = 0;
    this.#wantedBytes = frameHeaderBytes;
    this.#socket = this.#dial();
    this.#socket.on('data', (chunk) => this.#onBytes(chunk));
    this.#socket.once('connect', () => this.#sendNext());
    this.#socket.on('error', () => {});
    this.#socket.once('close', () => this.#onLost());
  }

  #onLost(): void {
    for (const sentAtMs of this.#waiting.values()) this.#count.answered(sentAtMs, 'lost');
    this.#waiting.clear();
    setTimeout(() => this.#connect(), reconnectMs);
  }

  #sendNext(): void {
    if (this.#work.everyMs === 0) this.#send();
  }

  #send(): void {
    if (this.#waiting.size >= waitingMax || this.#socket.readyState !== 'open') return;
    const id = `${this.#sent++}`;
    this.#waiting.set(id, performance.now());
    this.#socket.write(requestFrame(id, this.#work.op, this.#work.data));
  }

  #onBytes(chunk: Buffer): void {
    this.#received.push(chunk);
    this.#receivedBytes += chunk.length;
    if (this.#receivedBytes < this.#wantedBytes) return;
    let bytes = Buffer.concat(this.#received);
    while (bytes.length >= frameHeaderBytes) {
      const end = frameHeaderBytes + bytes.readUInt32BE();
      if (bytes.length < end) break;
      this.#onReply(bytes.toString('latin1', frameHeaderBytes, end));
      bytes = bytes.subarray(end);
    }
    this.#received = [bytes];
    this.#receivedBytes = bytes.length;
    this.#wantedBytes = bytes.length < frameHeaderBytes ? frameHeaderBytes : frameHeaderBytes + bytes.readUInt32BE();
  }

  #onReply(body: string): void {
    const { id, ok, code } = JSON.parse(body) as { id: string | null; ok: boolean; code?: string };
    const sentAtMs = this.#waiting.get(id ?? '');
    if (sentAtMs === undefined) return;
    this.#waiting.delete(id!);
    this.#count.answered(sentAtMs, ok ? undefined : (code ?? 'an error without a code'));
    this.#sendNext();
  }
}

/** Asks for a page over a new connection each time, as a probe does. */
export class PageClient implements HonestClient {
  readonly #waiting = new Set<{ sentAtMs: number }>();
  #count = new HonestCount();

  constructor({ httpPort }: Target, path: string, everyMs: number) {
    setInterval(() => this.#ask(httpPort, path), everyMs);
  }

  cut(): HonestFigures {
    const figures = this.#count.figures([...this.#waiting].map(({ sentAtMs }) => sentAtMs));
    this.#count = new HonestCount();
    return figures;
  }

  #ask(port: number, path: string): void {
    const asked = { sentAtMs: performance.now() };
    this.#waiting.add(asked);
    const end = (code: string | undefined) => {
      if (this.#waiting.delete(asked)) this.#count.answered(asked.sentAtMs, code);
    };
    const asking = get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      response.resume().once('end', () => end(response.statusCode === 200 ? undefined : `${response.statusCode}`));
      response.once('error', () => end('lost'));
    });
    asking.once('error', () => end('lost'));
  }
}
