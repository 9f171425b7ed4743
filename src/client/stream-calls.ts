import { ProtocolError } from '../errors.js';
import type { ClientSettings } from './options.js';
import type { StreamCall } from './stream-call.js';
import type { OpenTransport } from './transport.js';

/** The streamed calls of a client: a few at once, the others in the order in which they were made. */
export class StreamCalls {
  readonly #openTransport: OpenTransport;
  readonly #settings: ClientSettings;
  readonly #onSettled: () => void;
  readonly #active = new Set<StreamCall>();
  readonly #waiting = new Set<StreamCall>();

  /** @param onSettled runs after each call, when it no longer counts. */
  constructor(openTransport: OpenTransport, settings: ClientSettings, onSettled: () => void) {
    this.#openTransport = openTransport;
    this.#settings = settings;
    this.#onSettled = onSettled;
  }

  get active(): number {
    return this.#active.size;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Would another call have to wait? */
  get full(): boolean {
    return this.#active.size >= this.#settings.streamsMax;
  }

  add(stream: StreamCall): void {
    this.#waiting.add(stream);
    stream.call.onSettled(() => {
      this.#waiting.delete(stream);
      this.#active.delete(stream);
      this.#startWaiting();
      this.#onSettled();
    });
    this.#startWaiting();
  }

  rejectAll(message: string): void {
    // Those that wait first: the end of an active one would start them.
    for (const { call } of [...this.#waiting, ...this.#active])
      call.reject(new ProtocolError('CONNECTION_LOST', message));
  }

  async allSettled(): Promise<void> {
    await Promise.allSettled([...this.#active, ...this.#waiting].map(({ call }) => call.reply));
  }

  #startWaiting(): void {
    for (const stream of this.#waiting) {
      if (this.full) return;
      this.#waiting.delete(stream);
      this.#active.add(stream);
      stream.start(this.#openTransport, this.#settings);
    }
  }
}
