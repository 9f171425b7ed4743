/**
 * Honest clients: each sends requests of one kind at a steady pace, whatever becomes of those before, so that a server
 * that stalls is asked all the same. A connection that is lost is made anew.
 */
import { Agent, type IncomingMessage, type RequestOptions, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { frameHeaderBytes } from '../../src/protocol/limits.js';
import type { HonestFigures } from '../results.js';
import type { Target } from './attack.js';
import { requestFrame } from './frames.js';
import { HonestCount } from './honest-figures.js';

export type HonestKind = 'echo' | 'operation' | 'sum' | 'call' | 'metrics';

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
  readonly #token: string | undefined;
  readonly #work: HonestWork;
  readonly #waiting = new Map<string, number>();
  #count = new HonestCount();
  #socket!: Socket;
  #received: Buffer[] = [];
  #receivedBytes = 0;
  #wantedBytes = frameHeaderBytes;
  #sent = 0;

  constructor(
    { port, token }: Target,
    work: HonestWork,
    dial: () => Socket = () => connect({ host: '127.0.0.1', port, noDelay: true }),
  ) {
    this.#dial = dial;
    this.#token = token;
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
    this.#socket.once('connect', () => {
      if (this.#token !== undefined) this.#socket.write(requestFrame('auth', '$auth', `{"token":"${this.#token}"}`));
      this.#sendNext();
    });
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

/** What is asked over HTTP at a steady pace. */
export interface HttpWork {
  readonly path: string;
  /** Posted as JSON text; without it the path is got. */
  readonly body?: string;
  /** Milliseconds between two requests. */
  readonly everyMs: number;
  /** One connection for all, as a client has it; otherwise a new one each time, as a probe does. */
  readonly keepAlive: boolean;
}

export class HttpClient implements HonestClient {
  readonly #waiting = new Set<{ sentAtMs: number }>();
  readonly #options: RequestOptions;
  readonly #body: string | undefined;
  #count = new HonestCount();

  constructor({ httpPort, token }: Target, { path, body, everyMs, keepAlive }: HttpWork) {
    this.#options = {
      host: '127.0.0.1',
      port: httpPort,
      path,
      method: body === undefined ? 'GET' : 'POST',
      agent: keepAlive && new Agent({ keepAlive: true, maxSockets: 16 }),
      headers: {
        'content-type': 'application/json',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
    };
    this.#body = body;
    setInterval(() => this.#ask(), everyMs);
  }

  cut(): HonestFigures {
    const figures = this.#count.figures([...this.#waiting].map(({ sentAtMs }) => sentAtMs));
    this.#count = new HonestCount();
    return figures;
  }

  #ask(): void {
    const asked = { sentAtMs: performance.now() };
    this.#waiting.add(asked);
    const end = (code: string | undefined) => {
      if (this.#waiting.delete(asked)) this.#count.answered(asked.sentAtMs, code);
    };
    const onResponse = (response: IncomingMessage) => {
      response.resume().once('end', () => end(response.statusCode === 200 ? undefined : `${response.statusCode}`));
      response.once('error', () => end('lost'));
    };
    request(this.#options, onResponse)
      .once('error', () => end('lost'))
      .end(this.#body);
  }
}
